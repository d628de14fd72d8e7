"""The stored answers that need fixing, as links: one line per answer, however many faults it has. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from partner_engine.web.pages.links import Link
from partner_engine.web.pages.products import errors
from partner_engine.web.pages.reading import Reading


@dataclass(frozen=True)
class Fault:
    """One wrong answer: its place, its card's question set and the reasons."""

    link: Link
    set_code: str
    text: str


def build_faults(reading: Reading) -> tuple[Fault, ...]:
    """Return the wrong answers of ``reading`` in the form's order."""
    texts: dict[Link, list[str]] = {}
    for link, text in errors(reading):
        texts.setdefault(link, []).append(text)
    return tuple(Fault(link, reading.top_set(link.path), " ".join(found)) for link, found in texts.items())


def faults_by_set(faults: Iterable[Fault]) -> Counter[str]:
    """Return the number of wrong answers of each card."""
    return Counter(fault.set_code for fault in faults)
