"""The conversion of a batch context to the reading that page models are built from."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from django.http import HttpRequest

from batch.changes.guest_scope import CLOSED
from batch.changes.records import SaveResult
from batch.context import BatchContext
from catalogue.release_history import past_labels
from copies.document import walk_answers
from partner_engine.audit import note_personal_read
from partner_engine.copy_visibility import past_sensitivities
from partner_engine.guest_language import use_translations_of
from partner_engine.web.base_copy import base_loader
from partner_engine.web.pages.reading import CopyFacts, Reader, Reading
from partner_engine.web.quote_records import requests_of
from partner_engine.web.visitors import Visitor
from presentation.visibility import PERSONAL
from quoting.gates import gates_for


def read_context(
    context: BatchContext, request: HttpRequest, visitor: Visitor, *, result: SaveResult | None = None
) -> Reading:
    """Return the context's copy as the visitor sees it, after the save if ``result`` is passed."""
    changeset, concluded = context.current_view()
    fields = changeset.copy_fields
    evaluation = concluded if result is None else result.evaluation
    release, is_kept = context.decision_release, context.loaded.keeps_decision
    is_older = release.id != context.release.id
    use_translations_of(release.id, release.compiled.definition)
    reading = Reading(
        facts=CopyFacts(
            id=str(context.copy.id),
            form_id=str(context.form.id),
            title=fields.title if visitor.guest is None else "",
            version=context.version,
            saved_at=context.copy.updated_at,
            as_of=evaluation.as_of,
            as_of_is_fixed=context.form.as_of is not None,
            locked_at=fields.locked_at,
            locked_by=fields.locked_by_label if visitor.guest is None else "",
            lock_reason=fields.lock_reason if visitor.guest is None else "",
            kept_release=release.number if is_kept else None,
            is_test=context.form.is_test,
        ),
        reader=_reader(context, visitor),
        catalogue=release.compiled,
        document=changeset.document,
        evaluation=evaluation,
        open_rows=_listed(request, "X-Open-Rows") or frozenset(),
        open_sets=_listed(request, "X-Open-Sets"),
        posted=context.attached.get("messages", ()),  # type: ignore[arg-type]
        past_labels=partial(past_labels, release.id),
        today=context.release.compiled if is_older else None,
        then=tuple(past_sensitivities([release.id])) if is_older else (),
        load_base=base_loader(context, visitor),
        unknown_to=_unknown_to(context) if visitor.guest is None else {},
        quotes=requests_of(context) if visitor.guest is None else (),
        # What the agency may sell is about today, and no matter of guests.
        load_gates=dict
        if visitor.guest is not None or context.loaded.is_past
        else partial(
            gates_for,
            context.scope,
            changeset.catalogue,
            changeset.document,
            evaluation,
            actor=context.save_context.actor,
        ),
    )
    return reading


def _listed(request: HttpRequest, header: str) -> frozenset[str] | None:
    """Return the items of a header with a list, None without the header."""
    text = request.headers.get(header)
    return None if text is None else frozenset(filter(None, text.split(",")))


def _reader(context: BatchContext, visitor: Visitor) -> Reader:
    """Return the visitor as a reader; a guest with what their link says now."""
    if visitor.guest is None:
        return visitor.reader
    links: Any = context.attached.get("guest_links", ())
    link = next((row for row in links if row.id == visitor.guest.link_id), None)
    if link is None:
        return replace(visitor.reader, scope=CLOSED)
    return replace(
        visitor.reader,
        scope=link.scope,
        notes=link.questions,
        unknown=frozenset(link.unknown),
        has_finished=link.finished_at is not None,
    )


def _unknown_to(context: BatchContext) -> dict[str, str]:
    """Return the names of the guests who do not know an answer, by its path."""
    links: Any = context.attached.get("guest_links", ())
    return {path: row.name or "The guest" for row in links for path in row.unknown}


def guest_names(context: BatchContext) -> dict[str, str]:
    """Return the names of the guests of the copy by the id of their link, "" for one without a name."""
    links: Any = context.attached.get("guest_links", ())
    return {str(row.id): row.name for row in links}


def log_personal_reads(reading: Reading, context: BatchContext, visitor: Visitor) -> None:
    """Log the number of personal answers that a page shows."""
    shown = 0
    for path, answer in walk_answers(reading.document):
        is_personal = reading.visibility.of(path, answer) is PERSONAL
        shown += is_personal and answer.active and answer.is_answered
    if reading.reader.sees_pii:
        note_personal_read(actor=visitor.actor, copy_id=context.copy.id, count=shown)
