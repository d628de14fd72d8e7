"""The update of an open form page with the changes that others made since its version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.views.decorators.http import require_GET
from django_htmx.http import trigger_client_event

from copies.changes import Change
from copies.codec import decode
from copies.history import ChangesSince, NoSuchVersion, changes_since
from copies.paths import Path
from partner_engine.web.access import for_visitors
from partner_engine.web.copy_view import guest_names, log_personal_reads, read_context
from partner_engine.web.meanwhile import changed_by
from partner_engine.web.pages.cards import top_sets
from partner_engine.web.pages.differences import Parts, changed_parts, sentence
from partner_engine.web.pages.guest_news import build_guest_news
from partner_engine.web.pages.reading import Reading
from partner_engine.web.rendering import render_parts, shown_version
from partner_engine.web.visitors import Visitor
from presentation.formats import counted
from rules.flow.evaluation import Evaluation
from tenants.access import Actor, Right


@require_GET
@for_visitors(Right.READ_FORMS)
def catch_up(request: HttpRequest, visitor: Visitor, copy_id: UUID) -> HttpResponse:
    """Return the parts that changed since ``X-Copy-Version``, or all parts if that version is unknown.

    The event ``copy-saved`` carries the version, the text to announce, the author of each changed answer by path
    (``theirs``), the session's CSRF ``token`` for writes, and for agents what guests did (``guests``).
    """
    context = visitor.find(copy_id)
    reading, since = read_context(context, request, visitor), shown_version(request)
    try:
        found = changes_since(context.copy.id, since, current=context.version)
    except NoSuchVersion:
        found = ChangesSince([], None)
    if found.evaluation is not None:
        reading = reading.after(decode(found.evaluation, Evaluation))
    theirs = changed_by(context.copy.id, since=since, until=context.version) if found.changes else {}
    theirs = {path: author for path, author in theirs.items() if reading.asks(path)}
    log_personal_reads(reading, context, visitor)
    details = {
        "version": context.version,
        "title": reading.facts.title,
        "said": _announcement(reading, found, theirs, actor=visitor.actor),
        "theirs": theirs,
        "token": get_token(request),
    }
    if not reading.reader.is_guest:
        news = build_guest_news(reading, found.changes, guest_names(context))
        details["guests"] = [asdict(item) for item in news]
    return trigger_client_event(render_parts(request, reading, _parts(reading, found)), "copy-saved", details)


def _parts(reading: Reading, found: ChangesSince) -> Parts:
    """Return the parts to render again. A lock changes every field, a guest link what its guest is asked."""
    if found.evaluation is None or any(map(_changes_all, found.changes)):
        return Parts(top_sets(reading))
    return changed_parts(reading, decode(found.evaluation, Evaluation), found.changes)


def _changes_all(change: Change) -> bool:
    return change.path == "copy/locked_at" or Path(change.path).kind == "guest_links"


def _announcement(reading: Reading, found: ChangesSince, theirs: Mapping[str, str], *, actor: Actor) -> str:
    """Return the announcement of other people's changes for screen readers, "" without any."""
    if all((change.cause.type, change.cause.id) == (actor.type, actor.id) for change in found.changes):
        return ""
    before = decode(found.evaluation, Evaluation).eligibility if found.evaluation else {}
    after = reading.evaluation.eligibility
    moved = {code: outcome for code, outcome in after.items() if before.get(code) != outcome}
    if reading.reader.is_guest:
        moved = {}
    answered = [
        change for change in reading.asked(found.changes) if change.path in theirs and change.cause.type != "rule"
    ]
    names = ", ".join(sorted({theirs[change.path] for change in answered})) or "Somebody else"
    opening = f"{names} changed {counted(len(answered), 'answer')}." if answered else f"{names} changed this form."
    return sentence(reading, found.changes, moved, opening=opening)
