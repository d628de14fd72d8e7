"""The numbers that PostgreSQL gives to rows, apart for each database, so that rows keep theirs wherever a tenant moves.

The shared database counts from 1. Every other one has a range of its own, 2**40 numbers wide.
"""

from __future__ import annotations

from typing import Final

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper

from tenants.moves.gate import install_schema
from tenants.moves.session import alter
from tenants.tables import TenantTable, tenant_tables

#: Log rows of one database for a thousand years at a thousand a second, and eight million databases.
RANGE: Final = 2**40
_SEQUENCE: Final = "tenant_move.database_number"
_LAST: Final = "SELECT COALESCE(pg_sequence_last_value(pg_get_serial_sequence(%s, %s)), 0)"


def give_range(alias: str) -> None:
    """Give each table of the database ``alias`` that PostgreSQL numbers the database's range, unless it has it."""
    if alias == DEFAULT_DB_ALIAS:
        return
    tables = [table for table in tenant_tables() if table.has_sequence]
    with connections[alias].cursor() as cursor:
        last = {table: _last_number(cursor, table) for table in tables}
    behind = [table for table in tables if last[table] < RANGE]
    if not behind:
        return
    number = max(last.values()) // RANGE or _next_number()
    for table in behind:
        alter(alias, f"ALTER TABLE {table.name} ALTER COLUMN {table.key} RESTART WITH {number * RANGE + 1}")


def _last_number(cursor: CursorWrapper, table: TenantTable) -> int:
    cursor.execute(_LAST, [table.name, table.key])
    return int(str((cursor.fetchone() or (0,))[0]))


def _next_number() -> int:
    install_schema(DEFAULT_DB_ALIAS)
    alter(DEFAULT_DB_ALIAS, f"CREATE SEQUENCE IF NOT EXISTS {_SEQUENCE}")
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(f"SELECT nextval('{_SEQUENCE}')")
        return int(cursor.fetchone()[0])
