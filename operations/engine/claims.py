"""Claims: lease a chunk of queued items of one operation, by tenant, priority and age.

The row is the job (docs/adr/0041). A claim reads the open operations and then the first queued items of one of them by
an index, so its cost does not grow with the queue. All times are the database's. The caller sees all tenants.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from django.db import connections

from actions.fair_shares import FairShares
from operations.batch_models import BatchOperation, OperationItem
from operations.engine.ends import ITEMS, OPERATIONS
from operations.engine.limits import FAULTS_TO_PAUSE, LEAST_CHUNK

#: Operations whose items may be claimed now; those that depend on others follow when these have ended in any state.
_CANDIDATES: Final = f"""
SELECT o.id, o.tenant_id, o.kind FROM {OPERATIONS} o
 WHERE o.finished_at IS NULL AND o.cancelled_at IS NULL
   AND (o.paused_at IS NULL OR o.resume_at <= statement_timestamp())
   AND (o.depends_on IS NULL
        OR NOT EXISTS (SELECT FROM {OPERATIONS} d WHERE d.id = o.depends_on AND d.finished_at IS NULL))
 ORDER BY o.priority DESC, o.created_at, o.id"""  # noqa: S608 - names of our own tables and columns, here and below
_LEASE: Final = f"""
UPDATE {ITEMS} i
   SET state = 'in_progress', lease_token = %(token)s,
       leased_until = clock_timestamp() + make_interval(secs => %(lease)s), attempts = i.attempts + 1,
       crashes = i.crashes + (i.state = 'in_progress')::int, started_at = clock_timestamp()
  FROM due WHERE i.id = due.id
RETURNING {{columns}}"""  # noqa: S608
_QUEUED: Final = f"""
WITH due AS (
    SELECT i.id FROM {ITEMS} i
     WHERE i.operation_id = %(operation)s AND i.state = 'queued'
       AND (i.next_attempt_at IS NULL OR i.next_attempt_at <= statement_timestamp())
     ORDER BY i.number LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED)
{_LEASE}"""  # noqa: S608
#: Items of a worker that let its lease expire, of one operation; those that may have killed workers come alone.
_LEFT: Final = f"""
WITH one AS (
    SELECT i.id, i.operation_id, i.crashes FROM {ITEMS} i
     WHERE i.state = 'in_progress' AND i.leased_until < statement_timestamp()
     ORDER BY i.leased_until LIMIT 1),
due AS (
    SELECT i.id FROM {ITEMS} i JOIN one ON one.operation_id = i.operation_id AND one.crashes = i.crashes
     WHERE i.state = 'in_progress' AND i.leased_until < statement_timestamp()
     ORDER BY i.leased_until, i.number LIMIT (SELECT CASE WHEN crashes = 0 THEN {LEAST_CHUNK} ELSE 1 END FROM one)
       FOR NO KEY UPDATE OF i SKIP LOCKED)
{_LEASE}"""  # noqa: S608
_HELD: Final = "WHERE lease_token = %(token)s AND state = 'in_progress'"
#: Skips items that the worker's other thread ends at this moment, as ``actions.claims`` does.
_RENEW: Final = f"""
WITH held AS (SELECT id FROM {ITEMS} {_HELD} FOR NO KEY UPDATE SKIP LOCKED)
UPDATE {ITEMS} i SET leased_until = clock_timestamp() + make_interval(secs => %(lease)s)
  FROM held WHERE i.id = held.id"""  # noqa: S608
_EXPIRE: Final = f"""UPDATE {ITEMS}
    SET leased_until = clock_timestamp(), crashes = greatest(crashes, 1) {_HELD}"""  # noqa: S608
_BACK: Final = f"""UPDATE {ITEMS}
    SET state = 'queued', lease_token = NULL, leased_until = NULL, attempts = attempts - 1 {_HELD}"""  # noqa: S608
#: Begins an operation, or goes on after a pause that ended by itself; a trial of the circuit breaker stays paused.
_BEGIN: Final = f"""
UPDATE {OPERATIONS}
   SET started_at = COALESCE(started_at, clock_timestamp()), stretch_started_at = clock_timestamp(),
       stretch_began_with = completed + failed + cancelled,
       paused_at = CASE WHEN faults_in_row >= {FAULTS_TO_PAUSE} THEN paused_at END,
       resume_at = CASE WHEN faults_in_row >= {FAULTS_TO_PAUSE} THEN resume_at END,
       pause_reason = CASE WHEN faults_in_row >= {FAULTS_TO_PAUSE} THEN pause_reason ELSE '' END
 WHERE id = %(operation)s AND (stretch_started_at IS NULL OR paused_at IS NOT NULL)
   AND (paused_at IS NULL OR resume_at IS NOT NULL)"""  # noqa: S608
_READ: Final = frozenset(
    {
        "id", "tenant_id", "operation_id", "number", "input", "sender", "copy_id", "application_form_id", "attempts",
        "crashes",
    }
)  # fmt: skip
# In the order of the model, which ``from_db`` expects.
_COLUMNS: Final = tuple(field.column for field in OperationItem._meta.concrete_fields if field.column in _READ)


class Candidate(msgspec.Struct, frozen=True):
    """An operation that may have items to claim."""

    operation_id: UUID
    tenant_id: UUID
    kind: str


class Claim(msgspec.Struct, frozen=True):
    """Items of one operation that one worker leased under ``token``, by number. ``is_left`` after a lost worker."""

    operation_id: UUID
    token: UUID
    items: list[OperationItem]
    is_left: bool = False


class Claims:
    """The claims in the database ``alias``, for leases of ``lease`` seconds."""

    def __init__(self, alias: str, *, lease: float) -> None:
        """Claim under a new token each time."""
        self._alias = alias
        self._lease = lease

    def candidates(self) -> list[Candidate]:
        """Return the operations that may run now, by priority and age."""
        with connections[self._alias].cursor() as cursor:
            cursor.execute(_CANDIDATES)
            return [Candidate(*row) for row in cursor.fetchall()]

    def claim(self, operation_id: UUID, *, limit: int) -> Claim | None:
        """Lease up to ``limit`` queued items of an operation that are due, in the order of their numbers."""
        return self._claim(_QUEUED, operation=operation_id, limit=limit)

    def claim_left(self) -> Claim | None:
        """Lease a few items of one operation whose worker let its lease expire; suspects come one by one."""
        return self._claim(_LEFT)

    def renew(self, token: UUID) -> int:
        """Renew the lease ``token`` for its full time; return for how many items. One that ends now is left out."""
        return self._run(_RENEW, token=token, lease=self._lease)

    def expire(self, token: UUID) -> int:
        """Let the lease ``token`` end now, so that its items are claimed one by one."""
        return self._run(_EXPIRE, token=token)

    def give_back(self, token: UUID) -> int:
        """Queue the items again that the lease ``token`` still holds; the attempt does not count."""
        return self._run(_BACK, token=token)

    def begin(self, operation_id: UUID) -> bool:
        """Note that the operation runs now; return whether it did not before."""
        return bool(self._run(_BEGIN, operation=operation_id))

    def _claim(self, text: str, **values: Any) -> Claim | None:
        token = uuid4()
        columns = ", ".join(f"i.{name}" for name in _COLUMNS)
        with connections[self._alias].cursor() as cursor:
            cursor.execute(text.format(columns=columns), {"token": token, "lease": self._lease, **values})
            found = cursor.fetchall()
        if not found:
            return None
        items = [_item(self._alias, row) for row in found]
        items.sort(key=lambda item: item.number)
        return Claim(items[0].operation_id, token, items, is_left=text is _LEFT)

    def _run(self, text: str, **values: Any) -> int:
        with connections[self._alias].cursor() as cursor:
            cursor.execute(text, values)
            return int(cursor.rowcount)


def _item(alias: str, row: Sequence[Any]) -> OperationItem:
    item = OperationItem.from_db(alias, _COLUMNS, row)
    # The cursor leaves JSON as text.
    item.sender = None if item.sender is None else msgspec.json.decode(item.sender)
    return item


def in_fair_order(
    candidates: Iterable[Candidate], *, shares: FairShares, weights: dict[UUID, int]
) -> Iterator[Candidate]:
    """Yield ``candidates`` tenant by tenant, the one whose turn it is first; within a tenant in the order given."""
    of_tenant: dict[UUID, list[Candidate]] = {}
    for candidate in candidates:
        of_tenant.setdefault(candidate.tenant_id, []).append(candidate)
    for tenant_id in shares.order({tenant_id: weights.get(tenant_id, 1) for tenant_id in of_tenant}):
        yield from of_tenant[tenant_id]


def operation_of(claim: Claim, *, alias: str) -> BatchOperation | None:
    """Return the operation of ``claim``, None if it was deleted."""
    return BatchOperation.objects.using(alias).filter(pk=claim.operation_id).first()
