"""Responses with the parts of the form page that a save or other people have changed."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from partner_engine.web.copy_shell import shell_around, shown_route
from partner_engine.web.pages.cards import build_card, build_pool_foot, build_row
from partner_engine.web.pages.changed_fields import build_field_at
from partner_engine.web.pages.derived_lines import build_derived
from partner_engine.web.pages.differences import Parts
from partner_engine.web.pages.faults import build_faults
from partner_engine.web.pages.form_page import build_head, build_nav
from partner_engine.web.pages.orphans import build_orphans
from partner_engine.web.pages.posted_messages import build_posted
from partner_engine.web.pages.products import build_panel
from partner_engine.web.pages.reading import Reading
from partner_engine.web.pages.shell import build_lock


def render_parts(
    request: HttpRequest, reading: Reading, parts: Parts, *, shown: Mapping[str, object] | None = None
) -> HttpResponse:
    """Render the cards and rows in ``parts``, and everything around the answers.

    That is the head, the list of question sets, the panel, the posted messages, the faults, and the computed values.
    Rows of sets that the page has not drawn are left out.
    """
    route = shown_route(request)
    rows, heads, feet, fields = (
        [path for path in paths if reading.top_set(path) in reading.drawn_sets]
        for paths in (parts.rows, parts.heads, parts.feet, parts.fields)
    )
    return render(
        request,
        "web/parts/saved.html",
        {
            "head": build_head(reading),
            "nav": build_nav(reading),
            "panel": build_panel(reading),
            "posted": build_posted(reading),
            "writable": reading.is_writable,
            "faults": build_faults(reading),
            "derived": build_derived(reading),
            "orphans": build_orphans(reading),
            "lock": build_lock(reading),
            "shell": shell_around(reading, route=route) if route else None,
            "cards": [build_card(reading, code) for code in parts.sets],
            "rows": [row for path in rows if (row := build_row(reading, path))],
            "row_heads": [row for path in heads if (row := build_row(reading, path, is_head=True))],
            "fields": [field for path in fields if (field := build_field_at(reading, path))],
            "pool_feet": [pool for path in feet if (pool := build_pool_foot(reading, path))],
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
