"""Responses with the parts of the form page that a save or other people have changed."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from copies.history import changes_of
from copies.models import CopyRevision
from copies.paths import is_in_document
from partner_engine.web.pages.cards import build_card, build_row
from partner_engine.web.pages.differences import Parts
from partner_engine.web.pages.form_page import build_head, build_nav
from partner_engine.web.pages.orphans import build_orphans
from partner_engine.web.pages.posted_messages import build_posted
from partner_engine.web.pages.products import build_panel, errors
from partner_engine.web.pages.reading import Reading


def render_parts(
    request: HttpRequest, reading: Reading, parts: Parts, *, shown: Mapping[str, object] | None = None
) -> HttpResponse:
    """Render the cards and rows in ``parts``, and everything around the answers.

    That is the head, the list of question sets, the panel, the posted messages, and the errors.
    """
    return render(
        request,
        "web/parts/saved.html",
        {
            "head": build_head(reading),
            "nav": build_nav(reading),
            "panel": build_panel(reading),
            "posted": build_posted(reading),
            "writable": reading.is_writable,
            "errors": errors(reading),
            "orphans": build_orphans(reading),
            "cards": [build_card(reading, code) for code in parts.sets],
            "rows": [row for path in parts.rows if (row := build_row(reading, path))],
            "copy_id": reading.facts.id,
            "guest": reading.reader.is_guest,
            "has_finished": reading.reader.has_finished,
            **(shown or {}),
        },
    )


def shown_version(request: HttpRequest) -> int:
    """Return the version that the page shows, 0 if the request does not name it."""
    header = request.headers.get("X-Copy-Version", "")
    return int(header) if header.isdecimal() and len(header) < 10 else 0


def changed_by(copy_id: UUID, *, since: int, until: int) -> dict[str, str]:
    """Map each changed path of the document to its last author in the versions after ``since`` up to ``until``."""
    revisions = CopyRevision.objects.filter(copy_id=copy_id, version__gt=since, version__lte=until).order_by("version")
    return {
        change.path: revision.actor_label or "Somebody else"
        for revision in revisions.only("changes", "actor_label")
        for change in changes_of(revision)
        if is_in_document(change.path)
    }
