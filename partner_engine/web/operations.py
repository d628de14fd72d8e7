"""The pages of operations: the list, one operation with its items, its orders, and its results as a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from typing import Any, Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from copies.models import Copy
from forms.selectors import list_every_copy
from operations.engine.status import OperationStatus, status_of, statuses_of
from operations.errors import OperationError
from operations.kinds.contents import CONTENTS
from operations.kinds.registry import KINDS
from operations.models import BatchOperation, OperationItem
from operations.submission import control
from operations.submission.order import NewOperation
from operations.submission.start import start
from operations.submission.submit import submit
from operations.submission.undo import undo
from partner_engine.copy_visibility import InsuredNames
from partner_engine.download_access import DownloadAccess
from partner_engine.operation_files import content_response, results_response
from partner_engine.rate_limits import count_request
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.operation_effects import may_suppose
from partner_engine.web.operation_rows import find_operation, is_own, open_names, title_of_row
from partner_engine.web.order_counts import counted_order, limit_words
from partner_engine.web.pages.operations import (
    ENDED,
    OperationView,
    build_filters,
    build_operation,
    item_text,
    item_word,
    orders_of,
)
from partner_engine.web.pages.quote_states import Clock
from presentation.visibility import Reader
from tenants.access import Right
from tenants.limits.errors import RateLimited
from tenants.limits.scopes import EXPORT

PAGE: Final = 25
ITEMS: Final = 50
_MOST_PAGES: Final = 1000
#: Orders that begin work, and so count like a new operation.
_COUNTED: Final = frozenset({"retry", "resume", "undo", "run"})
_STATES: Final = ("failed", "in_progress", "queued", "completed", "cancelled", "rejected")


@require_GET
@for_agents(Right.READ_FORMS)
def index(request: HttpRequest, agent: Agent) -> HttpResponse:
    """List the tenant's operations, newest first; a request by htmx gets only the list."""
    page = _page(request)
    found = list(BatchOperation.objects.order_by("-created_at", "-id")[(page - 1) * PAGE : page * PAGE + 1])
    waits = open_names(one.depends_on for one in found[:PAGE] if one.depends_on and one.started_at is None)
    rows = [
        {
            "view": view_of(operation, status),
            "failed": f"{status.failed:,}" if status.failed else "",
            "is_own": is_own(operation, agent),
            "waits_for": waits.get(operation.depends_on) if status.state == "pending" else None,
            "by": operation.created_by_label or operation.created_by_id,
            "at": operation.created_at.isoformat(),
            "when": _clock(agent).time(operation.created_at),
        }
        for operation, status in zip(found[:PAGE], statuses_of(found[:PAGE]), strict=True)
    ]
    shown = agent.context(
        rows=rows,
        running=any(not row["view"].ended for row in rows),
        others=any(not row["view"].ended and not row["is_own"] for row in rows),
        address=_list_address(page),
        previous=_list_address(page - 1) if page > 1 else "",
        next=_list_address(page + 1) if len(found) > PAGE else "",
        may_write=agent.reader.may_write,
    )
    return render(request, f"web/{'parts/operations_list' if _is_part(request) else 'operations'}.html", shown)


@require_GET
@for_agents(Right.READ_FORMS)
def show(request: HttpRequest, agent: Agent, operation_id: UUID) -> HttpResponse:
    """Show one operation with a page of its items: those in ``state``, by default the failed ones if there are any."""
    return _detail(request, agent, find_operation(operation_id))


@require_POST
@for_agents(Right.WRITE_FORMS)
def order(request: HttpRequest, agent: Agent, operation_id: UUID) -> HttpResponse:
    """Carry out ``order``: pause, resume, cancel, retry, undo, or run (what a try planned)."""
    operation = find_operation(operation_id)
    try:
        name = request.POST.get("order", "")
        with counted_order(request) if name in _COUNTED else nullcontext():
            followed = carry_out(name, operation, agent, plan_hash=request.POST.get("plan_hash", ""))
    except OperationError as refused:
        return _detail(request, agent, find_operation(operation_id), problem=str(refused), status=409)
    except RateLimited as limited:
        return _detail(request, agent, operation, problem=limit_words(limited), status=429)
    return redirect("web:operation", followed)


def carry_out(name: str, operation: BatchOperation, agent: Agent, *, plan_hash: str = "") -> UUID:
    """Carry out the order ``name``; return the id of the operation to look at next. Raises ``OperationError``.

    ``plan_hash`` is that of the plan that the agent saw.
    """
    by = {"tenant": agent.tenant, "actor": agent.actor}
    simple = {"pause": control.pause, "resume": control.resume, "cancel": control.cancel, "retry": control.retry}
    if name in simple:
        simple[name](operation.id, **by)  # type: ignore[operator]
        return operation.id
    if name == "undo":
        submitted = undo(operation.id, **by)  # type: ignore[arg-type]
    elif name == "run":
        plan = NewOperation(plan=operation.id, plan_hash=plan_hash or "none")
        submitted = submit(plan, **by)  # type: ignore[arg-type]
    else:
        raise Http404
    start(submitted.operation, tenant=agent.tenant)
    return submitted.operation.id


@require_GET
@for_agents(Right.READ_FORMS)
def results(request: HttpRequest, agent: Agent, operation_id: UUID) -> HttpResponse:
    """Send all results as CSV, in the order of the input; with ``content`` the forms that an export took.

    It counts as an export.
    """
    count_request(request, EXPORT)
    access = DownloadAccess.of_request(request, actor=agent.actor, tenant=agent.tenant)
    operation = find_operation(operation_id)
    if request.GET.get("content"):
        response = content_response(request, operation, access=access)
        if response is None:
            raise Http404
    else:
        response = results_response(request, operation, access=access, format="csv")
    return response  # type: ignore[return-value]


def view_of(operation: BatchOperation, status: OperationStatus) -> OperationView:
    """Return the view of ``operation``."""
    return build_operation(
        identity=str(operation.id),
        title=title_of_row(operation),
        counts=status,
        is_dry_run=operation.is_dry_run,
        pause_reason=operation.pause_reason,
        stopped_reason=operation.stopped_reason,
    )


def _detail(
    request: HttpRequest, agent: Agent, operation: BatchOperation, *, problem: str = "", status: int = 200
) -> HttpResponse:
    counts = status_of(operation)
    view = view_of(operation, counts)
    wanted = request.GET.get("state", "")
    state = wanted if wanted in _STATES else _first_state(counts)
    page = _page(request)
    items = list(_items(operation, state)[(page - 1) * ITEMS : page * ITEMS + 1]) if state != "rejected" else []
    shown = agent.context(
        view=view,
        problem=problem,
        filters=build_filters(counts, rejected=operation.rejected, current=state),
        orders=orders_of(
            counts,
            is_dry_run=operation.is_dry_run,
            may_undo=_may_undo(operation),
            may_write=agent.may_operate,
            has_plan=bool(operation.plan_hash),
        ),
        items=_rows(items[:ITEMS], agent, is_dry_run=operation.is_dry_run),
        rejections=[{"row": one.get("index", 0), "reason": one.get("detail", "")} for one in operation.rejections]
        if state == "rejected"
        else [],
        items_title=_items_title(state, counts, operation.rejected),
        waiting_for=open_names([operation.depends_on]).get(operation.depends_on)
        if operation.depends_on and counts.state == "pending"
        else None,
        empty=_empty(state, counts),
        may_suppose=may_suppose(operation, counts),
        facts=_facts(operation, counts),
        failed=counts.failed,
        plan_hash=operation.plan_hash,
        exports=operation.kind in CONTENTS and not operation.is_dry_run and counts.completed,
        may_write=agent.may_operate,
        begun="tried by" if operation.is_dry_run else "started by",
        by=operation.created_by_label or operation.created_by_id,
        at=operation.created_at.isoformat(),
        when=_clock(agent).time(operation.created_at),
        address=_address(operation, state, page),
        previous=_address(operation, state, page - 1) if page > 1 else "",
        next=_address(operation, state, page + 1) if len(items) > ITEMS else "",
    )
    template = f"web/{'parts/operation' if _is_part(request) else 'operation'}.html"
    return render(request, template, shown, status=status)


def _rows(items: Iterable[OperationItem], agent: Agent, *, is_dry_run: bool) -> list[Mapping[str, Any]]:
    listed = list(items)
    copies: dict[UUID, Copy] = {
        copy.pk: copy for copy in list_every_copy().filter(pk__in={item.copy_id for item in listed if item.copy_id})
    }
    names = InsuredNames(Reader.for_actor(agent.actor))
    clock = _clock(agent)
    rows: list[Mapping[str, Any]] = []
    for item in listed:
        copy = copies.get(item.copy_id) if item.copy_id else None
        insured = (names.of(copy, copy.catalogue) or copy.title or "New application") if copy else ""  # type: ignore[attr-defined]
        rows.append(
            {
                "row": item.number,
                "copy": item.copy_id if copy is not None and copy.deleted_at is None else None,
                "insured": insured,
                "version": f"Version {item.version_after:,}" if item.version_after and not is_dry_run else "",
                "text": item_text(item.state, item.error, item.result),
                "tries": item.attempts or "",
                "when": clock.time(item.finished_at or item.started_at),
            }
        )
    return rows


def _items(operation: BatchOperation, state: str) -> Any:
    return OperationItem.objects.filter(operation_id=operation.id, state=state).order_by("number").defer("input")


def _first_state(counts: OperationStatus) -> str:
    return next((state for state in _STATES[:-1] if getattr(counts, state)), "completed")


def _items_title(state: str, counts: OperationStatus, rejected: int) -> str:
    number = rejected if state == "rejected" else getattr(counts, state)
    return f"{number:,} {item_word(state).lower()}"


def _facts(operation: BatchOperation, counts: OperationStatus) -> list[str]:
    lines = []
    if operation.planned_by:
        lines.append("Runs exactly what was tried before.")
    elif operation.is_dry_run and operation.plan_hash:
        lines.append(f"Nothing was saved. Plan {operation.plan_hash[:8]}.")
    if counts.success_rate is not None and counts.state in ENDED:
        lines.append(
            f"{counts.success_rate:.1f}% succeeded · {operation.work_seconds:.1f} s of work,"
            f" {operation.database_seconds:.1f} s of them in the database"
            + (f" · {operation.carrier_calls} calls to carriers" if operation.carrier_calls else "")
        )
    return lines


def _empty(state: str, counts: OperationStatus) -> str:
    """Return what a list without rows says, and what there is instead."""
    if state == "failed" and counts.state in ENDED:
        return "No form failed."
    if state in ("completed", "failed") and counts.state not in ENDED:
        return f"No form has {'failed' if state == 'failed' else 'been completed'} so far. The page shows it by itself."
    return "No form is in this state now. Choose another of the counters above."


def _may_undo(operation: BatchOperation) -> bool:
    kind = KINDS.get(operation.kind)
    return bool(kind and kind.can_undo and not operation.is_dry_run)


def _page(request: HttpRequest) -> int:
    number = request.GET.get("page", "")
    return max(1, min(int(number[:9]), _MOST_PAGES)) if number.isdecimal() else 1


def _is_part(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def _list_address(page: int) -> str:
    return f"{reverse('web:operations')}?page={page}"


def _address(operation: BatchOperation, state: str, page: int) -> str:
    return f"{reverse('web:operation', args=[operation.id])}?state={state}&page={page}"


def _clock(agent: Agent) -> Clock:
    return Clock(agent.reader.zone, agent.reader.now)
