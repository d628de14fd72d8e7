"""The relay's statements on the outbox: lease due rows, and record how each attempt ended.

All times are the database's. Every statement that ends a row names the lease's token, so a worker that lost its lease
ends nothing. Each statement is a transaction by itself; the caller sees all tenants of the database.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from django.db import connections

from actions.fair_shares import FairShares, quotas
from actions.models import OutboxAction
from actions.registry import RELAY, Registry
from tenants.models import Tenant
from tenants.postgresql.kept_plans import KeptPlan

TABLE: Final = OutboxAction._meta.db_table
#: Seconds between two searches of a busy worker for rows of dead ones.
LEFT_SECONDS: Final = 1.0
CLAIM_COLUMNS: Final = (
    # Without a zone, psycopg reads a time in C.
    "o.id, tenant_id, kind, payload::text, created_at AT TIME ZONE 'UTC', payload_version, copy_id, version,"
    " correlation_id, attempts, crashes"
)
#: A FROZEN action waits for actions of its kind from earlier versions of its copy. Of FRESH actions only the latest of
#: a target runs, and not while an earlier one is running. A dead letter blocks nothing.
#: An action of no version is of no save, and waits for none.
DUE_CONDITIONS: Final = f"""CASE WHEN o.version IS NULL THEN TRUE
           WHEN k.is_fresh THEN COALESCE((
               SELECT max(e.version) FROM {TABLE} e
                WHERE e.state = 'waiting' AND e.copy_id = o.copy_id AND e.kind = o.kind AND e.target = o.target)
                   <= o.version, TRUE)
               AND NOT EXISTS (
               SELECT FROM {TABLE} e
                WHERE e.state = 'waiting' AND e.copy_id = o.copy_id AND e.kind = o.kind AND e.target = o.target
                  AND e.version < o.version AND e.lease_token IS NOT NULL AND e.leased_until > statement_timestamp())
           ELSE COALESCE((
               SELECT min(e.version) FROM {TABLE} e
                WHERE e.state = 'waiting' AND e.copy_id = o.copy_id AND e.kind = o.kind) >= o.version, TRUE)
           END"""  # noqa: S608 - names of our own table and columns, here and below
_CLAIM: Final = f"""
WITH known AS (
    SELECT * FROM unnest(%(kinds)s::text[], %(newest)s::int[], %(fresh)s::bool[]) AS k (kind, newest, is_fresh)),
due AS (
    SELECT o.id
      FROM {TABLE} o JOIN known k ON k.kind = o.kind AND o.payload_version <= k.newest
     WHERE o.state = 'waiting' AND {{standing}}
       AND {DUE_CONDITIONS}
     ORDER BY {{order}} LIMIT %(limit)s FOR UPDATE OF o SKIP LOCKED)
UPDATE {TABLE} o
   SET lease_token = %(token)s, leased_until = clock_timestamp() + make_interval(secs => %(lease)s),
       attempts = o.attempts + 1, crashes = o.crashes + (o.lease_token IS NOT NULL)::int
  FROM due WHERE o.id = due.id
RETURNING {CLAIM_COLUMNS}"""  # noqa: S608
_NEW: Final = _CLAIM.format(
    standing="o.lease_token IS NULL AND o.next_attempt_at <= statement_timestamp()", order="o.next_attempt_at"
)
#: The tenants with due rows, one step in the index for each, however many rows they have.
_WAITING: Final = f"""
WITH RECURSIVE waiting AS (
    (SELECT tenant_id FROM {TABLE} WHERE state = 'waiting' ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT o.tenant_id FROM {TABLE} o WHERE o.state = 'waiting' AND o.tenant_id > w.tenant_id
             ORDER BY o.tenant_id LIMIT 1)
      FROM waiting w WHERE w.tenant_id IS NOT NULL)
SELECT tenant_id FROM waiting WHERE tenant_id IS NOT NULL"""  # noqa: S608
#: A leased row was due when it was leased, so the index of due rows leads to it; one of leases would have to be written
#: at each claim, with all others (docs/adr/0051).
_LEFT: Final = _CLAIM.format(
    standing="o.lease_token IS NOT NULL AND o.leased_until < statement_timestamp()"
    " AND o.next_attempt_at <= statement_timestamp()",
    order="o.next_attempt_at",
)
_DONE: Final = f"""
WITH done AS (
    DELETE FROM {TABLE} WHERE id = ANY(%(ids)s) AND lease_token = %(token)s RETURNING kind, target, copy_id, version),
stood_for AS (
    DELETE FROM {TABLE} e USING done d
     WHERE e.kind = ANY(%(fresh)s) AND e.state = 'waiting' AND e.kind = d.kind AND e.target = d.target
       AND e.copy_id = d.copy_id AND e.version < d.version
       AND (e.leased_until IS NULL OR e.leased_until < statement_timestamp())
    RETURNING 1)
SELECT (SELECT count(*) FROM done), (SELECT count(*) FROM stood_for),
       EXISTS (SELECT FROM done d CROSS JOIN LATERAL (
                   SELECT FROM {TABLE} e
                    WHERE e.state = 'waiting' AND e.kind = d.kind AND e.copy_id = d.copy_id AND e.version > d.version
                    LIMIT 1) e)"""  # noqa: S608
#: The parts in which the claim of several tenants differs: each may have its quota, in one statement for all.
_BY_TENANT: Final = (
    (
        "due AS (\n    SELECT o.id\n",
        "share AS (SELECT * FROM unnest(%(tenants)s::uuid[], %(quotas)s::int[]) AS s (tenant_id, quota)),\n"
        "due AS (\n    SELECT mine.id FROM share CROSS JOIN LATERAL (SELECT o.id\n",
    ),
    ("o.state = 'waiting' AND", "o.state = 'waiting' AND o.tenant_id = share.tenant_id AND"),
    (" LIMIT %(limit)s FOR UPDATE OF o SKIP LOCKED)", " LIMIT share.quota FOR UPDATE OF o SKIP LOCKED) AS mine)"),
)
_CLAIM_PARAMETERS: Final = {
    "kinds": "text[]", "newest": "int[]", "fresh": "bool[]", "token": "uuid", "lease": "float8", "limit": "int",
}  # fmt: skip
_QUOTA_PARAMETERS: Final = {
    **{name: kind for name, kind in _CLAIM_PARAMETERS.items() if name != "limit"},
    "tenants": "uuid[]",
    "quotas": "int[]",
}
_CLAIMED: Final = {
    "id": "uuid", "tenant_id": "uuid", "kind": "varchar", "payload": "text", "created_at": "timestamp",
    "payload_version": "smallint", "copy_id": "uuid", "version": "int", "correlation_id": "varchar",
    "attempts": "smallint", "crashes": "smallint",
}  # fmt: skip


def _by_tenant(text: str) -> str:
    """Return the claim ``text`` for several tenants with a quota each, instead of one limit for all rows."""
    for anybody, of_tenant in _BY_TENANT:
        text = text.replace(anybody, of_tenant)
    return text


def _kept(name: str, text: str, parameters: dict[str, str], columns: dict[str, str]) -> KeptPlan:
    """Return a plan that reads rows in the order of an index, whatever the statistics say: those of an outbox are of
    a moment when it was empty, and to sort all due rows for each claim takes twenty times as long.
    """
    return KeptPlan(f"actions_{name}", text, parameters, columns, without=("seqscan", "bitmapscan", "sort"))


#: The statements that the database keeps plans of, by their texts (docs/adr/0047, 0051).
KEPT: Final = {
    plan.text: plan
    for plan in (
        _kept("waiting", _WAITING, {}, {"tenant_id": "uuid"}),
        _kept("claim", _NEW, _CLAIM_PARAMETERS, _CLAIMED),
        _kept("claim", _by_tenant(_NEW), _QUOTA_PARAMETERS, _CLAIMED),
        _kept("claim_left", _LEFT, _CLAIM_PARAMETERS, _CLAIMED),
        _kept(
            "done",
            _DONE,
            {"ids": "uuid[]", "token": "uuid", "fresh": "text[]"},
            {"done": "bigint", "stood_for": "bigint", "is_followed": "boolean"},
        ),
    )
}
_FREE: Final = "lease_token = NULL, leased_until = NULL"
_HELD: Final = "WHERE id = ANY(%(ids)s) AND lease_token = %(token)s"
_LATER: Final = f"""UPDATE {TABLE} SET {_FREE}, last_error = %(error)s, attempts = attempts - %(uncounted)s,
    next_attempt_at = clock_timestamp() + make_interval(secs => %(seconds)s) {_HELD}"""  # noqa: S608
_DEAD: Final = f"""UPDATE {TABLE} SET {_FREE}, last_error = %(error)s, state = 'dead', died_at = clock_timestamp()
    {_HELD}"""  # noqa: S608
_BACK: Final = f"UPDATE {TABLE} SET {_FREE}, attempts = attempts - 1 {_HELD}"  # noqa: S608
#: Skips rows that another thread of the worker ends at this moment: to wait for one while others are locked could be a
#: deadlock, and they need no lease any more.
_RENEW: Final = f"""
WITH held AS (SELECT id FROM {TABLE} {_HELD} FOR NO KEY UPDATE SKIP LOCKED)
UPDATE {TABLE} o SET leased_until = clock_timestamp() + make_interval(secs => %(lease)s)
  FROM held WHERE o.id = held.id"""  # noqa: S608
#: Tenants that one claim serves at most; the others come first in the next one.
_TENANTS_AT_ONCE: Final = 8
_ERROR_LENGTH: Final = 300
#: The turns of the tenants, by database; the threads of this process share them.
_SHARES: Final[dict[str, FairShares]] = {}


@dataclass(frozen=True, slots=True)
class LeasedAction:
    """One leased row; ``attempts`` and ``crashes`` include this lease."""

    id: UUID
    tenant_id: UUID
    kind: str
    payload: dict[str, Any]
    created_at: datetime
    payload_version: int
    copy_id: UUID | None
    version: int | None
    correlation_id: str
    attempts: int
    crashes: int


class LeftSearch:
    """Says when a worker searches for rows of dead ones: a search reads all due rows, so a busy worker makes one each
    ``LEFT_SECONDS``, and goes on at once only while it finds any.
    """

    def __init__(self) -> None:
        self._ended_at: float | None = None

    def is_due(self, *, is_busy: bool) -> bool:
        """Return whether to search now; ``is_busy`` says whether there is other work."""
        ended = self._ended_at
        return not is_busy or ended is None or time.monotonic() - ended >= LEFT_SECONDS

    def found_nothing(self) -> None:
        """Record that a search came to its end."""
        self._ended_at = time.monotonic()


class Claims:
    """The leases of one worker in the outbox of the database ``alias``, under one token."""

    def __init__(self, alias: str, *, registry: Registry, lease: float, lane: str = RELAY) -> None:
        """Lease the kinds of ``lane`` that ``registry`` understands, for ``lease`` seconds at a time."""
        entries = registry.of_lane(lane)
        #: Whether other rows may be due already: they had no place in the last claim, or became due by the end of its
        #: rows. Rows stored later have a wake-up of their own.
        self.has_more = True
        self._alias = alias
        self._lease = lease
        self._token = uuid4()
        self._fresh = _literal(entry.kind.kind for entry in entries if entry.is_fresh)
        # Written once: psycopg would write each list anew for each statement.
        self._known: dict[str, Any] = {
            "kinds": _literal(entry.kind.kind for entry in entries),
            "newest": _literal(entry.kind.payload_version for entry in entries),
            "fresh": _literal(entry.is_fresh for entry in entries),
        }

    def claim(self, limit: int) -> list[LeasedAction]:
        """Lease up to ``limit`` due rows that no worker has started, in the order in which they must run.

        Where several tenants have rows, each gets its share of them (docs/adr/0040); the fewer rows one has, the sooner
        the next claim serves the others.
        """
        weights = self._waiting()
        if len(weights) <= 1:
            return self._claim_any(limit) if weights else []
        shares = _SHARES.setdefault(self._alias, FairShares())
        rows: list[LeasedAction] = []
        order = shares.order(weights)[:_TENANTS_AT_ONCE]
        granted = quotas(order, weights, limit=limit)
        found = self._claim(_by_tenant(_NEW), limit, tenants=_array(granted), quotas=list(granted.values()))
        self.has_more = len(granted) < len(weights)
        for tenant, quota in granted.items():
            of_tenant = [row for row in found if row.tenant_id == tenant]
            shares.charge(tenant, len(of_tenant), weight=weights[tenant])
            rows += of_tenant
            self.has_more |= len(of_tenant) >= quota
        return rows or self._claim_any(limit)

    def claim_left(self) -> list[LeasedAction]:
        """Lease one row whose worker let its lease expire; alone, so that it cannot harm other rows."""
        return self._claim(_LEFT, 1)

    def done(self, ids: Sequence[UUID]) -> int:
        """Delete rows that ran, and the FRESH rows that they replaced; return how many leases were still valid."""
        if not ids:
            return 0
        with connections[self._alias].cursor() as cursor:
            cursor.execute(_called(_DONE), {"ids": _array(ids), "token": self._token, "fresh": self._fresh})
            done, _, is_followed = cursor.fetchone()
        self.has_more |= is_followed
        return int(done)

    def later(self, row_id: UUID, *, seconds: float, error: str, counts: bool = True) -> int:
        """Delay a row for ``seconds``; ``error`` is the reason, without values. Unless the attempt ``counts``, it is
        not taken from the budget.
        """
        return self._end(_LATER, [row_id], seconds=seconds, error=error[:_ERROR_LENGTH], uncounted=int(not counts))

    def bury(self, row_id: UUID, *, error: str) -> int:
        """Make a row a dead letter; ``error`` is the reason, without values."""
        self.has_more = True
        return self._end(_DEAD, [row_id], error=error[:_ERROR_LENGTH])

    def give_back(self, ids: Iterable[UUID]) -> int:
        """Return rows that were not started; the lease does not count as an attempt."""
        self.has_more = True
        return self._end(_BACK, list(ids))

    def renew(self, ids: Iterable[UUID]) -> int:
        """Renew the leases of rows for their full time; return how many were. One that ends now is left out."""
        return self._end(_RENEW, list(ids), lease=self._lease)

    def _waiting(self) -> dict[UUID, int]:
        """Return the tenants with waiting rows and their weights."""
        with connections[self._alias].cursor() as cursor:
            cursor.execute(_called(_WAITING))
            found = [row[0] for row in cursor.fetchall()]
        if len(found) <= 1:
            return dict.fromkeys(found, 1)
        return dict.fromkeys(found, 1) | dict(Tenant.objects.filter(pk__in=found).values_list("pk", "weight"))

    def _claim_any(self, limit: int) -> list[LeasedAction]:
        rows = self._claim(_NEW, limit)
        self.has_more = len(rows) >= limit
        return rows

    def _claim(self, text: str, limit: int, **others: Any) -> list[LeasedAction]:
        parameters = {**self._known, "token": self._token, "lease": self._lease, "limit": limit, **others}
        with connections[self._alias].cursor() as cursor:
            cursor.execute(_called(text), parameters)
            found = cursor.fetchall()
        rows = [_row(*values) for values in found]
        return sorted(rows, key=lambda row: (row.created_at, row.version or 0, row.id.int))

    def _end(self, text: str, ids: list[UUID], **values: float | str) -> int:
        if not ids:
            return 0
        with connections[self._alias].cursor() as cursor:
            cursor.execute(text, {"ids": _array(ids), "token": self._token, **values})
            return int(cursor.rowcount)


def _row(  # noqa: PLR0913 - columns
    row_id: UUID, tenant_id: UUID, kind: str, payload: str, created_at: datetime, *others: Any
) -> LeasedAction:
    return LeasedAction(row_id, tenant_id, kind, msgspec.json.decode(payload), created_at.replace(tzinfo=UTC), *others)


def _called(text: str) -> str:
    """Return the call of the function that keeps the plan of ``text``, or ``text`` where its plan is not kept."""
    return KEPT[text].call if text in KEPT else text


def _array(ids: Iterable[UUID]) -> str:
    """Return PostgreSQL's literal of an array: psycopg would write each id by itself, ten times as slowly."""
    return _literal(row_id.hex for row_id in ids)


def _literal(values: Iterable[str | int | bool]) -> str:
    """Return PostgreSQL's literal of an array of numbers, truth values or names, which need no quotes."""
    return f"{{{','.join(map(str, values))}}}"
