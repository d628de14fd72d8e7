"""The hits of the search in the top bar: forms, questions of the open form, and actions. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from partner_engine.web.pages.question_list import FoundQuestion, first_questions, has_words, line_address
from partner_engine.web.pages.reading import Reading
from presentation.formats import element_id


@dataclass(frozen=True)
class Hit:
    """One hit: its text, a note below it and its address; of a question that is asked its ``path`` on the form page."""

    text: str
    address: str
    note: str = ""
    path: str = ""


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
    return [action for action in actions if has_words(action.text, query)]


def matching_questions(reading: Reading, query: str, *, form: str, questions: str) -> list[Hit]:
    """Return the first questions that match ``query``: asked ones with their place at the address ``form``, hidden ones
    with their line on the page ``questions``, which says what would show them.
    """
    return [_hit(found, form, questions) for found in first_questions(reading, query)]


def _hit(found: FoundQuestion, form: str, questions: str) -> Hit:
    if found.path:
        return Hit(found.label, f"{form}#f-{element_id(found.path)}", found.group, path=found.path)
    address = line_address(questions, code=found.code, words=f"{found.label} {found.group}")
    return Hit(found.label, address, f"{found.group} · not asked now")
