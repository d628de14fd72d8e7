"""Runs the work of one claimed chunk and records how its items ended. Knows neither claims of others nor fairness."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from django.db import InterfaceError, OperationalError, transaction

from encryption.key_ring import KeyServiceUnavailable
from operations.batch_models import BatchOperation, ItemState, OperationItem
from operations.engine.claims import Claim
from operations.engine.creator import sender_of
from operations.engine.database_time import measured
from operations.engine.ends import CODE_LENGTH, Cost, Counts, end_items
from operations.engine.item_clock import ItemClock
from operations.engine.limits import FAULTS_TO_PAUSE, MOST_CRASHES
from operations.engine.metrics import bookkeeping_seconds, chunk_seconds, items_ended
from operations.engine.plans import PLAN_GONE, PLAN_MOVED, DiffersFromPlan, Promise, is_kept, promises
from operations.errors import CreatorMayNot, LeaseLost
from operations.kinds.kind import ItemEnd, Kind, Refusal, Work
from operations.kinds.refusals import TIMED_OUT, is_timeout
from operations.sealed_input import UNREADABLE, opened_arguments, opened_item
from tenants.access import Actor, MissingRight
from tenants.models import Tenant

#: The database is away: that is no fault of the items.
OUTAGES: Final = (OperationalError, InterfaceError)
_UNREADABLE: Final = Refusal(
    code="unreadable_input", detail="What was submitted for this item cannot be read any more.", final=True
)
_CRASHED: Final = Refusal(
    code="worker_stopped", detail="The worker stopped each time it worked on this item.", final=True
)
_UNEXPECTED: Final = Refusal(
    code="unexpected_error", detail="An unexpected error. The log has its place.", transient=True
)
_MAY_NOT: Final = "missing_right"
#: The codes of items that the engine refuses without working on them: they say nothing about what the kind needs.
_UNTRIED: Final = frozenset({_UNREADABLE.code, _CRASHED.code, PLAN_GONE.code, _MAY_NOT})

log = structlog.get_logger(__name__)


class Recorder:
    """Records the ends of a chunk's items, each once. ``faults`` in a row are those of the operation so far."""

    def __init__(
        self, claim: Claim, *, alias: str, faults: int, promises: Mapping[int, Promise] | None = None
    ) -> None:  # fmt: skip
        """Record nothing yet. ``promises`` are the planned results by number, where a plan is carried out."""
        numbers = {item.number: item.id for item in claim.items}
        self._promises = {numbers[number]: promise for number, promise in (promises or {}).items()}
        self.ends: dict[UUID, ItemEnd] = {}
        self.counts: Counts | None = None
        self.seconds = 0.0
        self._claim = claim
        self._alias = alias
        self._faults = faults
        self._tries = {item.id: max(1, item.attempts - item.crashes) for item in claim.items}
        self._mark = time.perf_counter()
        self._database = 0.0

    def record(self, ends: Sequence[ItemEnd], *, database_seconds: float | None = None) -> None:
        """Record ``ends`` within the transaction of the caller. Raises ``LeaseLost``, and ``DiffersFromPlan`` if an end
        is not what was planned.
        """
        if not ends:
            return
        moved = self.moved(ends)
        if moved:
            raise DiffersFromPlan(moved)
        began = time.perf_counter()
        cost = Cost(work_seconds=began - self._mark, database_seconds=(database_seconds or 0.0) - self._database)
        self.counts = end_items(
            ends,
            alias=self._alias,
            operation_id=self._claim.operation_id,
            token=self._claim.token,
            tries=self._tries,
            faults=self._faults,
            cost=cost if database_seconds is not None else Cost(work_seconds=cost.work_seconds),
        )
        self._mark = time.perf_counter()
        if database_seconds is not None:
            self._database = database_seconds
        self.seconds += self._mark - began
        self.ends.update((end.item_id, end) for end in ends)

    def moved(self, ends: Iterable[ItemEnd]) -> frozenset[UUID]:
        """Return the items whose end is not what was planned."""
        return frozenset(
            end.item_id
            for end in ends
            if (promise := self._promises.get(end.item_id)) is not None and not is_kept(promise, end)
        )

    def forget_undone(self) -> None:
        """Forget ends that were recorded in a transaction that was undone: their items are still leased.

        Raises ``LeaseLost`` where items that have not ended are no longer leased.
        """
        ids = [item.id for item in self._claim.items]
        rows = OperationItem.objects.filter(id__in=ids).only("tenant_id", "lease_token", "state", "error_code")
        found = rows.in_bulk()
        for item_id in ids:
            row = found.get(item_id)
            if row is not None and row.lease_token == self._claim.token:
                self.ends.pop(item_id, None)
            elif row is None or not _is_stored(self.ends.get(item_id), row):
                raise LeaseLost

    def missing(self, ends: Sequence[ItemEnd]) -> list[ItemEnd]:
        """Return those of ``ends`` that are not recorded."""
        return [end for end in ends if end.item_id not in self.ends]


def _is_stored(end: ItemEnd | None, row: OperationItem) -> bool:
    """Return whether ``row``, which is not leased, ended as ``end``."""
    if end is None:
        return False
    if end.refusal is None:
        return bool(row.state == ItemState.COMPLETED)
    return bool(row.error_code == end.refusal.code[:CODE_LENGTH])


class ChunkResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a chunk: the ends in the order of the items, and the operation's counts afterwards."""

    ends: list[ItemEnd]
    counts: Counts | None
    seconds: float

    @property
    def is_faulty(self) -> bool:
        """Return whether nearly all items that were worked on failed for a passing reason, so that the fault is
        probably elsewhere. A single item is no sign of that, except where the breaker has paused its kind.
        """
        tried = self._tried()
        transient = sum(1 for end in tried if end.refusal and end.refusal.transient)
        is_paused = self.counts is not None and self.counts.faults_in_row >= FAULTS_TO_PAUSE
        return len(tried) >= (1 if is_paused else 2) and transient >= 0.9 * len(tried)

    @property
    def is_sound(self) -> bool:
        """Return whether an item that was worked on ended for a reason of its own, so that what the kind needs
        responds.
        """
        return not self.is_faulty and any(end.refusal is None or not end.refusal.transient for end in self._tried())

    def _tried(self) -> list[ItemEnd]:
        """Return the ends of items that were worked on."""
        return [end for end in self.ends if end.refusal is None or end.refusal.code not in _UNTRIED]


def run_claim(  # noqa: PLR0913 - each is named at the call
    claim: Claim,
    operation: BatchOperation,
    *,
    kind: Kind[Any, Any],
    tenant: Tenant,
    actor: Actor,
    clock: ItemClock | None = None,
) -> ChunkResult:
    """Work on the items of ``claim`` and record each end; the scope is the tenant's.

    An unexpected error of the kind, or a statement that takes too long, is isolated: the items that remain are tried
    one by one. ``clock`` limits the time of each item. Raises ``LeaseLost``, and
    ``OperationalError`` or ``InterfaceError`` where the database is away: then the lease is as it was.
    """
    alias = tenant.database_alias
    began = time.perf_counter()
    planned = promises(operation, [item.number for item in claim.items])
    recorder = Recorder(claim, alias=alias, faults=operation.faults_in_row, promises=planned)
    with measured(alias) as database:
        ends, ready = _opened(claim.items, kind)
        if operation.planned_by is not None:
            gone = [item for item, _ in ready if item.number not in planned]
            ends += [ItemEnd(item_id=item.id, refusal=PLAN_GONE) for item in gone]
            ready = [pair for pair in ready if pair[0].number in planned]
        work = _work(operation, kind, tenant=tenant, actor=actor, recorder=recorder, clock=clock)
        if ready and work is None:
            ends += [ItemEnd(item_id=item.id, refusal=_UNREADABLE) for item, _ in ready]
        elif ready and work is not None:
            for sent in _by_sender(ready):
                ends += _run_sent(sent, work, kind=kind, recorder=recorder)
        moved = recorder.moved(recorder.missing(ends))
        ends = [_refused_as_moved(end.item_id) if end.item_id in moved else end for end in ends]
        with transaction.atomic(using=alias):
            recorder.record(recorder.missing(ends), database_seconds=database.seconds)
    seconds = time.perf_counter() - began
    chunk_seconds.labels(kind.code).observe(seconds)
    bookkeeping_seconds.labels("ends").inc(recorder.seconds)
    by_id = {**{end.item_id: end for end in ends}, **recorder.ends}
    in_order = [by_id[item.id] for item in claim.items]
    _count(kind, in_order)
    return ChunkResult(ends=in_order, counts=recorder.counts, seconds=seconds)


def _opened(
    items: Sequence[OperationItem], kind: Kind[Any, Any]
) -> tuple[list[ItemEnd], list[tuple[OperationItem, Any]]]:  # fmt: skip
    """Return the ends of items that are not worked on, and the others with what was submitted for them."""
    ends: list[ItemEnd] = []
    ready: list[tuple[OperationItem, Any]] = []
    for item in items:
        if item.crashes >= MOST_CRASHES:
            ends.append(ItemEnd(item_id=item.id, refusal=_CRASHED))
            continue
        try:
            ready.append((item, opened_item(item, kind.item_type)))
        except UNREADABLE:
            ends.append(ItemEnd(item_id=item.id, refusal=_UNREADABLE))
    return ends, ready


def _work(  # noqa: PLR0913 - each is named at the call
    operation: BatchOperation,
    kind: Kind[Any, Any],
    *,
    tenant: Tenant,
    actor: Actor,
    recorder: Recorder,
    clock: ItemClock | None,
) -> Work[Any] | None:  # fmt: skip
    try:
        arguments = opened_arguments(operation, kind.arguments_type)
    except UNREADABLE:
        return None
    return Work(
        operation_id=operation.id,
        tenant=tenant,
        actor=actor,
        arguments=arguments,
        is_dry_run=operation.is_dry_run,
        is_forced=bool(operation.options.get("force")),
        record=recorder.record,
        **({} if clock is None else {"timed": clock.item}),
    )


def _by_sender(ready: Sequence[tuple[OperationItem, Any]]) -> list[list[tuple[OperationItem, Any]]]:
    """Return ``ready`` in groups of one sender each, those of the operation's creator together."""
    groups: dict[bytes, list[tuple[OperationItem, Any]]] = {}
    for pair in ready:
        groups.setdefault(msgspec.json.encode(pair[0].sender), []).append(pair)
    return list(groups.values())


def _run_sent(
    ready: Sequence[tuple[OperationItem, Any]], work: Work[Any], *, kind: Kind[Any, Any], recorder: Recorder
) -> list[ItemEnd]:  # fmt: skip
    """Run items of one sender; corrected items run under the rights of the person who sent the correction."""
    sender = ready[0][0].sender
    if sender is None:
        return _run(ready, work, kind=kind, recorder=recorder)
    try:
        actor = sender_of(sender, tenant_id=work.tenant.id)
        actor.require(kind.right)
    except (CreatorMayNot, MissingRight) as error:
        refusal = Refusal(code=_MAY_NOT, detail=str(error))
        return [ItemEnd(item_id=item.id, refusal=refusal) for item, _ in ready]
    return _run(ready, msgspec.structs.replace(work, actor=actor), kind=kind, recorder=recorder)


def _run(
    ready: Sequence[tuple[OperationItem, Any]], work: Work[Any], *, kind: Kind[Any, Any], recorder: Recorder
) -> list[ItemEnd]:  # fmt: skip
    try:
        return _complete(kind.run(ready, work), ready)
    except LeaseLost:
        raise
    except OUTAGES as error:
        if not is_timeout(error):
            raise
        log.warning("operation_statement_timed_out", items=len(ready))
        refusal = TIMED_OUT
    except DiffersFromPlan as error:
        # The transaction of the changes was undone; the items that do what was planned run again.
        recorder.forget_undone()
        rest = [pair for pair in ready if pair[0].id not in recorder.ends and pair[0].id not in error.item_ids]
        refused = [_refused_as_moved(item_id) for item_id in error.item_ids]
        return [*refused, *(_run(rest, work, kind=kind, recorder=recorder) if rest else ())]
    except KeyServiceUnavailable:
        recorder.forget_undone()
        away = Refusal(code="key_service_away", detail="The key service did not respond.", transient=True)
        return [ItemEnd(item_id=item.id, refusal=away) for item, _ in ready if item.id not in recorder.ends]
    except Exception:
        # Anything a kind raises is a failure of its chunk alone; one by one the item at fault is found.
        log.exception("operation_chunk_raised", kind=kind.code, operation=str(work.operation_id), items=len(ready))
        refusal = _UNEXPECTED
    recorder.forget_undone()
    rest = [pair for pair in ready if pair[0].id not in recorder.ends]
    if len(ready) == 1:
        return [ItemEnd(item_id=item.id, refusal=refusal) for item, _ in rest]
    return [end for pair in rest for end in _run([pair], work, kind=kind, recorder=recorder)]


def _refused_as_moved(item_id: UUID) -> ItemEnd:
    return ItemEnd(item_id=item_id, refusal=PLAN_MOVED)


def _complete(ends: Sequence[ItemEnd], ready: Sequence[tuple[OperationItem, Any]]) -> list[ItemEnd]:
    """Return ``ends``; items that the kind forgot fail."""
    known = {end.item_id for end in ends}
    forgotten = Refusal(code="no_result", detail="The kind of operation returned no result for this item.")
    return [*ends, *(ItemEnd(item_id=item.id, refusal=forgotten) for item, _ in ready if item.id not in known)]


def _count(kind: Kind[Any, Any], ends: Sequence[ItemEnd]) -> None:
    for end in ends:
        outcome = end.outcome if end.refusal is None else "transient" if end.refusal.transient else "failed"
        items_ended.labels(kind.code, outcome).inc()
