"""The check of items before anything is stored: by the kind's schema, for repeated copies, and by the kind itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from operations.kinds.kind import Kind, Refusal
from operations.submission.errors import InvalidOrder, TooManyItems
from operations.submission.order import Rejection
from presentation.faults import Fault, join_pointer
from presentation.shape_faults import faults_of
from tenants.access import Actor
from tenants.models import Tenant

#: The number of items that a kind checks at once.
PAGE: Final = 500
#: A rejection names at most so many faults of its item.
_MOST_FAULTS: Final = 20


class Checked(NamedTuple):
    """A page of items: the accepted ones with their place in the input, and the rejections, in this order."""

    accepted: list[tuple[int, msgspec.Struct]]
    rejections: list[Rejection]


def read_arguments(kind: Kind[Any, Any], arguments: object, *, tenant: Tenant, actor: Actor) -> msgspec.Struct:
    """Return ``arguments`` as the kind's struct. Raises ``InvalidOrder`` with pointers below ``/arguments``."""
    try:
        read: msgspec.Struct = msgspec.convert(arguments, kind.arguments_type)
    except msgspec.ValidationError as error:
        faults = list(islice(faults_of(arguments, kind.arguments_type, pointer="/arguments"), _MOST_FAULTS))
        raise InvalidOrder(faults) from error
    refusal = kind.refuse_arguments(read, tenant=tenant, actor=actor)
    if refusal is not None:
        raise InvalidOrder(_faults(refusal, "/arguments"))
    return read


def check_items(
    kind: Kind[Any, Any], items: Iterable[object], arguments: msgspec.Struct, *, tenant: Tenant, actor: Actor, most: int
) -> Iterator[Checked]:
    """Check ``items`` and yield them page by page, so that only a page of them is in memory.

    A ``Refusal`` among them is rejected as it is. Raises ``TooManyItems``.
    """
    seen: dict[UUID, int] = {}
    for page in _pages(enumerate(items)):
        if page[-1][0] >= most:
            raise TooManyItems(most, pointer="/items")
        read: list[tuple[int, msgspec.Struct]] = []
        refused: list[Rejection] = []
        for index, value in page:
            item = _read(kind, index, value)
            repeated = None if isinstance(item, Rejection) else _repeated(kind, item, index, seen)
            if isinstance(item, Rejection):
                refused.append(item)
            elif repeated is not None:
                refused.append(repeated)
            else:
                read.append((index, item))
        refusals = kind.refusals([item for _, item in read], arguments, tenant=tenant, actor=actor) if read else []
        judged = list(zip(read, refusals, strict=True))
        refused += [_rejection(index, refusal) for (index, _), refusal in judged if refusal is not None]
        yield Checked(
            [pair for pair, refusal in judged if refusal is None],
            sorted(refused, key=lambda rejection: rejection.index),
        )


def copy_of(item: msgspec.Struct) -> UUID | None:
    """Return the id of the copy that ``item`` is about, None if it names none.

    Where an item names a copy or a form by one id, that id stands here until the item has ended.
    """
    return _id(item, "copy_id") or _id(item, "id")


def form_of(item: msgspec.Struct) -> UUID | None:
    """Return the id of the form that ``item`` is about, None if it names none."""
    return _id(item, "application_form_id")


def _id(item: msgspec.Struct, name: str) -> UUID | None:
    value = getattr(item, name, None)
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        # The kind refuses it.
        return None


def _pages(items: Iterator[tuple[int, object]]) -> Iterator[list[tuple[int, object]]]:
    while page := list(islice(items, PAGE)):
        yield page


def _read(kind: Kind[Any, Any], index: int, value: object) -> msgspec.Struct | Rejection:
    item_type: type[msgspec.Struct] = kind.item_type
    if isinstance(value, Refusal):
        return _rejection(index, value)
    if isinstance(value, item_type):
        return value
    try:
        read = msgspec.convert(value, item_type)
    except msgspec.ValidationError:
        faults = list(islice(faults_of(value, item_type, pointer=f"/items/{index}"), _MOST_FAULTS))
        # Names of fields are shortened, values are never repeated: items can contain sensitive answers.
        detail = faults[0].detail if len(faults) == 1 else f"{len(faults)} fields have errors."
        return Rejection(index=index, code="invalid_item", detail=detail, errors=faults)
    return read


def _repeated(kind: Kind[Any, Any], item: msgspec.Struct, index: int, seen: dict[UUID, int]) -> Rejection | None:
    about = kind.subject_of(item)
    if about is None:
        return None
    first = seen.setdefault(about, index)
    if first == index:
        return None
    detail = f"Item {first} is about the same; an operation takes each once."
    return Rejection(index=index, code="repeated_item", detail=detail)


def _rejection(index: int, refusal: Refusal) -> Rejection:
    return Rejection(index=index, code=refusal.code, detail=refusal.detail, errors=_faults(refusal, f"/items/{index}"))


def _faults(refusal: Refusal, pointer: str) -> list[Fault]:
    """Return the faults of ``refusal`` with their pointers below ``pointer``."""
    if not refusal.errors:
        return [Fault(pointer=pointer, code=refusal.code, detail=refusal.detail)]
    return [
        Fault(
            pointer=pointer + str(error.get("pointer", "")) if error.get("pointer") else join_pointer(pointer),
            path=str(error.get("path", "")),
            code=str(error.get("code", refusal.code)),
            detail=str(error.get("detail", refusal.detail)),
        )
        for error in refusal.errors[:_MOST_FAULTS]
    ]
