"""What is done with every changeset on its way into the database: explicit, in this order, and pure.

A callback gets the changeset and what is known of the copy; it changes the one or refuses by raising.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias
from uuid import UUID

import msgspec

from batch.changes.changeset import Changeset
from batch.changes.mutators.guest_links import GUEST_TOKENS
from batch.changes.snapshots import CopyFields
from batch.errors import CopyIsDeleted, CopyIsLocked, LastCopy
from copies.changes import Change
from copies.paths import Path


class Known(msgspec.Struct, frozen=True):
    """The copy as it was loaded; ``is_last`` where its form has no other one."""

    fields: CopyFields
    is_last: bool


OnCreate: TypeAlias = Callable[[Changeset], None]
BeforeSave: TypeAlias = Callable[[Changeset, Known], None]
AfterRules: TypeAlias = Callable[[Changeset, list[Change]], None]


def own_by_its_maker(changeset: Changeset) -> None:
    """Give a new copy to the user who makes it."""
    if changeset.copy_fields.owner_id is None and changeset.by.type == "user":
        changeset.copy.own(UUID(changeset.by.id))


def refuse_locked(changeset: Changeset, known: Known) -> None:
    """A locked copy takes nothing but its unlocking, and the end of guests' links: that cannot wait."""
    if known.fields.locked_at and changeset.copy_fields.locked_at and not _only_ends_links(changeset):
        raise CopyIsLocked


def _only_ends_links(changeset: Changeset) -> bool:
    changes = changeset.changes()
    links = [change for change in changes if Path(change.path).kind == GUEST_TOKENS.name]
    ended = [change for change in links if change.after == "revoked"]
    return bool(changes) and len(ended) == len(changes) and not changeset.deferred


def refuse_deleted(changeset: Changeset, known: Known) -> None:
    """A deleted copy takes nothing but its restoring."""
    if known.fields.deleted_at and changeset.copy_fields.deleted_at:
        raise CopyIsDeleted


def keep_one_copy(changeset: Changeset, known: Known) -> None:
    """A form keeps at least one copy; of two that are deleted at once, the form's version makes one stale."""
    if known.is_last and changeset.copy_fields.deleted_at and not known.fields.deleted_at:
        raise LastCopy


def mark_quotes_stale(changeset: Changeset, changes: list[Change]) -> None:
    """A carrier's answer is about the answers that it read: where one of them changed, it is stale."""
    if changes and len(changeset.quote_requests):
        changeset.quote_requests.mark_stale_where_read([change.path for change in changes])


#: Before a new copy's first save.
ON_CREATE: Final[tuple[OnCreate, ...]] = (own_by_its_maker,)
#: Before the rules are fired. A deleted copy says so before a locked one does.
BEFORE_SAVE: Final[tuple[BeforeSave, ...]] = (refuse_deleted, refuse_locked, keep_one_copy)
#: With what changed in the document, when the rules have been fired: what follows for the rows beside it.
AFTER_RULES: Final[tuple[AfterRules, ...]] = (mark_quotes_stale,)
