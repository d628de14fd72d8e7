"""Compares a tenant's rows in two databases by the hash of each row, in ranges of keys."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from tenants.moves.session import Cursor, session
from tenants.moves.transfer import Keys, Route
from tenants.tables import TenantTable, tenant_tables

#: Rows that are compared at a time.
CHUNK: Final = 2_000


@dataclass(frozen=True, kw_only=True)
class TableDigest:
    """One table of the tenant: its number of rows, and a hash over the content of all of them."""

    table: str
    rows: int
    digest: str


def compare_tables(route: Route) -> tuple[list[TableDigest], dict[str, set[str]]]:
    """Return the digests of the tenant's tables in the target, and the keys of the rows that differ from the source.

    Rows that change meanwhile may differ; compare them again later.
    """
    digests = []
    different: dict[str, set[str]] = {}
    for table in tenant_tables():
        total = hashlib.sha256()
        rows, after = 0, None
        while True:
            with session(route.source, route.tenant_id) as source, session(route.target, route.tenant_id) as target:
                theirs = _hashes(target, table, route.tenant_id, Keys.between(after, None), limit=CHUNK)
                last = max_key(theirs) if len(theirs) == CHUNK else None
                ours = _hashes(source, table, route.tenant_id, Keys.between(after, last))
            if ours != theirs:
                different.setdefault(table.name, set()).update(key for key, _ in ours.items() ^ theirs.items())
            for key, row in theirs.items():
                total.update(f"{key} {row}\n".encode())
            rows += len(theirs)
            if last is None:
                break
            after = last
        digests.append(TableDigest(table=table.name, rows=rows, digest=total.hexdigest()))
    return digests, different


def max_key(hashes: Mapping[str, str]) -> str:
    """Return the last key of ``hashes``, which are in the order of their keys."""
    return next(reversed(list(hashes)))


def differing(
    source: Cursor, target: Cursor, tenant_id: UUID, keys: Mapping[str, set[str]]
) -> dict[str, set[str]]:  # fmt: skip
    """Return which of the rows ``keys`` differ between the two databases, by table."""
    found: dict[str, set[str]] = {}
    for table in tenant_tables():
        wanted = keys.get(table.name)
        if wanted:
            one, other = (_hashes(cursor, table, tenant_id, Keys.listed(wanted)) for cursor in (source, target))
            if wrong := {key for key, _ in one.items() ^ other.items()}:
                found[table.name] = wrong
    return found


def count_rows(cursor: Cursor, tenant_id: UUID) -> dict[str, int]:
    """Return the number of the tenant's rows by table."""
    counts = {}
    for table in tenant_tables():
        cursor.execute(f"SELECT count(*) FROM {table.name} WHERE tenant_id = %s", [tenant_id])  # noqa: S608 - our own names, here and below
        counts[table.name] = int(str((cursor.fetchone() or (0,))[0]))
    return counts


def _hashes(
    cursor: Cursor, table: TenantTable, tenant_id: UUID, keys: Keys, *, limit: int | None = None
) -> dict[str, str]:  # fmt: skip
    """Return the hash of each row by its key, in the order of the keys."""
    columns = ", ".join(table.columns)
    cursor.execute(
        f"SELECT {table.key}::text, md5(ROW({columns})::text) FROM {table.name}"  # noqa: S608
        f" WHERE tenant_id = %s AND {keys.of(table)} ORDER BY {table.key} LIMIT %s",
        [tenant_id, *keys.parameters, limit],
    )
    return {str(key): str(row) for key, row in cursor.fetchall()}
