"""The relay: leases due actions of one database's outbox, runs their handlers, and records how each attempt ended.

Delivery is at least once. When a worker dies, its rows run again after their leases expire, one by one, so that an
action which kills its worker ends in the dead letters alone (docs/actions.md).
"""

from __future__ import annotations

import secrets
import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final
from uuid import UUID

import structlog
from prometheus_client import Counter
from structlog.contextvars import bind_contextvars, reset_contextvars

from actions.claims import Claims, LeasedAction, LeftSearch
from actions.lease import LeasedRows
from actions.registry import REGISTRY, Delivered, Entry, ManyHandler, PermanentFailure, Registry, RetryAfter
from failpoints import failpoint
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import Tenant
from tracing import span

#: Rows leased in one round trip, and the seconds that a lease lasts unless it is renewed.
BATCH: Final = 200
LEASE_SECONDS: Final = 30.0
#: Actions of one kind and tenant that run at once, where their kind can.
MOST_AT_ONCE: Final = 50
#: Number of dead workers after which an action becomes a dead letter.
MOST_CRASHES: Final = 5
#: Rows of dead workers that run between two batches of other rows.
_LEFT_AT_ONCE: Final = 50
#: Rows that ran are deleted at least this often, in seconds, so that a crash repeats little.
_SETTLE_SECONDS: Final = 0.05
_CHANCE: Final = secrets.SystemRandom()

log = structlog.get_logger(__name__)
ended = Counter("partner_engine_actions", "Attempts at deferred actions, by how they ended", ["kind", "outcome"])


@dataclass(slots=True)
class Drained:
    """The result of a drain, as counts of actions; ``lost`` ones ran here after another worker had taken them over."""

    done: int = 0
    failed: int = 0
    dead: int = 0
    given_back: int = 0
    lost: int = 0

    @property
    def attempts(self) -> int:
        """Return how many handlers ran."""
        return self.done + self.failed + self.dead + self.lost


def drain(  # noqa: PLR0913 - each is named at the call
    alias: str,
    *,
    batch: int = BATCH,
    until_empty: bool = True,
    seconds: float = 120.0,
    lease: float = LEASE_SECONDS,
    registry: Registry = REGISTRY,
) -> Drained:
    """Run the due actions of the database ``alias``, up to ``batch`` per lease; return the counts.

    With ``until_empty``, continue until nothing is due, for about ``seconds`` at most; otherwise stop after one batch.
    ``lease`` is in seconds. Raises ``DatabaseError``; attempts that could not be recorded run again.
    """
    worker = _Worker(Claims(alias, registry=registry, lease=lease), registry, alias, lease)
    ends = time.monotonic() + seconds
    with across_tenants(using=alias):
        while worker.round(batch) and until_empty and time.monotonic() < ends:
            pass
    return worker.drained


class _Worker:
    """The worker of one drain."""

    def __init__(self, claims: Claims, registry: Registry, alias: str, lease: float) -> None:
        self.drained = Drained()
        self._claims = claims
        self._registry = registry
        self._alias = alias
        self._lease = lease
        self._tenants: dict[UUID, Tenant] = {}
        self._search = LeftSearch()

    def round(self, batch: int) -> bool:
        """Run one batch of new actions, and from time to time a few of dead workers; return whether others may be due.

        A drain that went on until a claim finds nothing would take the rows of a busy product in ever smaller batches,
        beside the workers that are woken for them.
        """
        rows = self._claims.claim(batch)
        self._run(rows)
        is_busy = bool(rows) and (self._claims.has_more or any(self._may_emit(row) for row in rows))
        if not self._search.is_due(is_busy=is_busy):
            return True
        return self._run_left() or is_busy

    def _may_emit(self, row: LeasedAction) -> bool:
        """Return whether the row's handler may have stored other actions; one of a kind that runs many at once has not,
        or not urgent ones.
        """
        return self._registry.find(row.kind).many is None

    def _run_left(self) -> bool:
        """Run a few actions of dead workers, each alone; return whether there were any."""
        for number in range(_LEFT_AT_ONCE):
            left = self._claims.claim_left()
            if not left:
                self._search.found_nothing()
                return number > 0
            self._run(left)
        return True

    def _run(self, rows: list[LeasedAction]) -> None:
        """Run ``rows`` in order; rows that wait too long behind a slow one are returned to other workers."""
        if not rows:
            return
        failpoint("action_claimed")
        self._know_tenants(row.tenant_id for row in rows)
        finished: list[UUID] = []
        settled_at = time.monotonic()
        with LeasedRows(self._claims, rows, alias=self._alias, lease=self._lease) as holding:
            while (row := holding.next()) is not None:
                for ran in self._attempt_many(row, holding):
                    failpoint("action_ran")
                    finished.append(ran.id)
                if time.monotonic() - settled_at > _SETTLE_SECONDS:
                    self._settle(finished, holding)
                    settled_at = time.monotonic()
            self._settle(finished, holding)
        self.drained.given_back += holding.given_back

    def _settle(self, finished: list[UUID], holding: LeasedRows) -> None:
        ours = self._claims.done(finished)
        self.drained.done += ours
        self.drained.lost += len(finished) - ours
        holding.ended(finished)
        if finished:
            failpoint("action_settled")
        finished.clear()

    def _attempt_many(self, first: LeasedAction, holding: LeasedRows) -> list[LeasedAction]:
        """Run ``first``, with the rows like it where its kind can run several at once; return those that succeeded.

        Several fail as one. Then ``first`` runs alone, and the others wait for their turn to do so: each failure is of
        its own action, and a slow one delays no others.
        """
        many, tenant = self._registry.find(first.kind).many, self._tenants.get(first.tenant_id)
        if many is not None and tenant is not None:
            alike = holding.next_like(first, most=MOST_AT_ONCE - 1)
            if alike and self._run_many(many, [first, *alike], tenant):
                return [first, *alike]
            holding.put_back(alike)
        return [first] if self._attempt(first) else []

    def _run_many(self, many: ManyHandler, rows: list[LeasedAction], tenant: Tenant) -> bool:
        """Run ``rows`` at once; return whether they succeeded."""
        kind = rows[0].kind
        with _LoggedWith(kind=kind, tenant=tenant.code), use_tenant(tenant):
            try:
                with span(f"actions {kind}", correlation_id=rows[0].correlation_id, attempt=rows[0].attempts):
                    many([delivered_of(row, tenant) for row in rows])
            except Exception as failure:  # noqa: BLE001 - one of them may be at fault, and then fails alone
                log.info("actions_run_singly", actions=[str(row.id) for row in rows], reason=describe(failure))
                return False
        _ended(kind, "done").inc(len(rows))
        # One line for all of them: a line for each took as long as a sixth of the drain.
        log.info(
            "action_done",
            actions=[str(row.id) for row in rows],
            correlation_ids=list(dict.fromkeys(row.correlation_id for row in rows)),
            kind=kind,
            tenant=tenant.code,
            attempt=max(row.attempts for row in rows),
        )
        return True

    def _attempt(self, row: LeasedAction) -> bool:
        """Run one action; return whether it succeeded. A failure is recorded in its row."""
        entry = self._registry.find(row.kind)
        tenant = self._tenants.get(row.tenant_id)
        if row.crashes >= MOST_CRASHES:
            self._bury(row, f"Its worker was gone before the attempt ended, {row.crashes} times.")
            return False
        if tenant is None:
            self._bury(row, "Its tenant is not there any more.")
            return False
        known = {"correlation_id": row.correlation_id, "action": str(row.id), "kind": row.kind, "tenant": tenant.code}
        with _LoggedWith(**known), use_tenant(tenant):
            counts = True
            try:
                with span(f"action {row.kind}", correlation_id=row.correlation_id, attempt=row.attempts):
                    entry.handler(delivered_of(row, tenant))
            except PermanentFailure as failure:
                error, wait = failure.reason, None
            except RetryAfter as failure:
                error, wait, counts = failure.reason, failure.seconds, failure.counts
            except Exception as failure:  # noqa: BLE001 - whatever a handler raises is a failure of its action alone
                log.warning("action_raised", attempt=row.attempts, exc_info=failure)
                error, wait = describe(failure), wait_after(entry, row.attempts)
            else:
                _ended(row.kind, "done").inc()
                log.info("action_done", attempt=row.attempts)
                return True
            self._fail(row, entry, error=error, wait=wait, counts=counts)
        return False

    def _fail(self, row: LeasedAction, entry: Entry, *, error: str, wait: float | None, counts: bool) -> None:
        """Delay the action for ``wait`` seconds, or give it up: at once (None) or when its budget is spent."""
        if wait is None or (counts and row.attempts >= entry.budget.tries):
            self._bury(row, error)
            return
        with across_tenants(using=self._alias):
            ours = self._claims.later(row.id, seconds=wait, error=error, counts=counts)
        self._count(row, "failed", ours)
        log.info("action_failed", attempt=row.attempts, reason=error, again_in=round(wait, 1))

    def _bury(self, row: LeasedAction, error: str) -> None:
        with across_tenants(using=self._alias):
            ours = self._claims.bury(row.id, error=error)
        self._count(row, "dead", ours)
        log.error("action_dead", action=str(row.id), kind=row.kind, attempt=row.attempts, reason=error)

    def _count(self, row: LeasedAction, outcome: str, ours: int) -> None:
        recorded = outcome if ours else "lost"
        setattr(self.drained, recorded, getattr(self.drained, recorded) + 1)
        _ended(row.kind, recorded).inc()

    def _know_tenants(self, ids: Iterable[UUID]) -> None:
        unknown = set(ids) - self._tenants.keys()
        if unknown:
            self._tenants |= Tenant.objects.in_bulk(unknown)


class _LoggedWith:
    """Adds ``known`` to the log lines inside the block.

    structlog's own block copies the whole context first, which took a fifth of the time of an empty action.
    """

    __slots__ = ("_known", "_tokens")

    def __init__(self, **known: str) -> None:
        self._known = known

    def __enter__(self) -> None:
        self._tokens = bind_contextvars(**self._known)

    def __exit__(self, *error: object) -> None:
        reset_contextvars(**self._tokens)


@cache
def _ended(kind: str, outcome: str) -> Counter:
    """Return the count of attempts at a kind that ended so; to look it up takes three times as long as to count."""
    return ended.labels(kind, outcome)


def delivered_of(row: LeasedAction, tenant: Tenant) -> Delivered:
    """Return ``row`` as its handler receives it."""
    return Delivered(
        id=row.id,
        kind=row.kind,
        payload=row.payload,
        payload_version=row.payload_version,
        tenant=tenant,
        copy_id=row.copy_id,
        version=row.version,
        correlation_id=row.correlation_id,
        attempt=row.attempts,
        created_at=row.created_at,
    )


def wait_after(entry: Entry, attempt: int) -> float:
    """Return the seconds until the next attempt: between half and all of the budget's wait, so that actions that failed
    together are not retried together.
    """
    return entry.budget.wait_after(attempt) * _CHANCE.uniform(0.5, 1.0)


def describe(error: BaseException) -> str:
    """Return the type and location of ``error``; its text may quote an answer."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {frames[-1].name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__module__}.{type(error).__qualname__}{place}"
