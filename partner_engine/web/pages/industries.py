"""Searches the six-digit NAICS industries by words or code. Pure."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from forms.rules.reference import industries

MOST: Final = 12


def find_industries(query: str) -> list[tuple[str, str]]:
    """Return up to twelve ``(code, title)``: codes that start with ``query``, or titles with its words, best first."""
    words = _plain(query).split()
    if not words:
        return []
    if len(words) == 1 and words[0].isdigit():
        return [(code, title) for code, title, _ in _all() if code.startswith(words[0])][:MOST]
    found = [(code, title, text) for code, title, text in _all() if all(f" {word}" in text for word in words)]
    found = found or [(code, title, text) for code, title, text in _all() if all(word in text for word in words)]
    found.sort(key=lambda entry: not entry[2].startswith(f" {words[0]}"))
    return [(code, title) for code, title, _ in found[:MOST]]


@cache
def _all() -> list[tuple[str, str, str]]:
    """Return code, title and what is searched of each industry: its words, each after a space."""
    return [(code, title, f" {_plain(title)}") for code, title in industries().items() if len(code) == 6]


def _plain(text: str) -> str:
    return re.sub(r"[^\w']+", " ", text.casefold()).strip()
