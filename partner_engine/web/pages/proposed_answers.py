"""The proposed answers of a form, to be confirmed or dismissed together: by question set, each beside the present
answer with its source. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from copies.document import Answer, Proposal, walk_answers
from partner_engine.web.pages.links import Link, link_to
from partner_engine.web.pages.question_counts import top_set_of
from partner_engine.web.pages.reading import Reading
from presentation.formats import element_id


@dataclass(frozen=True)
class ProposedLine:
    """One proposal. ``pick`` names it in orders: its path and id; ``before`` is the present answer, "" for none."""

    id: str
    link: Link
    before: str
    after: str
    origin: str
    pick: str


@dataclass(frozen=True)
class ProposedSet:
    """The proposals of one question set."""

    code: str
    title: str
    lines: tuple[ProposedLine, ...]


def build_proposed(reading: Reading, *, only: str = "") -> tuple[ProposedSet, ...]:
    """Return the proposals that the reader can see by question set, of the set ``only`` if one is named."""
    found: dict[str, list[ProposedLine]] = {}
    for path, answer in walk_answers(reading.document):
        code = top_set_of(reading.catalogue, path)
        proposed = answer.proposed
        if proposed is None or not code or (only and code != only):
            continue
        if reading.shows_proposal(path, proposed):
            found.setdefault(code, []).append(_line(reading, path, answer, proposed))
    titles = {code: reading.catalogue.sets[code].question_set.title for code in found}
    return tuple(
        ProposedSet(code, titles[code], tuple(found[code])) for code in reading.catalogue.sets if code in found
    )


def picks_of(groups: Iterable[ProposedSet]) -> list[str]:
    """Return the names of all proposals of ``groups``."""
    return [line.pick for group in groups for line in group.lines]


def _line(reading: Reading, path: str, answer: Answer, proposed: Proposal) -> ProposedLine:
    return ProposedLine(
        id=element_id(path),
        link=link_to(reading, path),
        before=reading.visibility.answer_text(path, answer) if answer.is_answered else "",
        after=reading.visibility.text(path, proposed.value, tag=proposed.tag),
        origin=proposed.origin,
        pick=f"{path} {proposed.key}",
    )
