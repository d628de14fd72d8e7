"""Copies a tenant's rows from one database into another with COPY: whole tables in ranges of keys, then noted changes.

Rows stream from server to server; this process holds one block of them at a time. Every transfer replaces the rows of
its range or keys, so it can be repeated at any time. It reads the source only while it holds the gate of the target,
so of two moves of one tenant none writes older rows over newer ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

import psycopg
from django.db import IntegrityError

from failpoints import failpoint
from tenants.moves.session import Cursor, session
from tenants.tables import TenantTable, tenant_tables

#: Rows of a table that are copied in one transaction.
CHUNK: Final = 1_000
#: Noted changes that are repeated in one transaction.
CHANGES: Final = 2_000
#: A row may refer to, or collide with, one whose change is noted but not repeated yet: then those come first.
_COLLISIONS: Final = (IntegrityError, psycopg.IntegrityError)
_TRIES: Final = 10
_PROGRESS: Final = """
INSERT INTO tenant_move.progress (tenant_id, table_name, last_key, is_done, rows) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (tenant_id, table_name) DO UPDATE SET last_key = COALESCE(EXCLUDED.last_key, progress.last_key),
       is_done = EXCLUDED.is_done, rows = progress.rows + EXCLUDED.rows"""


class AnotherMove(Exception):
    """Another process moves the tenant."""

    def __init__(self) -> None:
        super().__init__("Another process moves this tenant, or there is no move of it. Wait until it has ended.")


class Keys(NamedTuple):
    """A condition on a table's rows, with its parameters; ``{key}`` and ``{type}`` are the key's column and type."""

    condition: str
    parameters: tuple[object, ...]

    @classmethod
    def listed(cls, keys: Iterable[str]) -> Keys:
        """Return the condition for the rows with these keys."""
        return cls("{key} = ANY (%s::{type}[])", (sorted(keys),))

    @classmethod
    def between(cls, after: str | None, up_to: str | None) -> Keys:
        """Return the condition for the rows after one key, up to another; None means without that limit."""
        parts = [("{key} > %s::{type}", after), ("{key} <= %s::{type}", up_to)]
        limits = [(text, value) for text, value in parts if value is not None]
        return cls(" AND ".join(text for text, _ in limits) or "true", tuple(value for _, value in limits))

    def of(self, table: TenantTable) -> str:
        """Return the condition for ``table``."""
        return self.condition.format(key=table.key, type=table.key_type)


@dataclass(frozen=True, kw_only=True)
class Route:
    """The way of a tenant from the database ``source`` to the database ``target``."""

    tenant_id: UUID
    source: str
    target: str


@dataclass(frozen=True, kw_only=True)
class Copied:
    """The progress of one table: its rows so far, and whether it is done."""

    table: str
    rows: int
    is_done: bool


def copy_tables(route: Route, report: Callable[[Copied], object]) -> None:
    """Copy every table of the tenant in ranges of keys; goes on where an earlier run stopped."""
    for table in tenant_tables():
        while not (copied := _copy_next(route, table)).is_done:
            report(copied)
            failpoint("move_chunk_copied")
        report(copied)


def _copy_next(route: Route, table: TenantTable) -> Copied:
    for _ in range(_TRIES):
        try:
            return _copy_range(route, table)
        except _COLLISIONS:
            repeat_changes(route)
    return _copy_range(route, table)


def _copy_range(route: Route, table: TenantTable) -> Copied:
    with holding_target(route) as target, session(route.source, route.tenant_id) as source:
        target.execute(
            "SELECT last_key, is_done, rows FROM tenant_move.progress WHERE tenant_id = %s AND table_name = %s",
            [route.tenant_id, table.name],
        )
        found = target.fetchone()
        last, is_done, before = (found[0], bool(found[1]), int(str(found[2]))) if found else (None, False, 0)
        if is_done:
            return Copied(table=table.name, rows=before, is_done=True)
        after = None if last is None else str(last)
        up_to = _last_of_range(source, table, route.tenant_id, after)
        rows = _replace(source, target, table, route.tenant_id, Keys.between(after, up_to))
        target.execute(_PROGRESS, [route.tenant_id, table.name, up_to, up_to is None, rows])
        return Copied(table=table.name, rows=before + rows, is_done=up_to is None)


def _last_of_range(source: Cursor, table: TenantTable, tenant_id: UUID, after: str | None) -> str | None:
    """Return the key that ends the next range, None where it is the last one."""
    keys = Keys.between(after, None)
    source.execute(
        f"SELECT {table.key}::text FROM {table.name} WHERE tenant_id = %s AND {keys.of(table)}"  # noqa: S608 - our own names, here and below
        f" ORDER BY {table.key} OFFSET {CHUNK - 1} LIMIT 1",
        [tenant_id, *keys.parameters],
    )
    found = source.fetchone()
    return str(found[0]) if found else None


def repeat_changes(route: Route) -> dict[str, set[str]]:
    """Repeat the next noted changes in the target; return the keys of the changed rows by table."""
    for trial in range(_TRIES):
        try:
            return _repeat_changes(route, most=CHANGES * 2**trial)
        except _COLLISIONS:
            continue
    return _repeat_changes(route, most=CHANGES * 2**_TRIES)


def _repeat_changes(route: Route, *, most: int) -> dict[str, set[str]]:
    with session(route.source, route.tenant_id) as source:
        with holding_target(route) as target:
            seqs, changed = noted_changes(source, route.tenant_id, most=most)
            put_changes(source, target, route.tenant_id, changed)
        failpoint("move_changes_repeated")
        source.execute("DELETE FROM tenant_move.changes WHERE seq = ANY (%s)", [seqs])
    return changed


def noted_changes(source: Cursor, tenant_id: UUID, *, most: int) -> tuple[list[int], dict[str, set[str]]]:
    """Return the first noted changes of the tenant: their numbers, and the keys of the rows by table."""
    source.execute(
        "SELECT seq, table_name, key FROM tenant_move.changes WHERE tenant_id = %s ORDER BY seq LIMIT %s",
        [tenant_id, most],
    )
    seqs: list[int] = []
    changed: dict[str, set[str]] = {}
    for seq, table, key in source.fetchall():
        seqs.append(int(str(seq)))
        changed.setdefault(str(table), set()).add(str(key))
    return seqs, changed


def put_changes(source: Cursor, target: Cursor, tenant_id: UUID, changed: Mapping[str, set[str]]) -> None:
    """Give the rows ``changed`` in the target the state that they have in the source: deleted, or replaced."""
    tables = [table for table in tenant_tables() if table.name in changed]
    for table in reversed(tables):
        _delete(target, table, tenant_id, Keys.listed(changed[table.name]))
    for table in tables:
        _replace(source, target, table, tenant_id, Keys.listed(changed[table.name]))


def _replace(source: Cursor, target: Cursor, table: TenantTable, tenant_id: UUID, keys: Keys) -> int:
    """Replace the target's rows of ``keys`` by the source's; return their number."""
    columns = ", ".join(table.columns)
    _delete(target, table, tenant_id, keys)
    # COPY itself is not allowed into tables with row-level security.
    target.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS arriving (LIKE {table.name})")
    incoming = f"COPY arriving ({columns}) FROM STDIN (FORMAT BINARY)"
    outgoing = (
        f"COPY (SELECT {columns} FROM {table.name} WHERE tenant_id = %s AND {keys.of(table)}) TO STDOUT (FORMAT BINARY)"  # noqa: S608
    )
    with source.copy(outgoing, [tenant_id, *keys.parameters]) as rows, target.copy(incoming) as copy:
        for block in rows:
            copy.write(block)
    target.execute(f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM arriving")  # noqa: S608
    count = target.rowcount
    target.execute("DROP TABLE arriving")
    return count


def _delete(target: Cursor, table: TenantTable, tenant_id: UUID, keys: Keys) -> None:
    target.execute(
        f"DELETE FROM {table.name} WHERE tenant_id = %s AND {keys.of(table)}",  # noqa: S608
        [tenant_id, *keys.parameters],
    )


@contextmanager
def holding_target(route: Route) -> Iterator[Cursor]:
    """Open a transaction in the target that holds the tenant's gate there. Raises ``AnotherMove``."""
    with session(route.target, route.tenant_id) as target:
        target.execute(
            "SELECT 1 FROM tenant_move.gates WHERE tenant_id = %s AND state = 'arriving' FOR UPDATE SKIP LOCKED",
            [route.tenant_id],
        )
        if target.fetchone() is None:
            raise AnotherMove
        yield target
