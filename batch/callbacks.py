"""The callbacks of every save, in their order. Pure.

A callback gets the changeset and the copy as loaded; it changes the changeset, or refuses the save by raising.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias
from uuid import UUID

from batch.binding_errors import BindingUnderWay
from batch.changes.changeset import Changeset
from batch.changes.consents import refuse_while_binding
from batch.changes.mutators.guest_links import GUEST_LINKS
from batch.changes.records import PEOPLE, Loaded
from batch.changes.tracker import GUEST
from batch.errors import BaseCopy, CopyIsDeleted, CopyIsLocked, LastCopy, NotATestForm
from copies.paths import Path

#: The actors that record what happened elsewhere.
_REPORTERS: Final = frozenset({("system", "carriers"), ("system", "mails"), ("system", "processes")})
#: The attached records that quotes and bindings are made of.
_OF_QUOTES: Final = frozenset(
    {"quote_requests", "subjectivities", "bindings", "processes", "events", "eligibility_results", "dispositions"}
)
OnCreate: TypeAlias = Callable[[Changeset], None]
BeforeSave: TypeAlias = Callable[[Changeset, Loaded], None]


def set_owner(changeset: Changeset) -> None:
    """Make the user who creates a copy its owner."""
    if changeset.copy_fields.owner_id is None and changeset.tracker.by.type == "user":
        changeset.copy.own(UUID(changeset.tracker.by.id))


def refuse_outside_sandbox(changeset: Changeset, loaded: Loaded) -> None:
    """Refuse all changes of a sandbox client to a form that is no test form."""
    if changeset.tracker.context.actor.is_sandbox and not loaded.form.is_test:
        raise NotATestForm


def refuse_locked(changeset: Changeset, loaded: Loaded) -> None:
    """Refuse all changes of a locked copy except its unlocking and the revocation of guest links, which cannot wait."""
    fields = loaded.copy.fields
    is_locked = fields.locked_at is not None and changeset.copy_fields.locked_at is not None
    if not is_locked:
        return
    if not (changeset.requests_nothing or _only_ends_links(changeset) or _only_concerns_quotes(changeset, loaded)):
        if changeset.tracker.by.type == GUEST:
            # Who locked the copy and why is written for colleagues.
            raise CopyIsLocked
        raise CopyIsLocked(by=fields.locked_by_label, since=fields.locked_at, reason=fields.lock_reason)


def _only_ends_links(changeset: Changeset) -> bool:
    changes = changeset.own_changes()
    links = [change for change in changes if Path(change.path).kind == GUEST_LINKS.name]
    ended = [change for change in links if change.after == "revoked"]
    return bool(changes) and len(ended) == len(changes) and not changeset.deferred


def _only_concerns_quotes(changeset: Changeset, loaded: Loaded) -> bool:
    """Return whether a save only records what carriers and mails reported, or binds another line of a bound copy: what
    a carrier decided is true, also where a person has locked the copy meanwhile.
    """
    is_bound = any(getattr(row, "state", "") == "bound" for row in loaded.attached.get("bindings", ()))
    by = changeset.tracker.by
    if not is_bound and (by.type, by.id) not in _REPORTERS:
        return False
    return all(Path(change.path).kind in _OF_QUOTES for change in changeset.own_changes())


def refuse_deleted(changeset: Changeset, loaded: Loaded) -> None:
    """Refuse all changes of a deleted copy but its restoration."""
    if loaded.copy.fields.deleted_at and changeset.copy_fields.deleted_at and not changeset.requests_nothing:
        raise CopyIsDeleted


def refuse_archiving(changeset: Changeset, loaded: Loaded) -> None:
    """Refuse to archive a form while another of its copies is locked; to people, also while a carrier binds a quote of
    one. The copy's own lock and bindings are refused like for every change.
    """
    if changeset.form_fields.deleted_at is None or loaded.form.deleted_at is not None:
        return
    for sibling in loaded.busy_siblings:
        if (since := sibling.locked_at) is not None:
            by, reason = sibling.locked_by_label, sibling.lock_reason
            raise CopyIsLocked(by=by, since=since, reason=reason, sibling=_name(sibling.title))
        if changeset.tracker.by.type in PEOPLE:
            raise BindingUnderWay(sibling=_name(sibling.title))


def _name(title: str) -> str:
    return f'the copy "{title}" of this form' if title else "another copy of this form"


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
BEFORE_SAVE: Final[tuple[BeforeSave, ...]] = (
    refuse_outside_sandbox,
    refuse_deleted,
    refuse_locked,
    refuse_while_binding,
    refuse_archiving,
    keep_one_copy,
)


def call_on_create(changeset: Changeset, loaded: Loaded) -> None:
    """Call the callbacks of a copy's first save."""
    for callback in ON_CREATE if loaded.is_new else ():
        callback(changeset)


def call_before_save(changeset: Changeset, loaded: Loaded) -> None:
    """Call the callbacks before the rules."""
    for callback in BEFORE_SAVE:
        callback(changeset, loaded)
