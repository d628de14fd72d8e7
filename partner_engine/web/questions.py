"""All questions of a form, also hidden ones, with a search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from batch.context import BatchContext
from partner_engine.audit import note_personal_read
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_shell import shell_of
from partner_engine.web.copy_view import read_context
from partner_engine.web.pages.question_list import Explainer, list_questions
from partner_engine.web.pages.reading import Reading
from rules.explain.trace import Explanation, explain_hidden
from tenants.access import Right

QUESTIONS: Final = "web:questions"
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
        found=list_questions(reading, explainer_of(context, reading), query=query),
        question_query=query,
        copy_id=context.copy.id,
    )
    note_personal_read(actor=agent.actor, copy_id=context.copy.id, count=reading.visibility.personal_shown)
    return render(request, "web/questions.html", shown)


def explainer_of(context: BatchContext, reading: Reading) -> Explainer:
    """Return the explainer of questions and sets of a copy, which decides it once for each call."""

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

    return explain
