"""Writes saves: one statement, which is one transaction and one round trip of the tenant's database, or nothing.

The UPDATE names the version that was loaded; that is what keeps two savers apart, whatever became of the lock. All else
hangs on the copies that it found (``saved``), so a stale save leaves nothing behind (docs/adr/0013).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import DEFAULT_DB_ALIAS, IntegrityError, OperationalError, connections, transaction
from psycopg.errors import LockNotAvailable

from batch.errors import IdempotencyInFlight, IdempotencyReplay, LockNotAcquired
from batch.idempotency import IdempotencyKey, StoredResponse
from batch.misuse import SaveInsideTransaction
from batch.storage.statement import compose, index_entries
from failpoints import failpoint
from tenants.models import Tenant

Row = Mapping[str, Any]
#: The unique constraint of the stored answers, and so its index.
_KEY_ONCE: Final = "idempotency_key_once"


class Save(msgspec.Struct, frozen=True, kw_only=True):
    """All that one save writes. Rows map columns to plain values.

    ``loaded_version`` 0 makes a new copy; ``new_form`` comes with the first copy of a new form. ``form`` are the fields
    that all its copies share and ``form_version`` the version they were loaded with, where they change.
    """

    copy_id: UUID
    application_form_id: UUID
    loaded_version: int
    copy: Row
    document: bytes
    evaluation: bytes
    changes: bytes
    wrapped_key: bytes | None
    revision: Row
    outbox: Sequence[Row] = ()
    declinations: Sequence[Row] = ()
    neighbours: Mapping[str, Sequence[Row]] = {}
    new_form: Row | None = None
    form: Row | None = None
    form_version: int = 0


class KeyedResponse(msgspec.Struct, frozen=True):
    """The answer to a keyed request, to be stored with its work."""

    key: IdempotencyKey
    response: StoredResponse


def write(saves: Sequence[Save], keyed: KeyedResponse | None, *, scope: Tenant) -> set[UUID]:
    """Commit ``saves`` and ``keyed`` together; return the ids of the copies that were saved.

    A copy that is not among them was saved by somebody else meanwhile: of that save nothing was written. ``keyed``
    belongs to the one save, or to a request that changed nothing.
    Raises ``IdempotencyReplay`` or ``IdempotencyInFlight`` if another request with the key came first,
    ``LockNotAcquired`` if another save holds the row, ``SaveInsideTransaction``.
    """
    connection = connections[scope.database_alias]
    for alias in {scope.database_alias, DEFAULT_DB_ALIAS}:
        blocks = connections[alias].atomic_blocks
        if blocks and not blocks[-1]._from_testcase:  # type: ignore[attr-defined]
            raise SaveInsideTransaction
    if scope.database_alias != DEFAULT_DB_ALIAS:
        _write_index(saves, scope)
        failpoint("index_written")
    text, parameters = compose(saves, keyed, scope)
    # Inside a test's transaction a savepoint stands for the transaction that the statement is by itself.
    own = transaction.atomic(using=scope.database_alias) if connection.in_atomic_block else nullcontext()
    failpoint("write_sending")
    try:
        with own, connection.cursor() as cursor:
            cursor.execute(text, parameters)
            if keyed is not None:
                cursor.nextset()  # in front stood the removal of an expired answer under the same key
            return {row[0] for row in cursor.fetchall()}
    except IntegrityError as error:
        if _constraint(error) == _KEY_ONCE:
            raise IdempotencyReplay from error
        raise
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        # Without its Redis lock another save may hold the copy's row; else it is the same key that waits.
        raise (IdempotencyInFlight if _waited_for_key(error) else LockNotAcquired) from error


def _write_index(saves: Sequence[Save], scope: Tenant) -> None:
    """Write the shared index's entries before the tenant's own rows: a copy is never without its entry.

    An entry without its copy is swept away later. In the shared database itself they go with the save.
    """
    entries = index_entries(saves, scope)
    if entries is not None:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(*entries)


def _waited_for_key(error: OperationalError) -> bool:
    """Tell whether the lock waited for was that of a key; PostgreSQL names the index, in whatever language."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return _KEY_ONCE in (getattr(diagnosis, "context", None) or "")


def _constraint(error: IntegrityError) -> str | None:
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None)
