"""All questions of a form, also hidden ones: a page with a search, and the same as JSON for search boxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from batch.context import BatchContext
from partner_engine.audit import note_personal_read
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_shell import shell_of
from partner_engine.web.copy_view import read_context
from partner_engine.web.pages.question_list import QuestionList, address_of, list_questions
from partner_engine.web.pages.reading import Reading
from rules.explain.trace import Explanation, explain_hidden
from tenants.access import Right

QUESTIONS: Final = "web:questions"
#: The most questions that a search box gets.
MOST_FOUND: Final = 20
_MOST_CHARACTERS: Final = 200


@require_GET
@for_agents(Right.READ_FORMS)
def index(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Show the questions that match ``q``, by default all: where they are asked, or what would show them."""
    context = agent.find(copy_id)
    reading = read_context(context, request, agent)
    query = request.GET.get("q", "")[:_MOST_CHARACTERS].strip()
    shown = agent.context(
        shell=shell_of(context, reading, agent, route=QUESTIONS),
        found=find_questions(context, reading, query),
        question_query=query,
        copy_id=context.copy.id,
    )
    note_personal_read(actor=agent.actor, copy_id=context.copy.id, count=reading.visibility.personal_shown)
    return render(request, "web/questions.html", shown)


@require_GET
@for_agents(Right.READ_FORMS)
def found(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Return the first questions that match ``q`` as JSON: label, group, address, and of hidden ones ``because`` and
    ``shown_when``.
    """
    context = agent.find(copy_id)
    reading = read_context(context, request, agent)
    query = request.GET.get("q", "")[:_MOST_CHARACTERS].strip()
    questions = find_questions(context, reading, query, most=MOST_FOUND)
    note_personal_read(actor=agent.actor, copy_id=context.copy.id, count=reading.visibility.personal_shown)
    form, page = reverse("web:copy", args=[copy_id]), reverse(QUESTIONS, args=[copy_id])
    lines = [
        {
            "label": line.label,
            "group": line.group,
            "address": address_of(form, line) or f"{page}#q-{line.code}",
            "is_hidden": line.link is None,
            "because": line.because,
            "shown_when": line.shown_when,
        }
        for line in questions.lines
    ]
    return JsonResponse({"questions": lines, "more": questions.more})


def find_questions(context: BatchContext, reading: Reading, query: str, *, most: int | None = None) -> QuestionList:
    """Return the questions of a form that match ``query``, in its order."""

    def explain(targets: Iterable[str]) -> Mapping[str, Explanation]:
        changeset, _ = context.current_view()
        return explain_hidden(
            reading.catalogue,
            changeset.document,
            targets,
            as_of=reading.evaluation.as_of,
            reveal=changeset.sealing.reveal,
            visibility=reading.visibility,
        )

    limit = {} if most is None else {"most": most}
    return list_questions(reading, explain, query=query, **limit)
