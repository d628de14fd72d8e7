"""The results of an operation's items to read: pages, and lines of NDJSON or CSV in the order of the input.

They never contain what was submitted: items can be sensitive answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec

from operations.models import BatchOperation, ItemState, OperationItem
from presentation.csv_cells import BYTE_ORDER_MARK, csv_bytes
from presentation.listed_values import one_of
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: The rows of one part of a download. The caller's access is checked before each.
PAGE: Final = 500


class ItemFault(msgspec.Struct, frozen=True, kw_only=True):
    """A reason of a failure: the path or pointer of what is wrong, and its code."""

    pointer: str
    path: str
    code: str


class ItemShape(msgspec.Struct, frozen=True, kw_only=True):
    """One item and its result. ``number`` is its place in the input, from 0; ``outcome`` is ``changed``, ``unchanged``
    or ``skipped`` once it is completed. ``copy_id`` is the copy that it is about, or that it made.
    """

    number: int
    state: Annotated[str, one_of(*ItemState.values)]
    outcome: Annotated[str, one_of("", "changed", "unchanged", "skipped")]
    copy_id: str | None
    application_form_id: str | None
    version_before: int | None
    version_after: int | None
    attempts: int
    seconds: float | None
    error_code: str
    error: str
    errors: list[ItemFault]
    result: dict[str, Any]


def shape_of(item: OperationItem) -> ItemShape:
    """Return ``item`` as readers see it."""
    result = dict(item.result)
    return ItemShape(
        number=item.number,
        state=item.state,
        outcome=result.pop("outcome", ""),
        copy_id=_text(item.copy_id),
        application_form_id=_text(item.application_form_id),
        version_before=item.version_before,
        version_after=item.version_after,
        attempts=item.attempts,
        seconds=item.seconds,
        error_code=item.error_code,
        error=item.error,
        errors=[_fault(error) for error in item.error_details if isinstance(error, dict)],
        result=result,
    )


def list_items(
    operation: BatchOperation, *, state: ItemState | None, after: tuple[bool, int] | None, limit: int
) -> list[OperationItem]:  # fmt: skip
    """Return at most ``limit`` items: with ``state`` those in it by number, else the failed ones first.

    ``after`` is the last item of the page before: whether it was in the second part, and its number.
    """
    rows = OperationItem.objects.filter(operation_id=operation.id).order_by("number").defer("input", "undo")
    is_second, number = after or (False, -1)
    if state is not None:
        return list(rows.filter(state=state, number__gt=number)[:limit])
    found: list[OperationItem] = []
    if not is_second:
        found = list(rows.filter(state=ItemState.FAILED, number__gt=number)[:limit])
        number = -1
    if len(found) < limit:
        found += rows.exclude(state=ItemState.FAILED).filter(number__gt=number)[: limit - len(found)]
    return found


def read_page(operation_id: UUID, *, tenant: Tenant, after: int) -> list[OperationItem]:
    """Return the next items in the order of the input; sets its own scope, so that a stream can call it."""
    with use_tenant(tenant):
        rows = OperationItem.objects.filter(operation_id=operation_id, number__gt=after).order_by("number")
        return list(rows.defer("input", "undo")[:PAGE])


def ndjson_lines(items: Iterable[OperationItem]) -> bytes:
    """Return ``items`` as lines of JSON."""
    return b"".join(msgspec.json.encode(shape_of(item)) + b"\n" for item in items)


def csv_head() -> bytes:
    """Return the byte order mark, which spreadsheets need to tell the encoding, and the names of the columns."""
    return BYTE_ORDER_MARK + csv_bytes([ItemShape.__struct_fields__])


def csv_lines(items: Iterable[OperationItem]) -> bytes:
    """Return ``items`` as lines of CSV; no cell is a formula."""
    return csv_bytes([_cells(shape_of(item)) for item in items])


def _cells(shape: ItemShape) -> list[str]:
    values = {name: getattr(shape, name) for name in shape.__struct_fields__}
    values["errors"] = "; ".join(f"{fault.path or fault.pointer}: {fault.code}" for fault in shape.errors)
    values["result"] = msgspec.json.encode(shape.result).decode() if shape.result else ""
    return ["" if value is None else str(value) for value in values.values()]


def _fault(error: dict[str, Any]) -> ItemFault:
    return ItemFault(
        pointer=str(error.get("pointer", "")), path=str(error.get("path", "")), code=str(error.get("code", ""))
    )


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
