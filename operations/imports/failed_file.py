"""``failed.csv``: the failed items of an operation as rows with their reason, and the corrected rows back.

Values that the reader may not see are masked by the strictest catalogue that knows the question; a mask that comes back
means the value behind it. Corrected items are checked like new ones, under the rights of the person who corrects them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from django.db import transaction

from catalogue import releases
from catalogue.models import Catalogue
from operations.engine.creator import stored_sender
from operations.engine.orders import retry
from operations.errors import UnreadableOperation
from operations.imports.errors import NoNumbers, TooManyRows
from operations.imports.files import read_file
from operations.imports.item_cells import Leaf, cell_text, correct, leaves_of
from operations.imports.limits import MOST_COLUMNS
from operations.imports.table import FileRow
from operations.kinds.kind import Kind, Refusal
from operations.kinds.registry import kind_named
from operations.models import BatchOperation, ItemState, OperationItem
from operations.sealed_input import UNREADABLE, opened_arguments, opened_item, sealed_item
from operations.submission.item_checks import check_items
from operations.submission.order import MOST_REJECTIONS, Rejection
from operations.submission.room import count_items, lock_room, require_on, require_room
from operations.submission.selectors import access_operation
from presentation.csv_cells import BYTE_ORDER_MARK, csv_bytes
from presentation.visibility import Reader, Visibility
from rules.definition.catalogue import Sensitivity
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

NUMBER: Final = "number"
REASON: Final = "reason"
#: Rows that are read, checked and stored at once.
PAGE: Final = 500
_LOST: Final = "What was submitted for this item cannot be read any more. Import it again."
#: Columns that are no values of an item.
_TAKEN: Final = frozenset({NUMBER, REASON})

audit = structlog.get_logger("partner_engine.audit")


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """The corrected rows that came back: those that were ``accepted`` are queued again, the others are refused with
    their ``index`` in the file, from 0.
    """

    accepted: int
    rejected: int
    rejections: list[Rejection]


class FailedItems:
    """The failed items of one operation as a file, for one reader."""

    def __init__(self, operation: BatchOperation, *, tenant: Tenant, actor: Actor) -> None:
        """Read the names of the columns; call it in the scope of ``tenant``. Raises ``UnknownKind``."""
        self._kind = kind_named(operation.kind)
        self._tenant = tenant
        self._operation = operation
        self._actor = actor
        self._after = -1
        self._columns = self._read_columns()
        self._head: Sequence[str] = (NUMBER, REASON, *self._columns)

    @cached_property
    def _policy(self) -> Visibility:
        return _policy(self._operation, tenant=self._tenant, actor=self._actor)

    def next(self) -> bytes:
        """Return the next part of the file, empty at the end; sets its own scope, so that a stream can call it."""
        with use_tenant(self._tenant):
            rows = self._page(self._after)
            if rows:
                self._after = rows[-1].number
            lines = [self._line(row) for row in rows]
        head, self._head = self._head, ()
        if head:
            # The byte order mark is for spreadsheets, which need it to tell the encoding.
            return BYTE_ORDER_MARK + csv_bytes([head, *lines])
        return csv_bytes(lines)

    def _page(self, after: int) -> list[OperationItem]:
        failed = OperationItem.objects.filter(operation_id=self._operation.id, state=ItemState.FAILED)
        return list(failed.filter(number__gt=after).order_by("number")[:PAGE])

    def _read_columns(self) -> list[str]:
        """Return the columns of all failed items in the order in which they are met; a column that is left out of a
        very wide file leaves its values as they are when the file comes back.
        """
        names: dict[str, None] = {}
        after = -1
        while rows := self._page(after):
            after = rows[-1].number
            for row in rows:
                names.update(dict.fromkeys(leaves_of(_opened(row, self._kind) or {})))
        return [name for name in names if name not in _TAKEN][: MOST_COLUMNS - len(_TAKEN)]

    def _line(self, row: OperationItem) -> list[str]:
        opened = _opened(row, self._kind)
        leaves = leaves_of(opened or {})
        cells = [_shown(self._policy, leaves[name]) if name in leaves else "" for name in self._columns]
        return [str(row.number), _LOST if opened is None else _reason(row), *cells]


def return_failed(operation_id: UUID, content: bytes, *, tenant: Tenant, actor: Actor) -> Returned:
    """Take corrected rows of ``failed.csv`` back into their operation and queue their items again.

    Only failed items are taken, each once; they run as ``actor``. Raises ``OperationNotFound``, ``MissingRight``,
    ``OperationsAreOff``, ``TooManyOperations``, ``RateLimited`` and ``ImportRefused`` before anything is changed.
    A page of rows is one transaction.
    """
    with use_tenant(tenant):
        operation = access_operation(operation_id)
        kind = kind_named(operation.kind)
        actor.require(kind.right)
        require_on(tenant=tenant, actor=actor)
        file = read_file(content)
        if NUMBER not in file.columns:
            raise NoNumbers
        rows = file.count()
        if rows > operation.total:
            raise TooManyRows(operation.total)
        count_items(rows, tenant=tenant, actor=actor)
        # In JSON a value that is not there says nothing; in a table its cell is blank.
        columns = file.columns if file.format in ("csv", "xlsx") else ()
        work = _Return(operation, kind, columns, tenant=tenant, actor=actor)
        for page in _pages(enumerate(file.rows())):
            work.take(page)
    audit.info(
        "audit.operation_corrected",
        operation=str(operation.id),
        operation_kind=operation.kind,
        accepted=work.accepted,
        rejected=work.rejected,
        actor=f"{actor.type}:{actor.id}",
    )
    return Returned(accepted=work.accepted, rejected=work.rejected, rejections=work.rejections)


class _Return:
    """Corrected rows on their way back into one operation."""

    def __init__(
        self,
        operation: BatchOperation,
        kind: Kind[Any, Any],
        columns: Sequence[str],
        *,
        tenant: Tenant,
        actor: Actor,
    ) -> None:
        self._blank = {name: "" for name in columns if name not in _TAKEN}
        self._operation = operation
        self._kind = kind
        self._fields = frozenset(kind.item_type.__struct_fields__) - {"answers", "answer_pools"}
        self._tenant = tenant
        self._actor = actor
        try:
            self._arguments = opened_arguments(operation, kind.arguments_type)
        except UNREADABLE as error:
            raise UnreadableOperation from error
        self._policy = _policy(operation, tenant=tenant, actor=actor)
        self._seen: set[int] = set()
        self.accepted = 0
        self.rejected = 0
        self.rejections: list[Rejection] = []

    def take(self, page: Sequence[tuple[int, FileRow]]) -> None:
        """Check a page of rows and queue the items of the valid ones, in one transaction."""
        numbered = [(index, row, self._number(row)) for index, row in page]
        alias = self._tenant.database_alias
        with transaction.atomic(using=alias):
            named = [number for _, _, number in numbered if number is not None]
            failed = OperationItem.objects.filter(
                operation_id=self._operation.id, number__in=named, state=ItemState.FAILED
            )
            items = {item.number: item for item in failed.order_by("number").select_for_update()}
            values = [self._corrected(row, number, items) for _, row, number in numbered]
            checked = list(
                check_items(
                    self._kind, values, self._arguments, tenant=self._tenant, actor=self._actor, most=len(values)
                )
            )
            accepted = {numbered[place][2]: item for part in checked for place, item in part.accepted}
            self._store({items[number]: item for number, item in accepted.items() if number is not None})
        self.accepted += len(accepted)
        rejections = [
            msgspec.structs.replace(rejection, index=numbered[rejection.index][0])
            for part in checked
            for rejection in part.rejections
        ]
        self.rejected += len(rejections)
        self.rejections += rejections[: MOST_REJECTIONS - len(self.rejections)]

    def _number(self, row: FileRow) -> int | None:
        text = str(row.cells.get(NUMBER, "")).strip()
        return int(text) if text.isdecimal() and len(text) < 10 else None

    def _corrected(
        self, row: FileRow, number: int | None, items: Mapping[int, OperationItem]
    ) -> Mapping[str, Any] | Refusal:  # fmt: skip
        """Return the corrected item of ``row``, or why it is refused."""
        if row.faults:
            return Refusal(code=row.faults[0].code, detail=f"Row {row.number:,}: {row.faults[0].detail}")
        if number is None:
            return Refusal(code="no_number", detail=f"Row {row.number:,}: The number of its item is missing.")
        if number in self._seen:
            return Refusal(
                code="repeated_number", detail=f"Row {row.number:,}: Item {number} is in an earlier row too."
            )
        self._seen.add(number)
        item = items.get(number)
        if item is None:
            detail = f"Row {row.number:,}: Item {number} has not failed. Only failed items can be corrected."
            return Refusal(code="not_failed", detail=detail)
        before = _opened(item, self._kind)
        if before is None:
            return Refusal(code="unreadable_input", detail=f"Row {row.number:,}: {_LOST}")
        cells = {name: cell_text(cell) for name, cell in row.cells.items() if name not in _TAKEN}
        value, faults = correct(
            before, {**self._blank, **cells}, lambda leaf: _shown(self._policy, leaf), fields=self._fields
        )
        if faults:
            detail = f"Row {row.number:,}: {faults[0].column[:80]}: {faults[0].detail}"
            errors = tuple({"path": one.column, "code": one.code, "detail": one.detail} for one in faults)
            return Refusal(code=faults[0].code, detail=detail, errors=errors)
        return self._of_same_subject(row, before, _typed(value, self._kind))

    def _of_same_subject(
        self, row: FileRow, before: Mapping[str, Any], value: Mapping[str, Any]
    ) -> Mapping[str, Any] | Refusal:  # fmt: skip
        """Refuse a row that would make its item about another form: an operation changes each form once."""
        for name in ("id", "copy_id", "application_form_id"):
            if before.get(name) != value.get(name):
                detail = f"Row {row.number:,}: The form of an item cannot be changed. Submit a new operation for it."
                return Refusal(code="other_form", detail=detail)
        return value

    def _store(self, items: Mapping[OperationItem, msgspec.Struct]) -> None:
        """Store the corrected items and queue them, in the caller's transaction."""
        if not items:
            return
        # Inside of the transaction that opens the operation again.
        if (
            not self.accepted
            and BatchOperation.objects.filter(pk=self._operation.id).exclude(finished_at=None).exists()
        ):
            lock_room(tenant=self._tenant)
            require_room(tenant=self._tenant, actor=self._actor)
        sender = stored_sender(self._actor)
        for row, item in items.items():
            row.input = sealed_item(item, tenant_id=row.tenant_id, item_id=row.id)
            row.sender = sender
        OperationItem.objects.bulk_update(list(items), ["input", "sender"], batch_size=PAGE)
        retry(self._operation, actor=self._actor, numbers=[row.number for row in items], force=True)


def _opened(row: OperationItem, kind: Kind[Any, Any]) -> dict[str, Any] | None:
    """Return the input of ``row`` as JSON values, None if it does not open any more."""
    try:
        item: dict[str, Any] = msgspec.to_builtins(opened_item(row, kind.item_type))
    except UNREADABLE:
        return None
    return item


def _typed(value: dict[str, Any], kind: Kind[Any, Any]) -> dict[str, Any]:
    """Return ``value`` with the texts of its own fields as numbers and yes or no, where the kind has such fields."""
    try:
        read = msgspec.convert(value, kind.item_type, strict=False)
    except msgspec.ValidationError:
        return value  # refused with its faults by the check
    typed: dict[str, Any] = msgspec.to_builtins(read)
    return typed


def _policy(operation: BatchOperation, *, tenant: Tenant, actor: Actor) -> Visibility:
    """Return the policy for ``actor``: each question is as confidential as the strictest catalogue has it that is
    current, or was when the operation was submitted. What no catalogue knows is secret.
    """
    try:
        arguments = opened_arguments(operation, kind_named(operation.kind).arguments_type)
    except UNREADABLE:
        arguments = None
    compiled = releases.current(getattr(arguments, "catalogue", "") or tenant.catalogue, tenant_id=tenant.id).compiled
    strict: list[Mapping[str, Sensitivity]] = []
    for catalogue in Catalogue.objects.order_by("code"):
        found = catalogue.releases.order_by("-number").values_list("id", "published_at")
        for release_id, published_at in found:
            strict.append(releases.sensitivities_of(release_id))
            if published_at <= operation.created_at:
                break
    return Visibility(compiled, Reader.for_actor(actor), past=strict)


def _shown(policy: Visibility, leaf: Leaf) -> str:
    """Return the cell of ``leaf`` for the reader of ``policy``."""
    if not leaf.is_answer or leaf.value in (None, ""):
        return cell_text(leaf.value)
    return cell_text(policy.shown(leaf.code, leaf.value))


def _reason(row: OperationItem) -> str:
    details = [
        f"{error.get('path') or error.get('pointer')}: {error.get('detail', '')}"
        for error in row.error_details
        if isinstance(error, dict) and (error.get("path") or error.get("pointer"))
    ]
    return "; ".join([row.error, *details] if row.error else details)


def _pages(rows: Iterator[tuple[int, FileRow]]) -> Iterator[list[tuple[int, FileRow]]]:
    while page := list(islice(rows, PAGE)):
        yield page
