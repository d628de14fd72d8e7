"""What a kind of batch operation is: a class with the schema of its items, a check before acceptance, and the work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, Final, Generic, TypeVar
from uuid import UUID

import msgspec

from operations.models import OperationItem
from tenants.access import Actor, Right
from tenants.models import Tenant

ItemT = TypeVar("ItemT", bound=msgspec.Struct)
ArgumentsT = TypeVar("ArgumentsT", bound=msgspec.Struct)

#: The outcomes of an item besides failure.
CHANGED: Final = "changed"
UNCHANGED: Final = "unchanged"
SKIPPED: Final = "skipped"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why an item is refused or fails: a code, a sentence, and details as in the API's problems.

    A ``transient`` one is tried again after 2, 4 and 8 seconds; any other one is the item's end. A retry of the failed
    items leaves out those with a ``final`` refusal, unless it is forced: what refused them does not change.
    """

    code: str
    detail: str
    errors: tuple[dict[str, Any], ...] = ()
    transient: bool = False
    final: bool = False


class ItemEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How one item of a chunk ended. ``refusal`` says why it failed; ``result`` is shown, ``undo`` is for an undo."""

    item_id: UUID
    refusal: Refusal | None = None
    outcome: str = CHANGED
    copy_id: UUID | None = None
    application_form_id: UUID | None = None
    version_before: int | None = None
    version_after: int | None = None
    result: dict[str, Any] = {}
    undo: dict[str, Any] | None = None
    carrier_calls: int = 0


def _untimed(item_id: UUID) -> AbstractContextManager[None]:
    return nullcontext()


class Work(msgspec.Struct, Generic[ArgumentsT], frozen=True, kw_only=True):
    """For whom and how a chunk is worked on.

    ``record`` stores the ends of items. A kind calls it within the transaction that holds its changes, so that an item
    is ended if and only if its change is stored: the companion of ``chunk.save`` and of ``context.save`` is called
    there, with the results of the copies that were written. It raises ``LeaseLost`` if another worker has taken the
    items over; that undoes the changes. Ends that the kind returns and did not record are recorded afterwards.
    A dry run takes no lock, writes nothing and records nothing.

    ``timed`` limits the time of one item: a kind works on each item within its block, where it works on them one by
    one. It raises ``ItemTookTooLong``, which refuses the item; the others go on.
    """

    operation_id: UUID
    tenant: Tenant
    actor: Actor
    arguments: ArgumentsT
    is_dry_run: bool
    is_forced: bool
    record: Callable[[Sequence[ItemEnd]], None]
    timed: Callable[[UUID], AbstractContextManager[None]] = _untimed


class Kind(ABC, Generic[ItemT, ArgumentsT]):
    """One kind of batch operation. Add one: a subclass in this folder, listed in ``operations/kinds/registry.py``."""

    code: ClassVar[str]
    title: ClassVar[str]
    description: ClassVar[str]
    #: What the submitting actor must be allowed to do.
    right: ClassVar[Right] = Right.WRITE_FORMS
    item_type: type[ItemT]
    arguments_type: type[ArgumentsT]
    #: Whether the copies that a search finds can be its items.
    takes_query: ClassVar[bool] = True
    can_undo: ClassVar[bool] = False
    #: Items in one chunk, at most.
    chunk_size: ClassVar[int] = 100

    @abstractmethod
    def item_of(self, *, application_form_id: UUID, copy_id: UUID) -> ItemT:
        """Return the item of a form that a search found."""

    def subject_of(self, item: ItemT) -> UUID | None:
        """Return the id of the form or copy that ``item`` is about, None without one. An operation takes each once: a
        plan for an item must not depend on another one.
        """
        return None

    def refuse_arguments(self, arguments: ArgumentsT, *, tenant: Tenant, actor: Actor) -> Refusal | None:
        """Return why no operation can be made with ``arguments``, or None."""
        return None

    def refusals(
        self, items: Sequence[ItemT], arguments: ArgumentsT, *, tenant: Tenant, actor: Actor
    ) -> list[Refusal | None]:
        """Return for each item why it is refused before anything is stored, or None. Reads a page of items at once."""
        return [None] * len(items)

    @abstractmethod
    def run(self, items: Sequence[tuple[OperationItem, ItemT]], work: Work[ArgumentsT]) -> list[ItemEnd]:
        """Work on one chunk; return the end of each item, in the order given. Raises only what concerns all of them,
        such as ``DatabaseError``; what concerns one item is its refusal.
        """
