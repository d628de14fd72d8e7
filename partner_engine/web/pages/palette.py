"""The hits of the search in the top bar: forms, questions of the open form, and actions. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from partner_engine.web.pages.reading import Reading
from presentation.formats import element_id
from rules.industry_phrases import plain

#: The most questions that are listed.
MOST_QUESTIONS: Final = 6


@dataclass(frozen=True)
class Hit:
    """One hit: its text, a note below it and its address; on the page of its form the ``path`` of a question, or the
    code of the set that has it in rows.
    """

    text: str
    address: str
    note: str = ""
    path: str = ""
    set_code: str = ""


@dataclass(frozen=True)
class Group:
    """The hits of one kind."""

    title: str
    hits: tuple[Hit, ...]


def build_groups(actions: Sequence[Hit], forms: Sequence[Hit], questions: Sequence[Hit]) -> tuple[Group, ...]:
    """Return the groups that have hits: questions of the open form first, then forms, then actions."""
    groups = (Group("Questions of this form", tuple(questions)), Group("Forms", tuple(forms)))
    return tuple(group for group in (*groups, Group("Actions", tuple(actions))) if group.hits)


def matching_actions(actions: Iterable[Hit], query: str) -> list[Hit]:
    """Return the actions with every word of ``query`` as the beginning of one of theirs; all without words."""
    return [action for action in actions if _has_words(action.text, query)]


def matching_questions(reading: Reading, query: str, *, address: str) -> list[Hit]:
    """Return the questions of the form at ``address`` whose label, or the title of their set, has every word of
    ``query``; those that are asked come first.
    """
    if not plain(query):
        return []
    found = sorted(_questions(reading, query, address), key=lambda hit: _rank(hit, query))
    return found[:MOST_QUESTIONS]


def _rank(hit: Hit, query: str) -> tuple[bool, bool]:
    """Return the sort key of a question: those that are found by their own words first, then those that are asked."""
    return not _has_words(hit.text, query), not (hit.path or hit.set_code)


def _questions(reading: Reading, query: str, address: str) -> Iterator[Hit]:
    for code, known in reading.catalogue.questions.items():
        title = reading.catalogue.sets[known.set_code].question_set.title
        if not _has_words(f"{known.question.label} {title}", query):
            continue
        is_in_rows = reading.catalogue.sets[known.set_code].question_set.pool is not None
        answer = reading.document.answers.get(code)
        if is_in_rows and known.set_code in reading.visible_sets:
            yield Hit(known.question.label, f"{address}#s-{known.set_code}", title, set_code=known.set_code)
        elif answer is not None and answer.active:
            yield Hit(known.question.label, f"{address}#f-{element_id(code)}", title, path=code)
        else:
            yield Hit(known.question.label, address, f"{title} · not asked now")


def _has_words(text: str, query: str) -> bool:
    words = plain(text).split()
    return all(any(word.startswith(wanted) for word in words) for wanted in plain(query).split())
