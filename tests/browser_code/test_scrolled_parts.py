"""Parts of the admin's pages that scroll by themselves can be reached by keys and have a name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

TEMPLATES: Final = Path(__file__).parents[2] / "templates" / "admin"
SCROLLED: Final = re.compile(r'<div class="[^"]*\bstaff-scroll\b[^>]*>')


def unreachable(text: str) -> list[str]:
    """Return the scrolled parts that keys do not reach, or that have no name."""
    return [
        found
        for found in SCROLLED.findall(text)
        if 'tabindex="0"' not in found or "role=" not in found or 'aria-label="' not in found
    ]


def test_every_scrolled_part_can_be_reached_and_has_a_name() -> None:
    assert {
        path.name: found for path in TEMPLATES.rglob("*.html") if (found := unreachable(path.read_text("utf-8")))
    } == {}


def test_the_check_finds_a_part_without_them() -> None:
    assert unreachable('<div class="staff-scroll">')
    assert not unreachable('<div class="staff-scroll" tabindex="0" role="region" aria-label="Locks">')
