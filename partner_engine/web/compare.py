"""The view *Compare* of a form: copies side by side, for the screen, for the customer's print, and as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from batch import service as batch
from partner_engine.comparisons import Loaded, Reference, WrongReference, load_comparison, read_references
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_shell import shell_of
from partner_engine.web.copy_view import read_context
from partner_engine.web.merge import show as show_merge
from partner_engine.web.pages.comparison import ComparisonPage, build_comparison
from partner_engine.web.pages.comparison_csv import comparison_csv
from partner_engine.web.pages.reading import Reading
from partner_engine.web.pages.shell import COMPARE, CopyTab, Shell
from presentation.formats import day
from scenarios.compare import MOST_COPIES
from tenants.access import Right

#: Stands on everything that a customer may get to see.
INDICATION: Final = "Indication, not a quote. Shares of a difference are our estimate."


@require_GET
@for_agents(Right.READ_FORMS)
def index(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Compare a copy with the copies and versions in ``with``, by default with the base, or the base with others.

    ``merge=1`` shows instead what would be merged from the copy in ``with``.
    """
    if request.GET.get("merge"):
        return show_merge(request, agent, copy_id)
    reading, shell = _open(request, agent, copy_id)
    page, problem = None, ""
    try:
        references = _references(request, shell)
        if len(references) > 1:
            page = _page(load_comparison(references, scope=agent.tenant, actor=agent.actor), shell, agent)
    except WrongReference as error:
        problem, references = str(error), []
    chosen = {str(reference.copy_id) for reference in references}
    shown = agent.context(
        shell=shell,
        page=page,
        problem=problem,
        choices=[(tab, tab.id in chosen) for tab in shell.tabs],
        most=MOST_COPIES - 1,
        named=",".join(map(_text_of, references)),
        day=_today(reading),
        note=INDICATION,
        copy_id=copy_id,
    )
    return render(request, "web/compare.html", shown, status=400 if problem else 200)


@require_GET
@for_agents(Right.READ_FORMS)
def download(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Return the same comparison as CSV."""
    reading, shell = _open(request, agent, copy_id)
    try:
        loaded = load_comparison(_references(request, shell), scope=agent.tenant, actor=agent.actor)
    except WrongReference as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    content = comparison_csv(
        _page(loaded, shell, agent),
        insured=shell.head.insured,
        agency=agent.tenant.name,
        day=_today(reading),
        note=INDICATION,
    )
    headers = {"Content-Disposition": 'attachment; filename="comparison.csv"'}
    return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)


def _open(request: HttpRequest, agent: Agent, copy_id: UUID) -> tuple[Reading, Shell]:
    context = batch.find(copy_id, scope=agent.tenant, actor=agent.actor)
    reading = read_context(context, request, agent)
    return reading, shell_of(context, reading, agent, route=COMPARE)


def _references(request: HttpRequest, shell: Shell) -> list[Reference]:
    """Return the copies to compare. The base is always the first, unless versions are compared."""
    named = read_references(request.GET.getlist("with"))
    current = Reference(UUID(shell.head.copy_id))
    base = next((Reference(UUID(tab.id)) for tab in shell.tabs if tab.base), current)
    if any(reference.version is not None for reference in named):
        return list(dict.fromkeys((current, *named)))
    if not named and current == base:
        named = [Reference(UUID(tab.id)) for tab in shell.tabs][:MOST_COPIES]
    return list(dict.fromkeys((base, current, *named)))[: MOST_COPIES if not request.GET.get("with") else None]


def _page(loaded: Loaded, shell: Shell, agent: Agent) -> ComparisonPage:
    titles = [_title(side.copy_id, side.title, side.version, loaded, shell.tabs) for side in loaded.comparison.sides]
    page = build_comparison(loaded.comparison, titles, agent.reader, loaded.author_of)
    loaded.note_reads()
    return page


def _title(copy_id: str, title: str, version: int, loaded: Loaded, tabs: Sequence[CopyTab]) -> str:
    """Return the name of a copy as its tab has it; with its version where one copy is compared with itself."""
    name = next((tab.title for tab in tabs if tab.id == copy_id), title or "Copy of another form")
    is_twice = sum(side.copy_id == copy_id for side in loaded.comparison.sides) > 1
    return f"{name}, version {version}" if is_twice else name


def _text_of(reference: Reference) -> str:
    return str(reference.copy_id) + (f"@{reference.version}" if reference.version is not None else "")


def _today(reading: Reading) -> str:
    return day(reading.reader.now.astimezone(reading.reader.zone).date().isoformat())
