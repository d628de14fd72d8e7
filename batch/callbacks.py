"""The callbacks of every save, in their order. Pure.

A callback gets the changeset and the copy as loaded; it changes the changeset, or refuses the save by raising.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias
from uuid import UUID

from batch.changes.changeset import Changeset
from batch.changes.mutators.guest_links import GUEST_LINKS
from batch.changes.mutators.quote_requests import QUOTE_REQUESTS
from batch.changes.mutators.subjectivities import SUBJECTIVITIES
from batch.changes.records import Loaded
from batch.changes.tracker import GUEST
from batch.errors import BaseCopy, CopyIsDeleted, CopyIsLocked, LastCopy
from copies.paths import Path

#: The records that carriers' messages change.
_REPORTED: Final = frozenset({QUOTE_REQUESTS.name, SUBJECTIVITIES.name})

OnCreate: TypeAlias = Callable[[Changeset], None]
BeforeSave: TypeAlias = Callable[[Changeset, Loaded], None]


def set_owner(changeset: Changeset) -> None:
    """Make the user who creates a copy its owner."""
    if changeset.copy_fields.owner_id is None and changeset.tracker.by.type == "user":
        changeset.copy.own(UUID(changeset.tracker.by.id))


def refuse_locked(changeset: Changeset, loaded: Loaded) -> None:
    """Refuse all changes of a locked copy except its unlocking, the revocation of guest links, which cannot wait, and
    what carriers report, which is so whether the copy is locked or not.
    """
    fields = loaded.copy.fields
    is_locked = fields.locked_at is not None and changeset.copy_fields.locked_at is not None
    is_allowed = changeset.requests_nothing or _only_ends_links(changeset) or _only_carriers_report(changeset)
    if is_locked and not is_allowed:
        if changeset.tracker.by.type == GUEST:
            # Who locked the copy and why is written for colleagues.
            raise CopyIsLocked
        raise CopyIsLocked(by=fields.locked_by_label, since=fields.locked_at, reason=fields.lock_reason)


def _only_ends_links(changeset: Changeset) -> bool:
    changes = changeset.own_changes()
    links = [change for change in changes if Path(change.path).kind == GUEST_LINKS.name]
    ended = [change for change in links if change.after == "revoked"]
    return bool(changes) and len(ended) == len(changes) and not changeset.deferred


def _only_carriers_report(changeset: Changeset) -> bool:
    """Return whether a job records what happened to quote requests, and changes nothing else."""
    kinds = {Path(change.path).kind for change in changeset.own_changes()}
    return changeset.tracker.by.type == "system" and kinds <= _REPORTED


def refuse_deleted(changeset: Changeset, loaded: Loaded) -> None:
    """Refuse all changes of a deleted copy but its restoration."""
    if loaded.copy.fields.deleted_at and changeset.copy_fields.deleted_at and not changeset.requests_nothing:
        raise CopyIsDeleted


def keep_one_copy(changeset: Changeset, loaded: Loaded) -> None:
    """Refuse to delete the last copy of a form, and its base. Of two deleted at once, the form's version makes one
    stale; the same holds for one that another save makes the base.
    """
    if changeset.copy_fields.deleted_at is None or loaded.copy.fields.deleted_at is not None:
        return
    if loaded.is_last:
        raise LastCopy
    if changeset.is_base:
        raise BaseCopy


#: Before a new copy's first save.
ON_CREATE: Final[tuple[OnCreate, ...]] = (set_owner,)
#: Before the rules. A copy that is deleted and locked is refused as deleted.
BEFORE_SAVE: Final[tuple[BeforeSave, ...]] = (refuse_deleted, refuse_locked, keep_one_copy)


def call_on_create(changeset: Changeset, loaded: Loaded) -> None:
    """Call the callbacks of a copy's first save."""
    for callback in ON_CREATE if loaded.is_new else ():
        callback(changeset)


def call_before_save(changeset: Changeset, loaded: Loaded) -> None:
    """Call the callbacks before the rules."""
    for callback in BEFORE_SAVE:
        callback(changeset, loaded)
