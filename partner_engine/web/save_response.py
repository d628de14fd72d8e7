"""The response to a save of the form page: the parts that it changed, and what the page has to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django_htmx.http import trigger_client_event

from batch.changes.records import SaveResult
from batch.context import BatchContext
from copies.paths import is_in_document
from partner_engine.guest_language import all_translated
from partner_engine.web.copy_view import read_context
from partner_engine.web.meanwhile import changed_by
from partner_engine.web.pages.cards import top_sets
from partner_engine.web.pages.changed_fields import answered_parts
from partner_engine.web.pages.differences import Parts, sentence
from partner_engine.web.pages.reading import Reading
from partner_engine.web.pages.row_moves import RowMove, RowPlace, parts_of_move, with_open
from partner_engine.web.rendering import render_parts, shown_version
from partner_engine.web.visitors import Visitor
from rules.flow.evaluation import Evaluation


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A save of the page: what it started from (``before``, ``version``), what it did, and the ``reading`` after it.

    In any case the page gets the row of ``move``, the card with the path ``again``, and the parts that need what is
    ``shown``; if the save changed everything (``is_everything``), all parts.
    """

    reading: Reading
    result: SaveResult
    before: Evaluation
    version: int
    move: RowMove | None = None
    again: str = ""
    shown: Mapping[str, object] = field(default_factory=dict)
    is_everything: bool = False


def respond_to_save(request: HttpRequest, saved: Saved) -> HttpResponse:
    """Respond with the parts that the save changed, or with all parts if the page showed an older version."""
    reading = saved.reading.after(saved.before)
    is_stale = shown_version(request) != saved.version
    if saved.move:
        reading = with_open(reading, saved.move.path)
    parts, place = _changed(reading, saved, is_stale=is_stale)
    if saved.again:
        parts = parts.with_set(reading.top_set(saved.again))
    details = _details(request, reading, saved, is_stale=is_stale)
    if place:
        details["row"] = asdict(place)
    response = render_parts(request, reading, parts, shown=saved.shown)
    return trigger_client_event(response, "copy-saved", details)


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
        "said": all_translated("Saved."),
        "stale": True,
        "theirs": {path: author for path, author in theirs.items() if reading.asks(path)},
    }
    return trigger_client_event(render_parts(request, reading, Parts(top_sets(reading))), "copy-saved", details)


def _changed(reading: Reading, saved: Saved, *, is_stale: bool) -> tuple[Parts, RowPlace | None]:
    """Return the parts to render again, and the place of the moved row if it comes alone."""
    if is_stale or saved.is_everything:
        return Parts(top_sets(reading)), None
    if saved.move:
        return parts_of_move(reading, saved.before, saved.result.changes, saved.move)
    return answered_parts(reading, saved.before, saved.result.changes), None


def _details(request: HttpRequest, reading: Reading, saved: Saved, *, is_stale: bool) -> dict[str, object]:
    """Return what the event ``copy-saved`` carries."""
    changes, shown = saved.result.changes, shown_version(request)
    announcement = sentence(reading, changes, {} if reading.reader.is_guest else saved.result.moved)
    said = announcement
    if is_stale:
        said = f"Somebody else has changed this form. The page now shows the changes. {announcement}"
    details: dict[str, object] = {"version": reading.facts.version, "said": all_translated(said), "stale": is_stale}
    if saved.version and any(is_in_document(change.path) for change in changes):
        details["undo"] = {"before": saved.version, "version": saved.result.version}
    if is_stale and shown:
        theirs = changed_by(UUID(reading.facts.id), since=shown, until=saved.version)
        details["theirs"] = {path: author for path, author in theirs.items() if reading.asks(path)}
    return details
