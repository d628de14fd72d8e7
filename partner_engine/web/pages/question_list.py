"""The search of a form's questions: which ones have the words, where each one is asked, or why it is hidden and what
would show it. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from copies.document import walk_containers
from copies.paths import join_path, row_steps
from partner_engine.web.pages.explanation import place
from partner_engine.web.pages.links import Link, link_to
from partner_engine.web.pages.question_readers import readers_of
from partner_engine.web.pages.reading import Reading
from presentation.formats import listed
from presentation.product_names import product_name
from rules.definition.model import CompiledCatalogue, CompiledQuestion
from rules.explain.trace import Explanation, TracedRule
from rules.industry_phrases import plain

#: A list with more questions asks for a search.
MOST_LISTED: Final = 300
#: The most questions that a search box gets.
MOST_FOUND: Final = 6
#: A condition that read more values than this is described without them.
_MOST_VALUES: Final = 4
#: Returns the explanations of targets by target.
Explainer = Callable[[Iterable[str]], Mapping[str, Explanation]]


@dataclass(frozen=True)
class QuestionLine:
    """One question: ``link`` leads to the first place where it is asked. A hidden one has none, but ``because``, what
    hides it now, and ``shown_when``, what would show it. ``needed_by`` are its readers.
    """

    code: str
    label: str
    group: str
    link: Link | None
    because: str
    shown_when: str
    needed_by: tuple[str, ...]


@dataclass(frozen=True)
class QuestionList:
    """The questions that match a search, and the number of those that are not listed."""

    lines: tuple[QuestionLine, ...]
    more: int


@dataclass(frozen=True)
class FoundQuestion:
    """One question that a search box lists; ``path`` is the first place where it is asked, "" for a hidden one."""

    code: str
    label: str
    group: str
    path: str


def first_questions(reading: Reading, query: str, *, most: int = MOST_FOUND) -> list[FoundQuestion]:
    """Return the first questions that match ``query``: those that are found by their own label first, of these the ones
    that are asked.

    Nothing is decided for a hit, and rows are searched only for the hits that are returned.
    """
    if not plain(query):
        return []
    catalogue, rows = reading.catalogue, _rows_by_pool(reading)

    def rank(code: str) -> tuple[bool, bool]:
        return not has_words(catalogue.questions[code].question.label, query), not _may_be_asked(reading, code)

    codes = sorted(_matching(catalogue, query), key=rank)[:most]
    return [
        FoundQuestion(
            code=code,
            label=catalogue.questions[code].question.label,
            group=group_of(catalogue, code),
            path=_place(reading, code, rows)[0],
        )
        for code in codes
    ]


def has_words(text: str, query: str) -> bool:
    """Return whether each word of ``query`` begins a word of ``text``."""
    words = plain(text).split()
    return all(any(word.startswith(wanted) for word in words) for wanted in plain(query).split())


def list_questions(reading: Reading, explain: Explainer, *, query: str = "", most: int = MOST_LISTED) -> QuestionList:
    """Return the questions that match ``query``, in the form's order, with the reasons of hidden ones."""
    catalogue = reading.catalogue
    codes = _matching(catalogue, query)
    rows = _rows_by_pool(reading)
    places = {code: _place(reading, code, rows) for code in codes[:most]}
    hidden = {code: target for code, (path, target) in places.items() if not path}
    explained = explain(dict.fromkeys(hidden.values()))
    lines = [
        _line(reading, code, path, explained.get(hidden.get(code, ""))) for code, (path, _) in places.items()
    ]  # fmt: skip
    return QuestionList(tuple(lines), len(codes) - len(lines))


def _may_be_asked(reading: Reading, code: str) -> bool:
    """Return whether a question is asked; one in rows may be, where its group is on the form."""
    question = reading.catalogue.questions[code]
    if question.pool:
        return question.set_code in reading.visible_sets
    answer = reading.document.answers.get(code)
    return answer is not None and answer.active


def _matching(catalogue: CompiledCatalogue, query: str) -> list[str]:
    """Return the codes of the questions whose label or group has each word of ``query``, in the form's order."""
    return [code for code in _in_order(catalogue) if has_words(_text(catalogue, code), query)]


def _text(catalogue: CompiledCatalogue, code: str) -> str:
    return f"{catalogue.questions[code].question.label} {group_of(catalogue, code)}"


def group_of(catalogue: CompiledCatalogue, code: str) -> str:
    """Return the title of the set that has a question."""
    return catalogue.sets[catalogue.questions[code].set_code].question_set.title


def _in_order(catalogue: CompiledCatalogue) -> list[str]:
    """Return the codes of all questions in the order of the form."""

    def order(code: str) -> tuple[int, int]:
        question = catalogue.questions[code]
        return catalogue.sets[question.set_code].order, question.order

    return sorted(catalogue.questions, key=order)


def _rows_by_pool(reading: Reading) -> Mapping[str, list[str]]:
    """Return the prefixes of the rows of each pool, that of the document under ""."""
    found: dict[str, list[str]] = defaultdict(list)
    for prefix, _ in walk_containers(reading.document):
        steps = row_steps(prefix.rstrip("/")) if prefix else []
        found[steps[-1][0] if steps else ""].append(prefix.rstrip("/"))
    return found


def _place(reading: Reading, code: str, rows: Mapping[str, list[str]]) -> tuple[str, str]:
    """Return the first path where a question is asked ("" for none), and the target that explains why it is not."""
    question = reading.catalogue.questions[code]
    prefixes = rows.get(question.pool, [])
    for prefix in prefixes:
        path = join_path(prefix, code)
        answer = reading.answer(path)
        if answer is not None and answer.active:
            return path, ""
    if not prefixes:
        return "", f"set:{question.set_code}"
    return "", f"question:{join_path(prefixes[0], code)}"


def _line(reading: Reading, code: str, path: str, why: Explanation | None) -> QuestionLine:
    question = reading.catalogue.questions[code]
    because, shown_when = ("", "") if path or why is None else reasons_of_hidden(reading, question, why)
    return QuestionLine(
        code=code,
        label=question.question.label,
        group=group_of(reading.catalogue, code),
        link=link_to(reading, path) if path else None,
        because=because,
        shown_when=shown_when,
        needed_by=tuple(readers_of(reading.catalogue, code)),
    )


def reasons_of_hidden(reading: Reading, question: CompiledQuestion, why: Explanation) -> tuple[str, str]:
    """Return what hides a question now, and what would show it."""
    purposes = (f"{question.question.code}:quote", f"{question.question.code}:bind")
    failing = [rule for rule in why.rules if rule.truth != "true" and rule.id not in purposes]
    if not failing:
        return "there is no row for it yet", "a row is added"
    # One product that asks is enough.
    gates = [rule for rule in failing if not rule.words]
    values = dict.fromkeys(text for rule in failing if rule.words for text in _values(reading, rule))
    because = [*values][:_MOST_VALUES] if len(values) <= _MOST_VALUES else []
    because += ["no product that asks it is open"] if gates else []
    shown = [rule.words for rule in failing if rule.words]
    if gates:
        names = [product_name(reading.catalogue, rule.id) for rule in gates]
        shown.append(f"{_either(names)} is requested and neither locked nor declined")
    return listed(because), " and ".join(shown)


def _values(reading: Reading, rule: TracedRule) -> Iterator[str]:
    for path, value in rule.values.items():
        if value is None or value == []:
            yield f"“{place(reading, path).text}” is not answered"
        else:
            yield f"“{place(reading, path).text}” is {reading.visibility.read(path, value)}"


def _either(words: list[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def line_address(questions: str, *, code: str, words: str) -> str:
    """Return the address of a question's line on the page ``questions``; its ``words`` leave few others beside it."""
    return f"{questions}?{urlencode({'q': words})}#q-{code}"
