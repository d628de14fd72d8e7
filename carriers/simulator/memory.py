"""The state of the running simulator, in memory and bounded: quotes, bindings, tokens and received requests."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from carriers.simulator.declarations import Behavior, DeclaredCarrier, Product
from carriers.simulator.wire import Binding, Quote, QuoteSubmission

MOST_QUOTES: Final = 20_000
MOST_RECEIVED: Final = 200
MOST_TOKENS: Final = 100
_T = TypeVar("_T")


@dataclass
class QuoteRecord:
    """A quote with its request. ``history`` has the messages of each sequence, the oldest first."""

    submission: QuoteSubmission
    product: Product
    quote: Quote
    history: list[Quote] = field(default_factory=list)
    bindings: dict[str, Binding] = field(default_factory=dict)
    work: asyncio.Task[None] | None = None

    def stop_work(self) -> None:
        """Stop the later steps of the quote."""
        if self.work is not None:
            self.work.cancel()
            self.work = None


@dataclass(frozen=True, kw_only=True)
class Received:
    """A received request. ``result`` is its HTTP status, or the fault that replaced the response."""

    at: datetime
    operation: str
    method: str
    path: str
    request_token: str | None = None
    correlation_id: str | None = None
    body: Any = None
    result: str = ""


@dataclass
class CarrierState:
    """One carrier while the simulator runs."""

    declared: DeclaredCarrier
    behavior: Behavior
    by_token: OrderedDict[str, QuoteRecord] = field(default_factory=OrderedDict)
    by_reference: OrderedDict[str, QuoteRecord] = field(default_factory=OrderedDict)
    tokens: OrderedDict[str, float] = field(default_factory=OrderedDict)
    received: deque[Received] = field(default_factory=lambda: deque(maxlen=MOST_RECEIVED))
    counts: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    callbacks: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=MOST_RECEIVED))
    fault_calls: Counter[int] = field(default_factory=Counter)
    attempts: Counter[str] = field(default_factory=Counter)
    recent_calls: deque[float] = field(default_factory=lambda: deque(maxlen=10_000))

    def store(self, record: QuoteRecord) -> None:
        """Store a quote under its request token and reference; the oldest ones go."""
        self.by_token[record.submission.request_token] = record
        self.by_reference[record.quote.reference] = record
        for kept in (self.by_token, self.by_reference):
            while len(kept) > MOST_QUOTES:
                kept.popitem(last=False)[1].stop_work()

    def behave(self, behavior: Behavior) -> None:
        """Use ``behavior`` from now on; the turns of faults begin again."""
        self.behavior = behavior
        self.fault_calls.clear()

    def waiting(self) -> list[QuoteRecord]:
        """Return the quotes without a result, the oldest first."""
        return [record for record in self.by_token.values() if record.quote.status == "received"]


class Memory:
    """All carriers, the speed, and the tasks that run in the background."""

    def __init__(self, declared: dict[str, DeclaredCarrier], *, speed: float, has_failures: bool, seed: str) -> None:
        self._declared = declared
        self._tasks: set[asyncio.Task[Any]] = set()
        self.speed = speed
        self.has_failures = has_failures
        self.seed = seed
        self.carriers: dict[str, CarrierState] = {}
        for code in declared:
            self._begin(code)

    def reset(self, code: str | None = None) -> None:
        """Forget everything about one carrier or all, and return to the declared behavior."""
        for each in [code] if code else list(self._declared):
            for record in self.carriers[each].by_token.values():
                record.stop_work()
            self._begin(each)

    def scaled(self, seconds: float) -> float:
        """Return ``seconds`` of the carrier's life in real ones."""
        return seconds / self.speed

    def start(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Run ``work`` in the background."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def stop(self) -> None:
        """Cancel what runs in the background."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, code: str) -> None:
        declared = self._declared[code]
        self.carriers[code] = CarrierState(declared, declared.behavior)


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)
