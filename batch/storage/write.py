"""Writes saves: one statement, which is one transaction and one round trip of the tenant's database, or nothing.

The UPDATE names the loaded version, which separates two saves even without the lock. All other parts depend on the
copies that it updated (``saved``), so a stale save writes nothing (docs/adr/0013).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final, Protocol, TypeAlias
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, DatabaseError, IntegrityError, OperationalError, connections
from psycopg.errors import LockNotAvailable

from batch.changes.records import PlannedSave, SaveRows
from batch.errors import ExternalIdTaken, IdempotencyInFlight, IdempotencyReplay, LockNotAcquired, StaleChangeset
from batch.idempotency import KeyedResponse
from batch.misuse import SaveInsideTransaction
from batch.models import IdempotencyRecord
from batch.storage import own_transaction
from batch.storage.statement import compose, index_entries
from failpoints import failpoint
from forms.models import ApplicationForm
from redis_locks.shared_trip import SharedTrip
from tenants.models import Tenant
from tracing import traced

#: The unique constraint of the stored responses, and so its index.
_KEY_ONCE: Final = "idempotency_key_once"
#: The unique constraint of the ids that partners give their forms.
_EXTERNAL_ID_ONCE: Final = "form_external_id_once"
#: Lock and statement timeouts, a deadlock; besides wrong data (22) and violated constraints (23).
_REFUSALS: Final = frozenset({"55P03", "57014", "40P01"})

#: The reason why one copy was not saved.
Refusal: TypeAlias = DatabaseError | LockNotAcquired | StaleChangeset | ExternalIdTaken


#: Writes what belongs to the saves of these copies, in their transaction.
Companion: TypeAlias = Callable[[Collection[UUID]], None]


class Locks(Protocol):
    """The lock or locks that are held for a save."""

    @property
    def trip(self) -> SharedTrip | None:
        """Return the round trip that frees the lock, for what follows from the save; None to send that at once."""

    def extend(self) -> None:
        """Reset the time to live of each."""


@traced("save.write")
def write_all(
    planned: Sequence[PlannedSave], *, scope: Tenant, locks: Locks | None, companion: Companion | None = None
) -> dict[UUID, Refusal]:
    """Write all ``planned`` saves in one transaction; return the refusals by copy. The ``companion`` is called with the
    saved copies before the commit.

    Where the database refuses all together, each save is written alone, so that only faulty ones are left out; the
    copies of a new form are written together or not at all.
    Raises all other errors of ``write``: then it is unknown what was written.
    """
    saves = [one.rows for one in planned if one.rows is not None]
    keyed = next((one.keyed for one in planned if one.keyed is not None), None)
    # Of two copies that change the fields that their form's copies share, the later one would be stale anyway.
    first_of_form = {save.application_form_id: save.copy_id for save in reversed(saves) if save.form is not None}
    to_write = [save for save in saves if save.form is None or first_of_form[save.application_form_id] == save.copy_id]
    refusals: dict[UUID, Refusal] = {}
    saved: set[UUID] = set()
    if to_write or keyed is not None:
        try:
            saved = write(to_write, keyed, scope=scope, companion=companion)
        except (DatabaseError, LockNotAcquired, StaleChangeset, ExternalIdTaken) as error:
            if not to_write or not _is_refusal(error):
                raise
            groups = _indivisible(to_write)
            if len(groups) == 1:
                refusals = {save.copy_id: error for save in to_write}
            else:
                saved, refusals = _write_each(groups, scope=scope, locks=locks, companion=companion)
    stale = {save.copy_id: StaleChangeset() for save in saves if save.copy_id not in saved}
    return {**stale, **refusals}


def _indivisible(saves: Sequence[SaveRows]) -> list[list[SaveRows]]:
    """Return the groups of ``saves`` that are written together: the copies of each new form, all others alone."""
    new_forms = {save.application_form_id for save in saves if save.new_form is not None}
    groups: dict[UUID, list[SaveRows]] = {}
    for save in saves:
        form_id = save.application_form_id
        groups.setdefault(form_id if form_id in new_forms else save.copy_id, []).append(save)
    return list(groups.values())


def _write_each(
    groups: Sequence[Sequence[SaveRows]], *, scope: Tenant, locks: Locks | None, companion: Companion | None
) -> tuple[set[UUID], dict[UUID, Refusal]]:
    saved: set[UUID] = set()
    refusals: dict[UUID, Refusal] = {}
    for number, group in enumerate(groups):
        if locks is not None and number % 20 == 0:
            locks.extend()
        try:
            saved |= write(group, None, scope=scope, companion=companion)
        except (DatabaseError, LockNotAcquired, StaleChangeset, ExternalIdTaken) as error:
            if not _is_refusal(error):
                raise
            refusals |= dict.fromkeys((save.copy_id for save in group), error)
    return saved, refusals


def write(
    saves: Sequence[SaveRows], keyed: KeyedResponse | None, *, scope: Tenant, companion: Companion | None = None
) -> set[UUID]:
    """Commit ``saves`` and ``keyed`` together; return the ids of the copies that were saved.

    A copy that is missing there was changed meanwhile: nothing of that save was written. ``keyed``
    belongs to the one save, or to a request that changed nothing. What the ``companion`` writes is stored with the
    saves or not at all; its own errors are raised, and then nothing was written.
    Raises ``IdempotencyReplay`` or ``IdempotencyInFlight`` if another request with the key came first,
    ``LockNotAcquired`` if another save holds the row, ``ExternalIdTaken``, ``SaveInsideTransaction``.
    """
    alias = scope.database_alias
    if own_transaction.is_enclosed(alias) or own_transaction.is_enclosed(DEFAULT_DB_ALIAS):
        raise SaveInsideTransaction
    if alias != DEFAULT_DB_ALIAS:
        _write_index(saves, scope)
        failpoint("index_written")
    text, parameters = compose(saves, keyed, scope)
    failpoint("write_sending")
    try:
        with own_transaction.begin(alias, is_alone=companion is None):
            with connections[alias].cursor() as cursor:
                cursor.execute(text, parameters)
                if keyed is not None:
                    cursor.nextset()  # the first statement removed an expired response under the same key
                saved = {row[0] for row in cursor.fetchall()}
            if companion is not None and saved:
                companion(saved)
            return saved
    except IntegrityError as error:
        if _constraint(error) == _KEY_ONCE:
            raise IdempotencyReplay from error
        if _constraint(error) == _EXTERNAL_ID_ONCE:
            raise _refused_external_id(saves, keyed) from error
        raise
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        # Without the Redis lock another save may hold the copy's row; otherwise the wait is for the same key.
        raise (IdempotencyInFlight if _waited_for_key(error) else LockNotAcquired) from error


def _write_index(saves: Sequence[SaveRows], scope: Tenant) -> None:
    """Write the entries of the shared index before the tenant's own rows: each copy always has its entry.

    An entry without its copy is removed later. In the shared database the entries are part of the save.
    """
    entries = index_entries(saves, scope)
    if entries is not None:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(*entries)


def _refused_external_id(
    saves: Sequence[SaveRows], keyed: KeyedResponse | None
) -> ExternalIdTaken | IdempotencyReplay | StaleChangeset:
    """Return why an external id of ``saves`` was refused: the same request came first, or another form has it, which
    may be gone meanwhile.
    """
    if keyed is not None:
        stored = IdempotencyRecord.objects.filter(client=keyed.key.client, key=keyed.key.key)
        if stored.exists():
            return IdempotencyReplay()
    fields = [save.new_form or save.form or {} for save in saves]
    wanted = {row["external_id"] for row in fields if row.get("external_id")}
    others = ApplicationForm.objects.filter(external_id__in=wanted).exclude(
        pk__in=[save.application_form_id for save in saves]
    )
    form_id = others.values_list("pk", flat=True).first()
    return StaleChangeset() if form_id is None else ExternalIdTaken(form_id)


def _waited_for_key(error: OperationalError) -> bool:
    """Return whether the statement waited for the lock of a key; PostgreSQL names the index in any language."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return _KEY_ONCE in (getattr(diagnosis, "context", None) or "")


def _constraint(error: IntegrityError) -> str | None:
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None)


def _is_refusal(error: Refusal) -> bool:
    """Return whether PostgreSQL refused the statement, so that nothing was written."""
    if not isinstance(error, DatabaseError):
        return True
    state = getattr(error.__cause__, "sqlstate", None) or ""
    return state[:2] in ("22", "23") or state in _REFUSALS
