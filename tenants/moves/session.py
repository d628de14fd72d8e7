"""Transactions of a move: the driver's own cursor, marked as the tenant's and as the move's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias
from uuid import UUID

import psycopg
from django.db import connections, transaction
from psycopg.errors import DeadlockDetected, LockNotAvailable

Cursor: TypeAlias = psycopg.Cursor[tuple[object, ...]]

#: Changes of tables wait this long for their lock, in milliseconds, and are tried this often: others queue behind them.
_LOCK_WAIT: Final = 300
_TRIES: Final = 100


class TablesAreBusy(Exception):
    """The lock of a table was not free for long enough; nothing was changed, so that the command can be repeated."""

    def __init__(self, alias: str) -> None:
        super().__init__(
            f"A table of database {alias!r} is in use by long transactions. Run the command again when they have ended."
        )


@contextmanager
def session(alias: str, tenant_id: UUID) -> Iterator[Cursor]:
    """Open a transaction in the database ``alias`` that sees the tenant's rows, whatever its gate's state."""
    connection = connections[alias]
    connection.ensure_connection()
    with transaction.atomic(using=alias), connection.connection.cursor() as cursor:
        # Statements of a move are longer than a request's.
        cursor.execute(
            "SELECT set_config('partner_engine.tenant', %(id)s, true),"
            " set_config('partner_engine.mover', %(id)s, true), set_config('statement_timeout', '0', true)",
            {"id": str(tenant_id)},
        )
        yield cursor


def alter(alias: str, statements: str) -> None:
    """Change tables of the database ``alias`` in a transaction that waits only briefly for their locks, and often.

    Raises ``TablesAreBusy``.
    """
    connection = connections[alias]
    for _ in range(_TRIES):
        connection.ensure_connection()
        try:
            with transaction.atomic(using=alias), connection.connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {_LOCK_WAIT}")
                cursor.execute(statements)
        except (LockNotAvailable, DeadlockDetected):
            time.sleep(_LOCK_WAIT / 1_000)
        else:
            return
    raise TablesAreBusy(alias)
