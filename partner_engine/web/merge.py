"""The page that merges another copy into a copy by picks: the plan with a dry run after each pick, the merge, its
undoing.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from batch.context import BatchContext
from batch.errors import BatchError, NotFound, StaleChangeset
from copies.merge import Side
from copies.picks import Picked
from partner_engine.audit import note_personal_read
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_shell import shell_of
from partner_engine.web.copy_view import log_personal_reads, read_context
from partner_engine.web.pages.merge_page import MergeResult, build_merge, build_result
from partner_engine.web.pages.shell import COMPARE, Shell
from presentation.formats import counted
from scenarios.merge import MergePlan, carry_out, plan_merge, require_picks, undo_merge
from tenants.access import Right

#: The beginning of the names of picks among the fields of the page.
_PICK: Final = "pick-"
_SIDES: Final[dict[str, Side]] = {"mine": "mine", "theirs": "theirs"}


class Order(NamedTuple):
    """The fields of the page: the other copy, the picks, and the versions that they are based on."""

    source: UUID
    picks: dict[str, Side]
    version: int
    source_version: int


def show(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Show what differs between a copy and the copy ``with``, by default the base or else the first other one, that is
    to be merged into it. Called by the comparison.
    """
    context = agent.find(copy_id)
    reading = read_context(context, request, agent)
    shell = shell_of(context, reading, agent, route=COMPARE)
    source_id = _identity(request.GET.get("with", "")) or _other(shell)
    if source_id is None:
        return render(request, "web/merge.html", agent.context(shell=shell, copy_id=context.copy.id))
    plan = plan_merge(context.changeset, source_id, scope=agent.tenant)
    picked = plan.pick({})
    unpicked = {found.id for found in picked.unpicked}
    picks = {identity: side for identity, side in picked.sides.items() if identity not in unpicked}
    log_personal_reads(reading, context, agent)
    names = {tab.id: tab.title for tab in shell.tabs}
    titles: dict[Side, str] = {
        "mine": names.get(str(context.copy.id)) or context.copy.fields.title,
        "theirs": names.get(str(source_id)) or plan.source.copy.fields.title,
    }
    page = build_merge(reading, plan.differences, picks, titles)
    # The values of the other copy and of the common ancestor; those of this copy are counted above.
    note_personal_read(actor=agent.actor, copy_id=plan.source.copy.id, count=reading.visibility.personal_shown)
    shown = agent.context(
        shell=shell,
        page=page,
        result=_preview(context, plan, picked, request, agent),
        copy_id=context.copy.id,
        source_id=source_id,
        version=context.version,
        source_version=plan.source.version,
        title=titles["mine"],
        source_title=titles["theirs"],
        has_ancestor=plan.base is not None,
        writable=reading.is_writable,
        merged=_number(request.GET.get("merged", "")),
        undone=_undone(request.GET.get("kept", "")),
    )
    return render(request, "web/merge.html", shown)


@require_POST
@for_agents(Right.WRITE_FORMS)
def preview(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Return the result of the picks so far; nothing is saved."""
    order = _order(request)
    if order is None:
        return HttpResponseBadRequest()
    context = agent.find(copy_id)
    try:
        plan = _plan(context, order, agent)
        result = _preview(context, plan, plan.pick(order.picks), request, agent)
    except BatchError as error:
        result = _refused(error)
    return render(request, "web/parts/merge_result.html", {"result": result})


@require_POST
@for_agents(Right.WRITE_FORMS)
def save(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Merge with the picks of the page, in one save, and lead back to the page."""
    order = _order(request)
    if order is None:
        return HttpResponseBadRequest()
    try:
        with agent.find_and_lock(copy_id) as context:
            plan = _plan(context, order, agent)
            picked = plan.pick(order.picks)
            require_picks(picked)
            carry_out(context.changeset, plan, picked)
            version = context.save().version
    except NotFound:
        raise
    except BatchError as error:
        return render(request, "web/parts/merge_result.html", {"result": _refused(error)}, status=422)
    return HttpResponseClientRedirect(_address(copy_id, order.source, merged=version))


@require_POST
@for_agents(Right.WRITE_FORMS)
def undo(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Undo the merge that made ``version``, in one save, and lead back to the page."""
    version, source = _number(request.POST.get("version", "")), _identity(request.POST.get("with", ""))
    if not version or source is None:
        return HttpResponseBadRequest()
    with agent.find_and_lock(copy_id) as context:
        kept = undo_merge(context.changeset, version, scope=agent.tenant)
        context.save()
    address = _address(copy_id, source, kept=len(kept))
    return HttpResponseClientRedirect(address) if request.headers.get("HX-Request") else HttpResponseRedirect(address)


def _plan(context: BatchContext, order: Order, agent: Agent) -> MergePlan:
    """Return the plan. Raises ``StaleChangeset`` where the copy is not the one that the page shows."""
    if context.version != order.version:
        raise StaleChangeset
    return plan_merge(
        context.changeset, order.source, scope=agent.tenant, expected_version=order.source_version
    )  # fmt: skip


def _preview(
    context: BatchContext, plan: MergePlan, picked: Picked, request: HttpRequest, agent: Agent
) -> MergeResult:  # fmt: skip
    reading = read_context(context, request, agent)
    try:
        changeset = context.changeset
        carry_out(changeset, plan, picked)
        return build_result(reading, context.preview(), changeset.document, unpicked=len(picked.unpicked))
    except BatchError as error:
        return _refused(error)


def _refused(error: BatchError) -> MergeResult:
    """Return why the picks cannot be merged."""
    text = getattr(error, "summary", "") or str(error)
    if isinstance(error, StaleChangeset):
        text = "Somebody has changed this copy meanwhile. Load the page again and check your picks."
    return MergeResult("", (), (text,), may_merge=False)


def _order(request: HttpRequest) -> Order | None:
    source = _identity(request.POST.get("with", ""))
    versions = [_number(request.POST.get(name, "")) for name in ("version", "source_version")]
    if source is None or not all(versions):
        return None
    picks = {
        name.removeprefix(_PICK): _SIDES[str(value)]
        for name, value in request.POST.items()
        if name.startswith(_PICK) and value in _SIDES
    }
    return Order(source, picks, *versions)


def _address(copy_id: UUID, source: UUID, **more: object) -> str:
    return f"{reverse(COMPARE, args=[copy_id])}?{urlencode({'with': source, 'merge': 1, **more})}"


def _undone(kept: str) -> str:
    """Return the words after an undoing with this number of ``kept`` later changes, "" without a number.

    An address carries no words: what the page says is never somebody else's.
    """
    if not kept.isdecimal():
        return ""
    count = _number(kept)
    stays = f" {counted(count, 'later change')} {'stays' if count == 1 else 'stay'}." if count else ""
    return f"The merge is undone.{stays}"


def _other(shell: Shell) -> UUID | None:
    """Return the copy to merge if none is named: the base, or into the base the first other copy."""
    others = sorted((tab for tab in shell.tabs if not tab.current), key=lambda tab: not tab.base)
    return UUID(others[0].id) if others else None


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _identity(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
