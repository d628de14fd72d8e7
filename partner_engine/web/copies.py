"""The form page of one copy. Each save responds with the parts of the page that it changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import Final
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from batch.errors import NotFound
from batch.save import Respond
from copies.document import PoolRow, find_container
from copies.paths import Path
from partner_engine.audit import note_personal_read
from partner_engine.guest_language import translated
from partner_engine.web.access import Agent, for_agents, for_visitors
from partner_engine.web.answer_input import Answered, NothingAnswered, Opener, answering
from partner_engine.web.copy_shell import page_around, shell_of
from partner_engine.web.copy_view import log_personal_reads, read_context
from partner_engine.web.deleted_forms import show_deleted
from partner_engine.web.explanations import explain_product
from partner_engine.web.guest_words import welcome_of
from partner_engine.web.pages.cards import build_card, build_row, top_sets
from partner_engine.web.pages.dependants import put_away
from partner_engine.web.pages.fields import stored_texts
from partner_engine.web.pages.form_page import build_form_page
from partner_engine.web.pages.reading import Reading
from partner_engine.web.pages.row_moves import with_open
from partner_engine.web.rendering import shown_version
from partner_engine.web.save_response import Saved, respond_to_save
from partner_engine.web.visitors import Visitor
from rules.types.registry import type_of
from tenants.access import Right

#: The most answers that one request of the page carries.
MOST_ANSWERS: Final = 500


@require_GET
@for_visitors(Right.READ_FORMS)
def show(request: HttpRequest, visitor: Visitor, copy_id: UUID) -> HttpResponse:
    """Show the form page of a copy, or of the last touched copy of a form; a deleted form read-only."""
    try:
        context = visitor.find(copy_id)
    except NotFound:
        return show_deleted(request, visitor, copy_id)
    reading = read_context(context, request, visitor)
    log_personal_reads(reading, context, visitor)
    return render(
        request,
        "web/copy.html",
        visitor.context(
            around=page_around(request),
            page=build_form_page(reading),
            shell=shell_of(context, reading, visitor),
            copy_id=context.copy.id,
            release=context.release.id,
            has_finished=reading.reader.has_finished,
            welcome=welcome_of(reading, visitor) if visitor.guest else None,
        ),
    )


@require_POST
@for_visitors(Right.WRITE_FORMS)
def answer(request: HttpRequest, visitor: Visitor, copy_id: UUID) -> HttpResponse:
    """Save ``answers``, a JSON object of path to typed value.

    ``searched``, a JSON object of path to words, contains the searches behind industry answers. The event
    ``answers-taken`` reports the paths that were saved (``taken``), the ``faults``, the ``conflicts`` with answers that
    changed since ``X-Copy-Version`` (path to author), the ``texts`` of stored answers that differ from the typed ones,
    and the questions that were put away (``away``).
    """

    def respond(reading: Reading, answered: Answered) -> HttpResponse:
        saved = Saved(reading=reading, result=answered.result, before=answered.before, version=answered.version_before)
        return respond_to_save(request, saved)

    return save_answers(request, visitor, partial(visitor.find_and_lock, copy_id), respond=respond)


def save_answers(
    request: HttpRequest,
    visitor: Visitor,
    opener: Opener,
    *,
    respond: Callable[[Reading, Answered], HttpResponse],
    record: Respond | None = None,
) -> HttpResponse:
    """Save the ``answers`` in ``request``; ``respond`` makes the parts of the page, while the copy is open.

    ``record`` makes the response that is stored with a keyed save. A new form without a valid answer is not made: the
    response has no parts then.
    """
    try:
        typed = msgspec.json.decode(request.POST.get("answers", ""), type=dict[str, str | list[str] | None])
        searched = msgspec.json.decode(request.POST.get("searched", "{}"), type=dict[str, str])
    except msgspec.DecodeError:
        return HttpResponseBadRequest()
    if not 0 < len(typed) <= MOST_ANSWERS:
        return HttpResponseBadRequest()
    based_on = shown_version(request)
    try:
        with answering(opener, typed, visitor, searched=searched, based_on=based_on, record=record) as answered:
            reading = read_context(answered.context, request, visitor, result=answered.result)
            response = respond(reading, answered)
    except NothingAnswered as nothing:
        refused = {fault.path for fault in nothing.faults}
        details = {
            "taken": [path for path in typed if path not in refused],
            "faults": [{"path": fault.path, "text": translated(fault.text)} for fault in nothing.faults],
            "conflicts": {},
            "texts": {},
            "away": None,
        }
        return trigger_client_event(HttpResponse(), "answers-taken", details)
    open_paths = {fault.path for fault in answered.faults} | answered.conflicts.keys()
    taken = [path for path in typed if path not in open_paths]
    away = put_away(reading, answered.result.changes, taken)
    details = {
        "taken": taken,
        "faults": [{"path": fault.path, "text": translated(fault.text)} for fault in answered.faults],
        "conflicts": answered.conflicts,
        "texts": _stored_texts(reading, {path: typed[path] for path in taken}),
        "away": {**asdict(away), "text": translated(away.text)} if away else None,
    }
    return trigger_client_event(response, "answers-taken", details)


def _stored_texts(reading: Reading, typed: Mapping[str, str | list[str] | None]) -> dict[str, str]:
    """Return the stored texts that differ from what was typed: of choices in the guest's language, else as typed."""
    texts = stored_texts(reading, typed)
    for path, text in texts.items():
        if type_of(reading.catalogue.questions[Path(path).code].question.type).has_choices:
            texts[path] = translated(text)
    return {path: text for path, text in texts.items() if text != typed[path]}


@require_GET
@for_visitors(Right.READ_FORMS)
def show_row(request: HttpRequest, visitor: Visitor, copy_id: UUID) -> HttpResponse:
    """Return one expanded row of a long pool, or of a long form the card with the question at ``path`` or of the
    question set ``set``, which the page has not drawn yet.
    """
    path, code = request.GET.get("path", ""), request.GET.get("set", "")
    context = visitor.find(copy_id)
    reading = read_context(context, request, visitor)
    if isinstance(find_container(reading.document, path), PoolRow):
        row = build_row(with_open(reading, path), path)
        return render(request, "web/parts/row.html", {"row": row}) if row else HttpResponse(status=404)
    code = code or reading.top_set(path)
    if code not in top_sets(reading) or code in reading.drawn_sets:
        return HttpResponse(status=404)
    card = build_card(replace(reading, open_sets=(reading.open_sets or frozenset()) | {code}), code)
    return (
        render(request, "web/parts/card.html", {"card": card, "oob": True})
        if card.visible
        else HttpResponse(status=404)
    )


@require_GET
@for_agents(Right.READ_FORMS)
def why(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Return the explanation of a product's outcome, shown below the product."""
    context = agent.find(copy_id)
    reading = read_context(context, request, agent)
    explanation = explain_product(context, reading, request.GET.get("target", ""))
    if explanation is None:
        return HttpResponse(status=404)
    note_personal_read(actor=agent.actor, copy_id=context.copy.id, count=reading.visibility.personal_shown)
    return render(request, "web/parts/why.html", {"why": explanation})
