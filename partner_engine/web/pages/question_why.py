"""Why one question is asked, since when, and who needs its answer: the menu at a field. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from copies.changes import RELEASE, Cause, Change
from copies.paths import Path
from partner_engine.web.pages.explanation import place
from partner_engine.web.pages.links import Link
from partner_engine.web.pages.question_list import Explainer, group_of, reasons_of_hidden
from partner_engine.web.pages.question_readers import product_readers, reader_text, shown_by
from partner_engine.web.pages.reading import Reading
from presentation.formats import listed, moment
from presentation.product_names import product_name
from rules.definition.model import CompiledCatalogue
from rules.explain.trace import Explanation, TracedRule

#: The most values that are listed as the cause of a question, and the most answers that are named for its appearance.
_MOST_VALUES: Final = 4
_NEEDED: Final = {"quote": "Needed to quote.", "bind": "Needed to bind."}


class Appearance(NamedTuple):
    """The version in which a question appeared; ``changes`` are all of its changes."""

    version: int
    saved_at: datetime
    author: str
    cause: Cause
    changes: list[Change]


@dataclass(frozen=True)
class QuestionWhy:
    """The menu of one question: ``asked`` says because of what it is asked (or hidden), with the ``values`` that decide
    that. ``needed_by`` are the readers among the products of this form, ``others`` those that are not requested, and
    ``shows`` names the groups and questions that the answer shows.
    """

    code: str
    label: str
    group: str
    is_asked: bool
    asked: str
    values: tuple[tuple[Link, str], ...]
    needed: str
    needed_by: tuple[str, ...]
    others: tuple[str, ...]
    shows: str


def explain_question(reading: Reading, explain: Explainer, path: str) -> tuple[QuestionWhy, frozenset[str]] | None:
    """Return the menu of the question at ``path``, and the codes of the questions that decide whether it is asked; None
    without such a question on the document.
    """
    catalogue, code = reading.catalogue, Path(path).code
    answer, question = reading.answer(path), reading.catalogue.questions.get(code)
    target = f"question:{path}"
    found = explain([target]).get(target) if question is not None else None
    if question is None or found is None:
        return None
    is_asked = answer is not None and answer.active
    readers = product_readers(catalogue, code)
    on_form = reading.evaluation.eligibility
    purpose = "quote" if path in reading.needed_to_quote else "bind" if path in reading.needed_to_bind else ""
    decisive = list(_decisive(found, code)) if is_asked else []
    why = QuestionWhy(
        code=code,
        label=question.question.label,
        group=group_of(catalogue, code),
        is_asked=is_asked,
        asked=_asked(reading, found, code) if is_asked else _hidden(*reasons_of_hidden(reading, question, found)),
        values=tuple(_values(reading, decisive))[:_MOST_VALUES],
        needed=_NEEDED.get(purpose, ""),
        needed_by=tuple(reader_text(catalogue, product, readers[product]) for product in readers if product in on_form),
        others=tuple(product_name(catalogue, product) for product in readers if product not in on_form),
        shows=listed(shown_by(catalogue, code)),
    )
    codes = {read for traced in decisive for read in _questions_behind(catalogue, map(_code_of, traced.values))}
    return why, frozenset(codes)


def since_text(reading: Reading, path: str, codes: frozenset[str], found: Appearance) -> str:
    """Return since when the question at ``path`` is asked and what brought it: a change of one of ``codes``, the row, a
    release.
    """
    at = moment(found.saved_at, reading.reader.zone, now=reading.reader.now)
    when = f"Asked since {at} (version {found.version})"
    by_people = [change for change in found.changes if change.cause.type != "rule"]
    if found.cause.type == RELEASE:
        return f"{when}, with a new release of the catalogue."
    if any(change.path in Path(path).rows_around() and change.before is None for change in by_people):
        return f"{when}, when {found.author} added the row."
    if found.version == 1:
        return f"{when}, from the start."
    causes = [change.path for change in by_people if Path(change.path).code in codes]
    if not causes:
        return f"{when}."
    labels = dict.fromkeys(f"“{reading.label(cause)}”" for cause in causes)
    return f"{when}, when {found.author} answered {listed(list(labels)[:_MOST_VALUES])}."


def appears_in(path: str, changes: Iterable[Change]) -> bool:
    """Return whether ``changes`` show the question at ``path``, or add a row around it."""
    rows = frozenset(Path(path).rows_around())
    return any(
        (change.path == path and change.active is True) or (change.path in rows and change.before is None)
        for change in changes
    )


def _asked(reading: Reading, found: Explanation, code: str) -> str:
    """Return because of which conditions and products a question is asked."""
    parts = [rule.words for rule in _decisive(found, code)]
    names = [
        product_name(reading.catalogue, rule.id) for rule in found.rules if not rule.words and rule.truth == "true"
    ]
    if names:
        parts.append(f"{listed(names)} {'asks' if len(names) == 1 else 'ask'} it")
    return f"Asked because {' and '.join(parts)}." if parts else "Asked on every form."


def _hidden(because: str, shown_when: str) -> str:
    return f"Hidden {f'because {because}' if because else 'now'}; shown when {shown_when}."


def _decisive(found: Explanation, code: str) -> Iterator[TracedRule]:
    """Yield the conditions of a question and its group, without those of what needs its answer."""
    purposes = (f"{code}:quote", f"{code}:bind")
    return (rule for rule in found.rules if rule.words and rule.id not in purposes)


def _values(reading: Reading, rules: Iterable[TracedRule]) -> Iterator[tuple[Link, str]]:
    """Yield the answers that the conditions read, as the reader may see them, each once."""
    values = {path: value for rule in rules for path, value in rule.values.items() if value not in (None, [])}
    for path, value in values.items():
        yield place(reading, path), reading.visibility.read(path, value)


def _code_of(path: str) -> str:
    return Path(path).code


def _questions_behind(catalogue: CompiledCatalogue, codes: Iterable[str]) -> Iterator[str]:
    """Yield ``codes`` with the questions of which the derived values among them are made."""
    for code in codes:
        if code in catalogue.derived:
            yield from _questions_behind(catalogue, catalogue.derived[code].value.reads)
        else:
            yield code
