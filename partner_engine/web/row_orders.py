"""The orders of the form page for rows, pools and single answers, and the order to take a save back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from batch.changes.mutators.pools import RowMutator
from batch.confirmation import confirm
from batch.context import BatchContext
from batch.errors import OutsideGuestLink, UnknownQuestion
from copies.document import find_container
from copies.paths import Path
from guests.service import mark_unknown
from partner_engine.web import row_commands
from partner_engine.web.access import for_visitors
from partner_engine.web.asked_once import take_over
from partner_engine.web.copy_view import read_context
from partner_engine.web.order_keys import carried_out, order_key
from partner_engine.web.pages.cards import long_pools, pools_around, row_title
from partner_engine.web.pages.row_moves import RowMove, proposed_in
from partner_engine.web.save_response import Saved, respond_to_repetition, respond_to_save
from partner_engine.web.undo import NotUndone, Span, moved_row, names_of, take_back
from partner_engine.web.visitors import Visitor
from tenants.access import Right

#: The steps of a path in an order for rows; no catalogue nests its pools deeper.
MOST_STEPS: Final = 9
#: The digits of a version in an order.
_MOST_DIGITS: Final = 9


@dataclass(frozen=True, kw_only=True)
class RowOrder:
    """One order: its ``name``, the place that it is for, the ``version`` to put a row back from, a ``warning``."""

    name: str
    path: str
    version: int
    warning: str

    @property
    def starts_rows(self) -> bool:
        """Return whether pools that need rows begin with one afterwards."""
        return self.name in ("add", "same-as")


#: Executes an order on the open copy; returns the row that it added, if any.
Executor: TypeAlias = Callable[[BatchContext, Visitor, RowOrder], RowMutator | None]


@require_POST
@for_visitors(Right.WRITE_FORMS)
def order_rows(request: HttpRequest, visitor: Visitor, copy_id: UUID) -> HttpResponse:
    """Execute ``order`` (add, duplicate, remove, put-back, or discard) on the row, pool or answer at ``path``, confirm
    the answer at ``path`` in spite of the warning ``code``, record that a guest does not know it (unknown, known), or
    take over the answers at and beside ``path`` (same-as). ``undo`` takes back what this visitor saved after the
    version ``before`` up to ``version``; the event ``undo-refused`` says why it did not.

    An order with the ``X-Order-Key`` of an earlier one is not executed again.
    """
    if request.POST.get("order") == "undo":
        return _undo(request, visitor, copy_id)
    order = _read(request)
    if order is None:
        return HttpResponseBadRequest()
    with visitor.find_and_lock(copy_id, key=order_key(request, visitor)) as context:
        if context.stored_response is not None:
            row_path = context.stored_response.body.decode()
            response = respond_to_repetition(request, visitor, context, added=row_path)
        else:
            response, row_path = _execute(request, visitor, context, order)
    if row_path:
        response = trigger_client_event(response, "row-added", {"path": row_path}, after="settle")
    if order.name == "same-as" and context.stored_response is None:
        # The button is gone with its order: the next stop is what is not answered yet.
        response = trigger_client_event(response, "taken-over", {"path": order.path}, after="settle")
    return response


def _read(request: HttpRequest) -> RowOrder | None:
    """Return the order in ``request``, None for a malformed one."""
    version = request.POST.get("version", "0")
    if not version.isdecimal() or len(version) > _MOST_DIGITS:
        return None
    order = RowOrder(
        name=request.POST.get("order", ""),
        path=request.POST.get("path", ""),
        version=int(version),
        warning=request.POST.get("code", ""),
    )
    return order if order.name in _ORDERS and len(Path(order.path).steps) <= MOST_STEPS else None


def _execute(
    request: HttpRequest, visitor: Visitor, context: BatchContext, order: RowOrder
) -> tuple[HttpResponse, str]:  # fmt: skip
    """Execute and save ``order``; return the response and the path of the row that it added, "" for none."""
    changeset, path = context.changeset, order.path
    if not changeset.guest_scope.has(changeset.catalogue, path):
        # Before anything is looked for: a guest must not learn what exists elsewhere.
        raise OutsideGuestLink
    before, loaded = context.evaluation, context.version
    is_removed = order.name == "remove"
    removed = None
    if is_removed:
        removed = {"path": path, "version": loaded, "title": _title_of(context, request, visitor, path)}
    long_before = long_pools(changeset.document, path)
    proposed_before = proposed_in(changeset.catalogue, changeset.document)
    row = _ORDERS[order.name](context, visitor, order)
    row_path = row.path if row else ""
    changeset.starts_rows = order.starts_rows
    result = context.save(respond=lambda _: carried_out(row_path))
    moved = path if is_removed else row_path
    saved = Saved(
        reading=read_context(context, request, visitor, result=result),
        result=result,
        before=before,
        version=loaded,
        move=RowMove(moved, long_before, is_removed, proposed_before) if moved else None,
        again=path if order.name in ("unknown", "known") else "",
        shown={"removed": removed},
    )
    return respond_to_save(request, saved), row_path


def _undo(request: HttpRequest, visitor: Visitor, copy_id: UUID) -> HttpResponse:
    """Take back a save of this page; nothing is saved where a part of it has changed since."""
    before, after = (request.POST.get(name, "") for name in ("before", "version"))
    span = Span(*(int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else 0 for text in (before, after)))
    if not span.is_valid:
        return HttpResponseBadRequest()
    with visitor.find_and_lock(copy_id, key=order_key(request, visitor)) as context:
        if context.stored_response is not None:
            return respond_to_repetition(request, visitor, context)
        evaluation, loaded = context.evaluation, context.version
        long_before = long_pools(context.changeset.document)
        proposed_before = proposed_in(context.changeset.catalogue, context.changeset.document)
        try:
            paths = take_back(context, visitor, span)
        except NotUndone as refused:
            details = {"text": refused.sentence, "path": refused.path}
            return trigger_client_event(HttpResponse(status=204), "undo-refused", details)
        result = context.save(respond=lambda _: carried_out())
        reading = read_context(context, request, visitor, result=result)
        row = moved_row(result.changes)
        saved = Saved(
            reading=reading,
            result=result,
            before=evaluation,
            version=loaded,
            move=_moved(row, long_before, proposed_before) if row else None,
            shown={"undone": {"text": names_of(reading, paths), "is_redo": request.POST.get("redo") == "1"}},
        )
        return respond_to_save(request, saved)


def _moved(row: tuple[str, bool], long_before: frozenset[str], proposed_before: Counter[str]) -> RowMove:
    """Return what an undo did to the row (its path, and whether it is gone)."""
    return RowMove(row[0], long_before.intersection(pools_around(row[0])), row[1], proposed_before)


def _confirm(context: BatchContext, visitor: Visitor, order: RowOrder) -> None:
    """Confirm the answer in spite of the warning."""
    confirm(context, order.path, order.warning)


def _mark_unknown(context: BatchContext, visitor: Visitor, order: RowOrder) -> None:
    """Record whether the guest knows the answer. Raises ``UnknownQuestion`` for agents, who may ask."""
    if visitor.guest is None:
        raise UnknownQuestion(order.path)
    mark_unknown(context, visitor.guest, order.path, is_unknown=order.name == "unknown")


def _put_back(context: BatchContext, visitor: Visitor, order: RowOrder) -> RowMutator:
    """Bring the row back as it was at the version."""
    return row_commands.put_back(
        context.changeset, order.path, copy_id=context.copy.id, version=order.version, visitor=visitor
    )


_ORDERS: Final[dict[str, Executor]] = {
    "add": lambda context, visitor, order: row_commands.add(context.changeset, order.path),
    "duplicate": lambda context, visitor, order: row_commands.duplicate(context.changeset, order.path),
    "remove": lambda context, visitor, order: row_commands.remove(context.changeset, order.path),
    "discard": lambda context, visitor, order: row_commands.discard(context.changeset, order.path, visitor=visitor),
    "put-back": _put_back,
    "confirm": _confirm,
    "same-as": lambda context, visitor, order: take_over(context.changeset, order.path),
    "unknown": _mark_unknown,
    "known": _mark_unknown,
}


def _title_of(context: BatchContext, request: HttpRequest, visitor: Visitor, path: str) -> str:
    """Return the name of the row at ``path`` for the message about its removal."""
    reading = read_context(context, request, visitor)
    pool = reading.catalogue.pools.get(Path(path).pool)
    row = find_container(reading.document, path) if Path(path).is_row else None
    title = row_title(reading, pool.pool, row) if pool and row is not None else ""  # type: ignore[arg-type]
    return f"“{title}”" if title else "the row"
