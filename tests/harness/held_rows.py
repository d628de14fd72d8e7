"""Rows that another connection holds locked, as one that ends them does until it commits."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection, transaction

from tenants.current_tenant import across_tenants

_PATIENCE = 10.0


@contextmanager
def held_rows(table: str, ids: Collection[UUID]) -> Iterator[None]:
    """Hold the rows of ``table`` inside the block; a statement of this thread that waits for one fails soon."""
    are_held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with across_tenants(using="default"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SELECT FROM {table} WHERE id = ANY(%s) FOR UPDATE", [list(ids)])  # noqa: S608 - a test's own
            assert cursor.rowcount == len(ids)
            are_held.set()
            over.wait(_PATIENCE)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert are_held.wait(_PATIENCE)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
        yield
    finally:
        over.set()
        holder.join()
        connection.close()
