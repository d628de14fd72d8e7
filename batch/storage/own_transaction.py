"""The transaction of a save: its one statement, on a connection without any other transaction.

The test suite replaces both functions, because its tests run inside a transaction of their own.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from django.db import connections, transaction


def is_enclosed(alias: str) -> bool:
    """Return whether a transaction of the caller is open, which could still undo a save."""
    return connections[alias].in_atomic_block


def begin(alias: str, *, is_alone: bool = True) -> AbstractContextManager[object]:
    """Return the block that the statement runs in. A statement alone needs none, it commits by itself; with others it
    is one transaction with them.
    """
    return nullcontext() if is_alone else transaction.atomic(using=alias)
