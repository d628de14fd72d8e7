"""The dispatcher of the lane of carriers: claims due actions, prepares them, calls the carriers, concludes them.

Calls run on one event loop, with a bounded number per carrier; database work runs in a few threads. The thread of
``run`` does neither: it claims, renews leases and passes work on, so a carrier that hangs delays no other.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, Final, TypeAlias
from uuid import UUID

import structlog
from django.db import connections

from actions.claims import LeasedAction, LeftSearch
from actions.lane_claims import LaneClaims, Room
from actions.lanes import wait_for_work
from actions.registry import REGISTRY, Registry
from actions.relay import LEASE_SECONDS
from carriers.links.loop import start
from failpoints import failpoint
from quoting.attempts import Attempts, Job, carrier_of
from quoting.carrier_actions import CARRIER_ACTIONS, LANE, CarrierActions, CarrierCall
from quoting.message_queue import queue_messages
from tenants.current_tenant import across_tenants

#: Actions in progress in one process, whatever their carriers.
MOST_AT_ONCE: Final = 400
#: Actions of one carrier in progress, until its link says how many it takes.
PER_CARRIER: Final = 10
#: Actions without a carrier in progress: imports of callbacks, which come in bursts.
WITHOUT_CARRIER: Final = 100
#: Threads for database work, per database.
DATABASE_THREADS: Final = 4
#: Seconds between two claims while actions are in progress.
_TURN_SECONDS: Final = 0.05
#: Rows of dead workers that one claim takes over.
_LEFT_AT_ONCE: Final = 10
#: Seconds for actions in progress when the process ends.
_FAREWELL_SECONDS: Final = 8.0

log = structlog.get_logger(__name__)

#: Puts work that is done back into the thread of ``run``.
Event: TypeAlias = Callable[[], None]


class Dispatcher:
    """Runs the carrier actions of the database ``alias``. Its state belongs to the thread of ``run``, but for the
    replies, which a database thread takes under the guard.
    """

    def __init__(
        self,
        alias: str,
        *,
        registry: Registry = REGISTRY,
        actions: CarrierActions = CARRIER_ACTIONS,
        pool: Executor,
        lease: float = LEASE_SECONDS,
    ) -> None:
        """Take the database, and the ``pool`` of threads for database work."""
        self._alias = alias
        self._claims = LaneClaims(alias, registry=registry, lease=lease, lane=LANE)
        self._attempts = Attempts(self._claims, registry=registry, actions=actions, alias=alias)
        self._pool = pool
        self._lease = lease
        self._search = LeftSearch()
        self._renewed_at = time.monotonic()
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._jobs: dict[UUID, Job] = {}
        #: Replies that wait for their copy, by copy; a copy is here while a thread is about to take them.
        self._replies: dict[UUID, list[tuple[Job, Future[Any]]]] = {}
        self._guard = threading.Lock()
        #: How many calls a carrier takes at once, as its link says.
        self._limits: dict[str, int] = {"": WITHOUT_CARRIER}

    def run(self, over: threading.Event) -> None:
        """Run due actions until ``over`` is set, then those in progress. Raises ``DatabaseError``."""
        while not over.is_set():
            self.turn()
            if not self._jobs:
                wait_for_work(LANE, alias=self._alias)

    def finish(self, *, seconds: float) -> int:
        """Run due actions until none is left, for about ``seconds``; return how many are still in progress."""
        ends, is_done = time.monotonic() + seconds, False
        while time.monotonic() < ends and not is_done:
            # An action that ends in this turn may have stored others.
            was_busy = bool(self._jobs)
            is_done = not self.turn() and not was_busy
        return len(self._jobs)

    def wait_for_calls(self, *, seconds: float) -> int:
        """Claim nothing more; wait for the actions in progress and return how many are left after ``seconds``."""
        ends = time.monotonic() + seconds
        while self._jobs and time.monotonic() < ends:
            self._take_events()
        return len(self._jobs)

    def turn(self) -> bool:
        """Renew the leases, claim once, then take in what was done meanwhile; return whether anything was claimed.

        Renewed first, so that nobody takes them over from a process that stood still.
        """
        if self._jobs:
            self._renew()
        claimed = self._claim()
        if self._jobs:
            self._take_events()
        return claimed

    def _claim(self) -> bool:
        limit = MOST_AT_ONCE - len(self._jobs)
        if limit <= 0:
            return False
        queue_messages(self._alias)
        with across_tenants(using=self._alias):
            rows = self._claims.claim_with_room(self._room(), limit=limit, running=self._jobs)
            if self._search.is_due(is_busy=bool(rows or self._jobs)):
                rows += self._claim_left(rows)
        if rows:
            failpoint("carrier_claimed")
            self._prepare(self._attempts.begin(rows))
        return bool(rows)

    def _claim_left(self, claimed: Sequence[LeasedAction]) -> list[LeasedAction]:
        """Claim a few actions of dead workers, beside those ``claimed`` just now."""
        running = [*self._jobs, *(row.id for row in claimed)]
        left = self._claims.claim_left_with_room(self._room(claimed), limit=_LEFT_AT_ONCE, running=running)
        if not left:
            self._search.found_nothing()
        return left

    def _room(self, claimed: Iterable[LeasedAction] = ()) -> Room:
        used = Counter(job.carrier for job in self._jobs.values()) + Counter(carrier_of(row) for row in claimed)
        places = {
            carrier: max(0, self._limits.get(carrier, PER_CARRIER) - used[carrier])
            for carrier in used.keys() | self._limits.keys()
        }
        return Room(places=places, usual=PER_CARRIER)

    def _prepare(self, jobs: Sequence[Job]) -> None:
        """Have ``jobs`` prepared in the database threads, those of one copy together."""
        groups: dict[tuple[UUID, bool], list[Job]] = defaultdict(list)
        for job in jobs:
            self._jobs[job.row.id] = job
            groups[job.copy_id, job.action.locks_to_prepare].append(job)
        for group in groups.values():
            self._in_pool(self._attempts.prepare, group, then=self._prepared)

    def _prepared(self, jobs: Sequence[Job], calls: Sequence[CarrierCall[Any] | None]) -> None:
        """Make the prepared calls; the other actions have ended."""
        for job, call in zip(jobs, calls, strict=True):
            if call is None:
                del self._jobs[job.row.id]
                continue
            self._limits[job.carrier] = call.link.most_in_flight
            future = start(self._attempts.exchange(job, call))
            future.add_done_callback(lambda done, job=job: self._events.put(lambda: self._replied(job, done)))  # type: ignore[misc]

    def _replied(self, job: Job, reply: Future[Any]) -> None:
        """Have the reply recorded, together with others of its copy that arrive before a thread takes them."""
        failpoint("carrier_replied")
        with self._guard:
            is_first = job.copy_id not in self._replies
            self._replies.setdefault(job.copy_id, []).append((job, reply))
        if is_first:
            self._in_pool(self._conclude, job.copy_id, then=self._concluded)

    def _conclude(self, copy_id: UUID) -> list[Job]:
        """Conclude all replies of the copy; in a database thread."""
        with self._guard:
            replies = self._replies.pop(copy_id)
        self._attempts.conclude([job for job, _ in replies], [reply for _, reply in replies])
        return [job for job, _ in replies]

    def _concluded(self, _: UUID, jobs: Iterable[Job]) -> None:
        for job in jobs:
            del self._jobs[job.row.id]

    def _in_pool(self, work: Callable[[Any], Any], argument: Any, *, then: Callable[[Any, Any], None]) -> None:
        """Run ``work`` in a database thread, and ``then`` with its result in the thread of ``run``."""

        def done(future: Future[Any]) -> None:
            self._events.put(lambda: then(argument, future.result()))

        self._pool.submit(_isolated, work, argument).add_done_callback(done)

    def _take_events(self) -> None:
        """Run the events of one turn."""
        ends = time.monotonic() + _TURN_SECONDS
        while self._jobs and (left := ends - time.monotonic()) > 0:
            try:
                self._events.get(timeout=left)()
            except queue.Empty:
                return

    def _renew(self) -> None:
        if time.monotonic() - self._renewed_at < self._lease / 3:
            return
        self._renewed_at = time.monotonic()
        with across_tenants(using=self._alias):
            self._claims.renew(list(self._jobs))


def _isolated(work: Callable[[Any], Any], argument: Any) -> Any:
    """Run ``work``; after an error no connection of this thread is used again."""
    try:
        return work(argument)
    except BaseException:
        connections.close_all()
        raise


def dispatch(alias: str, over: threading.Event) -> None:
    """Run the carrier actions of the database ``alias`` until ``over`` is set; actions in progress then get a few
    seconds, and later ones are taken over by another process. Raises ``DatabaseError``.
    """
    pool = ThreadPoolExecutor(DATABASE_THREADS, thread_name_prefix=f"carriers of {alias}")
    dispatcher = Dispatcher(alias, pool=pool)
    try:
        if over.is_set():
            dispatcher.finish(seconds=_FAREWELL_SECONDS)
            return
        dispatcher.run(over)
        left = dispatcher.wait_for_calls(seconds=_FAREWELL_SECONDS)
        if left:
            log.info("carrier_calls_left", database=alias, amount=left)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
