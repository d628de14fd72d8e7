"""The search in the top bar: forms, questions of the open form, and actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from batch.errors import NotFound
from forms.selectors import list_forms
from partner_engine.copy_visibility import InsuredNames
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_view import read_context
from partner_engine.web.pages.palette import Hit, build_groups, matching_actions, matching_questions
from partner_engine.web.pages.shell import VIEWS
from partner_engine.web.questions import QUESTIONS
from presentation.visibility import Reader
from search.form_search import rank_forms
from tenants.access import Right

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The most forms that are listed; the list of forms has all.
MOST_FORMS: Final = 6


@require_GET
@for_agents(Right.READ_FORMS)
def index(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Return the hits for ``q`` as options; ``copy`` is the id of the copy whose questions are searched too."""
    query = request.GET.get("q", "").replace("\0", "").strip()[:200]
    copy_id = _id(request.GET.get("copy", ""))
    groups = build_groups(
        matching_actions(_actions(agent, copy_id), query),
        list(_forms(agent, query)) if query else [],
        _questions(request, agent, copy_id, query) if copy_id and query else [],
    )
    return render(request, "web/parts/palette.html", {"groups": groups})


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _actions(agent: Agent, copy_id: UUID | None) -> Iterator[Hit]:
    for _, label, route in VIEWS if copy_id else ():
        yield Hit(f"Go to {label} of this form", reverse(route, args=(copy_id,)))
    if agent.actor.may(Right.WRITE_FORMS):
        yield Hit("New form", reverse("web:new-form"))
        yield Hit("New form from last year’s form", reverse("web:start-from"))
    yield Hit("Go to Forms", reverse("web:forms"))
    yield Hit("Go to Quotes", reverse("web:all-quotes"))
    if agent.operations_are_on:
        yield Hit("Go to Operations", reverse("web:operations"))
    if agent.may_operate:
        yield Hit("Import forms from a file", reverse("web:import-forms"))
    if agent.actor.may(Right.MANAGE_WEBHOOKS):
        yield Hit("Webhooks", reverse("web:webhooks"))


def _forms(agent: Agent, query: str) -> Iterator[Hit]:
    copies = list_forms()
    personal = agent.actor.may(Right.READ_PERSONAL)
    ranked = rank_forms(copies, query, personal=personal, offset=0, limit=MOST_FORMS)
    rows = {copy.pk: copy for copy in copies.filter(pk__in=[match.copy_id for match in ranked])}
    names = InsuredNames(Reader.for_actor(agent.actor))
    for match in ranked:
        # A form can be deleted between the two queries.
        if copy := rows.get(match.copy_id):
            insured = names.of(copy, copy.catalogue) or copy.title or "New application"
            yield Hit(insured, reverse("web:copy", args=(copy.pk,)))


def _questions(request: HttpRequest, agent: Agent, copy_id: UUID, query: str) -> list[Hit]:
    try:
        context = agent.find(copy_id)
    except NotFound:
        return []
    reading = read_context(context, request, agent)
    form, questions = (reverse(route, args=(context.copy.id,)) for route in ("web:copy", QUESTIONS))
    return matching_questions(reading, query, form=form, questions=questions)
