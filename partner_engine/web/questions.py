"""All questions of a form, also hidden ones, with a search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from batch.context import BatchContext
from copies.history import cause_of, changes_of, list_revisions
from partner_engine.audit import note_personal_read
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_shell import shell_of
from partner_engine.web.copy_view import read_context
from partner_engine.web.pages.question_list import Explainer, line_address, list_questions
from partner_engine.web.pages.question_why import Appearance, appears_in, explain_question, since_text
from partner_engine.web.pages.reading import Reading
from partner_engine.web.pages.versions import name_of
from rules.explain.trace import Explanation, explain_hidden
from tenants.access import Right

QUESTIONS: Final = "web:questions"
#: The latest versions among which the one is looked for in which a question appeared.
MOST_REVISIONS: Final = 200
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


@require_GET
@for_agents(Right.READ_FORMS)
def why(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Return the menu of the question at ``path``: why and since when it is asked, and who needs its answer."""
    path = request.GET.get("path", "").replace("\0", "")
    context = agent.find(copy_id)
    reading = read_context(context, request, agent)
    found = explain_question(reading, explainer_of(context, reading), path)
    if found is None:
        return HttpResponse(status=404)
    question, codes = found
    appeared = _appearance(context, path) if question.is_asked else None
    note_personal_read(actor=agent.actor, copy_id=context.copy.id, count=reading.visibility.personal_shown)
    shown = {
        "why": question,
        "since": since_text(reading, path, codes, appeared) if appeared else "",
        "address": line_address(
            reverse(QUESTIONS, args=[context.copy.id]), code=question.code, words=f"{question.label} {question.group}"
        ),
    }
    return render(request, "web/parts/question_why.html", shown)


def _appearance(context: BatchContext, path: str) -> Appearance | None:
    """Return the version in which the question at ``path`` appeared last, None if that was long ago."""
    columns = ("version", "created_at", "actor_type", "actor_id", "actor_label", "source", "cause_type", "cause_id")
    revisions = list_revisions(context.copy.id).filter(version__lte=context.version).only("changes", *columns)
    for revision in revisions[:MOST_REVISIONS]:
        changes = changes_of(revision)
        if appears_in(path, changes):
            author = name_of(revision.actor_type, revision.actor_label)
            return Appearance(revision.version, revision.created_at, author, cause_of(revision), changes)
    return None


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
