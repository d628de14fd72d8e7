"""The form page of one copy. Each save responds with the parts of the page that it changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from typing import Final
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from batch.changes.changeset import Changeset
from batch.changes.mutators.pools import RowMutator
from batch.changes.records import SaveResult
from batch.confirmation import confirm
from batch.context import BatchContext
from batch.errors import NotFound, OutsideGuestLink, UnknownQuestion
from batch.save import Respond
from copies.document import PoolRow, find_container
from copies.paths import Path, is_in_document
from guests.service import mark_unknown
from partner_engine.audit import note_personal_read
from partner_engine.web import row_commands
from partner_engine.web.access import Agent, for_agents, for_visitors
from partner_engine.web.answer_input import Answered, NothingAnswered, Opener, answering
from partner_engine.web.asked_once import take_over
from partner_engine.web.copy_shell import page_around, shell_of
from partner_engine.web.copy_view import log_personal_reads, read_context
from partner_engine.web.deleted_forms import show_deleted
from partner_engine.web.explanations import explain_product
from partner_engine.web.guest_words import welcome_of
from partner_engine.web.meanwhile import changed_by
from partner_engine.web.order_keys import carried_out, order_key
from partner_engine.web.pages.cards import build_card, build_row, long_pools, pools_around, row_title, top_sets
from partner_engine.web.pages.dependants import put_away
from partner_engine.web.pages.differences import Parts, changed_parts, sentence
from partner_engine.web.pages.fields import stored_texts
from partner_engine.web.pages.form_page import build_form_page
from partner_engine.web.pages.reading import Reading
from partner_engine.web.pages.row_moves import RowMove, parts_of_move, with_open
from partner_engine.web.rendering import render_parts, shown_version
from partner_engine.web.undo import NotUndone, Span, moved_row, names_of, take_back
from partner_engine.web.visitors import Visitor
from rules.flow.evaluation import Evaluation
from tenants.access import Right

#: The most answers that one request of the page carries.
MOST_ANSWERS: Final = 500
#: The steps of a path in an order for rows; no catalogue nests its pools deeper.
MOST_STEPS: Final = 9


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
        return respond_to_save(
            request, reading, answered.result, before=answered.before, version=answered.version_before
        )

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
            "faults": [{"path": fault.path, "text": fault.text} for fault in nothing.faults],
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
        "faults": [{"path": fault.path, "text": fault.text} for fault in answered.faults],
        "conflicts": answered.conflicts,
        "texts": stored_texts(reading, {path: typed[path] for path in taken}),
        "away": asdict(away) if away else None,
    }
    return trigger_client_event(response, "answers-taken", details)


@require_POST
@for_visitors(Right.WRITE_FORMS)
def order_rows(request: HttpRequest, visitor: Visitor, copy_id: UUID) -> HttpResponse:
    """Execute ``order`` (add, duplicate, remove, put-back, or discard) on the row, pool or answer at ``path``, confirm
    the answer at ``path`` in spite of the warning ``code``, record that a guest does not know it (unknown, known), or
    take over the answers at and beside ``path`` (same-as). ``undo`` takes back what this visitor saved after the
    version ``before`` up to ``version``; the event ``undo-refused`` says why it did not.

    An order with the ``X-Order-Key`` of an earlier one is not executed again.
    """
    order, path = request.POST.get("order", ""), request.POST.get("path", "")
    version = request.POST.get("version", "0")
    orders: dict[str, Callable[[Changeset], RowMutator | None]] = {
        "add": lambda changeset: row_commands.add(changeset, path),
        "duplicate": lambda changeset: row_commands.duplicate(changeset, path),
        "remove": lambda changeset: row_commands.remove(changeset, path),
        "discard": lambda changeset: row_commands.discard(changeset, path, visitor=visitor),
        "put-back": lambda changeset: row_commands.put_back(
            changeset, path, copy_id=context.copy.id, version=int(version), visitor=visitor
        ),
        "confirm": lambda changeset: _confirm(context, path, request.POST.get("code", "")),
        "same-as": lambda changeset: take_over(changeset, path),
        "unknown": lambda changeset: _mark_unknown(context, visitor, path, is_unknown=True),
        "known": lambda changeset: _mark_unknown(context, visitor, path, is_unknown=False),
    }
    if order == "undo":
        return _undo(request, visitor, copy_id)
    if order not in orders or len(Path(path).steps) > MOST_STEPS or not version.isdecimal() or len(version) > 9:
        return HttpResponseBadRequest()
    with visitor.find_and_lock(copy_id, key=order_key(request, visitor)) as context:
        if context.stored_response is not None:
            added = context.stored_response.body.decode()
            return _with_row_added(respond_to_repetition(request, visitor, context, added=added), added)
        if not context.changeset.guest_scope.has(context.changeset.catalogue, path):
            # Before anything is looked for: a guest must not learn what exists elsewhere.
            raise OutsideGuestLink
        before, loaded = context.evaluation, context.version
        removed = (
            {"path": path, "version": loaded, "title": _title_of(context, request, visitor, path)}
            if order == "remove"
            else None
        )
        long_before = long_pools(context.changeset.document, path)
        row = orders[order](context.changeset)
        row_path = row.path if row else ""
        context.changeset.starts_rows = order in ("add", "same-as")
        result = context.save(respond=lambda _: carried_out(row_path))
        moved = path if order == "remove" else row_path
        reading = read_context(context, request, visitor, result=result)
        response = respond_to_save(
            request,
            reading,
            result,
            before=before,
            version=loaded,
            move=RowMove(moved, long_before, is_removed=order == "remove") if moved else None,
            again=path if order in ("unknown", "known") else "",
            shown={"removed": removed},
        )
    response = _with_row_added(response, row_path)
    # The button is gone with its order: the next stop is what is not answered yet.
    return (
        trigger_client_event(response, "taken-over", {"path": path}, after="settle") if order == "same-as" else response
    )


def _undo(request: HttpRequest, visitor: Visitor, copy_id: UUID) -> HttpResponse:
    """Take back a save of this page; nothing is saved where a part of it has changed since."""
    before, after = (request.POST.get(name, "") for name in ("before", "version"))
    span = Span(*(int(text) if text.isdecimal() and len(text) < 10 else 0 for text in (before, after)))
    if not span.is_valid:
        return HttpResponseBadRequest()
    with visitor.find_and_lock(copy_id, key=order_key(request, visitor)) as context:
        if context.stored_response is not None:
            return respond_to_repetition(request, visitor, context)
        evaluation, loaded = context.evaluation, context.version
        long_before = long_pools(context.changeset.document)
        try:
            paths = take_back(context, visitor, span)
        except NotUndone as refused:
            details = {"text": refused.sentence, "path": refused.path}
            return trigger_client_event(HttpResponse(status=204), "undo-refused", details)
        result = context.save(respond=lambda _: carried_out())
        reading = read_context(context, request, visitor, result=result)
        row = moved_row(result.changes)
        move = RowMove(row[0], long_before.intersection(pools_around(row[0])), is_removed=row[1]) if row else None
        return respond_to_save(
            request,
            reading,
            result,
            before=evaluation,
            version=loaded,
            move=move,
            shown={"undone": {"text": names_of(reading, paths), "is_redo": request.POST.get("redo") == "1"}},
        )


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


def respond_to_save(  # noqa: PLR0913 - what the save started from and what it did
    request: HttpRequest,
    reading: Reading,
    result: SaveResult,
    *,
    before: Evaluation,
    version: int,
    move: RowMove | None = None,
    again: str = "",
    shown: dict[str, object] | None = None,
    is_everything: bool = False,
) -> HttpResponse:
    """Respond with the parts that the save changed, or with all parts if the page showed an older version or the save
    changed ``is_everything``; in any case with the row of ``move`` and the card with the path ``again``.
    """
    reading = reading.after(before)
    shown_before = shown_version(request)
    is_stale = shown_before != version
    parts = Parts(top_sets(reading)) if is_stale or is_everything else changed_parts(reading, before, result.changes)
    place = None
    if move:
        reading = with_open(reading, move.path)
        if not (is_stale or is_everything):
            parts, place = parts_of_move(reading, before, result.changes, move)
    if again:
        parts = parts.with_set(reading.top_set(again))
    announcement = sentence(reading, result.changes, {} if reading.reader.is_guest else result.moved)
    details: dict[str, object] = {"version": reading.facts.version, "said": announcement, "stale": is_stale}
    if place:
        details["row"] = asdict(place)
    if version and any(is_in_document(change.path) for change in result.changes):
        details["undo"] = {"before": version, "version": result.version}
    if is_stale:
        details["said"] = f"Somebody else has changed this form. The page now shows the changes. {announcement}"
        if shown_before:
            theirs = changed_by(UUID(reading.facts.id), since=shown_before, until=version)
            details["theirs"] = {path: author for path, author in theirs.items() if reading.asks(path)}
    return trigger_client_event(render_parts(request, reading, parts, shown=shown), "copy-saved", details)


def respond_to_repetition(
    request: HttpRequest, visitor: Visitor, context: BatchContext, *, added: str = ""
) -> HttpResponse:
    """Respond to an order that was executed before with all parts; ``added`` is the path of the row that it added."""
    reading = read_context(context, request, visitor)
    reading = with_open(reading, added) if added else reading
    shown = shown_version(request)
    theirs = changed_by(context.copy.id, since=shown, until=context.version) if shown else {}
    details = {
        "version": reading.facts.version,
        "said": "Saved.",
        "stale": True,
        "theirs": {path: author for path, author in theirs.items() if reading.asks(path)},
    }
    return trigger_client_event(render_parts(request, reading, Parts(top_sets(reading))), "copy-saved", details)


def _with_row_added(response: HttpResponse, path: str) -> HttpResponse:
    """Let ``response`` report the new row at ``path``, "" for none."""
    return trigger_client_event(response, "row-added", {"path": path}, after="settle") if path else response


def _confirm(context: BatchContext, path: str, warning: str) -> RowMutator | None:
    """Confirm the answer at ``path`` in spite of ``warning``; no row is added."""
    confirm(context, path, warning)
    return None


def _mark_unknown(context: BatchContext, visitor: Visitor, path: str, *, is_unknown: bool) -> None:
    """Record whether the guest knows the answer at ``path``. Raises ``UnknownQuestion`` for agents, who may ask."""
    if visitor.guest is None:
        raise UnknownQuestion(path)
    mark_unknown(context, visitor.guest, path, is_unknown=is_unknown)


def _title_of(context: BatchContext, request: HttpRequest, visitor: Visitor, path: str) -> str:
    """Return the name of the row at ``path`` for the message about its removal."""
    reading = read_context(context, request, visitor)
    pool = reading.catalogue.pools.get(Path(path).pool)
    row = find_container(reading.document, path) if Path(path).is_row else None
    title = row_title(reading, pool.pool, row) if pool and row is not None else ""  # type: ignore[arg-type]
    return f"“{title}”" if title else "the row"
