"""Explains one compiled text in a run: the truth of each part, the values it read, and what would make it true.
Pure.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

from copies.changes import strictest
from copies.document import AnswerValue, Document
from copies.paths import Path, row_steps
from rules.explain.condition_words import ConditionWords
from rules.flow.derived_sensitivity import questions_of_derived, tag_of_derived
from rules.flow.evaluation import Effect, Message
from rules.flow.state import Frame, State
from rules.flow.stored_values import plain
from rules.language.expressions import Expression, Term
from rules.language.syntax import Name
from rules.language.values import Slots, Unknown, Value

Truth: TypeAlias = Literal["true", "false", "unknown"]
#: The number of rows of a pool whose values are listed.
_MOST_ROWS: Final = 100
#: A part that read more values than this is described without them.
_MOST_NOW: Final = 3


class Visibility(Protocol):
    """The policy of visibility for the reader of a trace; ``presentation`` implements it."""

    def shown(self, path: str, value: AnswerValue, /, *, tag: str = "") -> AnswerValue:
        """Return ``value`` or its mask for the reader; the mask of a sealed answer is passed as it is. ``tag`` is the
        sensitivity under which it was given.
        """

    def hides(self, path: str, *, tag: str = "") -> bool:
        """Return whether the reader sees a mask in place of a value at ``path``."""

    def may_leave(self, path: str, *values: object, tag: str = "") -> bool:
        """Return whether ``values`` at ``path`` may be part of a sentence for all readers."""

    def tag(self, path: str, /) -> str:
        """Return the sensitivity of the answer at ``path``: "", "pii" or "spi"."""

    def messages(self, messages: Iterable[Message], document: Callable[[], Document], /) -> list[Message]:
        """Return the messages that the reader may read."""


class TracedPart(msgspec.Struct, frozen=True):
    """One part of a condition: its text, its truth and the values it read by path (None: hidden or not answered).
    ``words`` is the text in plain English.
    """

    condition: str
    truth: Truth
    values: dict[str, AnswerValue]
    words: str = ""


class TracedRule(msgspec.Struct, frozen=True):
    """The truth of one rule; ``would_match`` describes what would make it true if it is not. ``words`` is the condition
    in plain English, ``unmet`` the part of it that must still become true, ``way_back`` what would take a decline back.

    ``effect`` is that of a product's rule (decline, refer, adjust) or ``base`` for a base check, "" for other rules.
    """

    id: str
    text: str
    condition: str
    truth: Truth
    values: dict[str, AnswerValue] = msgspec.field(default_factory=dict)
    parts: tuple[TracedPart, ...] = ()
    would_match: str = ""
    effect: Effect | Literal[""] = ""
    words: str = ""
    unmet: str = ""
    way_back: str = ""


class ConditionExplainer:
    """Explains texts in a decided state, for one reader."""

    def __init__(self, state: State, visibility: Visibility, *, root: Slots | None = None) -> None:
        """Prepare to explain a decided state; ``root`` replaces the document's values, for example by rated ones."""
        self._state = state
        self._visibility = visibility
        self._root = state.root if root is None else root
        self._words = ConditionWords(state.catalogue)

    def rule(self, identity: str, text: str, expression: Expression, frame: Frame | None = None) -> TracedRule:
        """Return the truth and the parts of a condition, in the scope of the row ``frame`` if given."""
        value = expression.evaluate(self._root, frame)
        parts = tuple(self._part(term, expression, frame) for term in _leaves(expression.term))
        matches = value is True
        return TracedRule(
            id=identity,
            text=text,
            condition=expression.source,
            truth=truth_of(value),
            values=self.values(expression.reads, frame),
            parts=parts,
            would_match="" if matches else f"It would match if {self._unmet(expression.term, expression, frame)}.",
            words=self._words.condition(expression.term.node),
            unmet="" if matches else self._unmet_in_words(expression.term, expression, frame),
        )

    def values(self, reads: Iterable[str], frame: Frame | None = None) -> dict[str, AnswerValue]:
        """Return the values of ``reads`` by path, as the reader may see them: of the row's own scope, otherwise of
        every visible row.
        """
        return {path: self._visibility.shown(path, value, tag=tag) for path, value, tag in self._values(reads, frame)}

    def shows(self, reads: Iterable[str]) -> bool:
        """Return whether the reader may see every value of ``reads``, in all rows. If so, they count as shown."""
        values = list(self._values(reads, None, most=None))
        if any(self._visibility.hides(path, tag=tag) for path, _, tag in values):
            return False
        for path, value, tag in values:
            self._visibility.shown(path, value, tag=tag)
        return True

    def tag_of_derived(self, code: str) -> str:
        """Return the strictest sensitivity of the answers that a derived value is made of: when they were given, under
        the release of the run, and today.
        """
        catalogue = self._state.catalogue
        today = (self._visibility.tag(question) for question in questions_of_derived(catalogue, code))
        return strictest(tag_of_derived(catalogue, self._state.document, code), *today)

    def _values(
        self, reads: Iterable[str], frame: Frame | None, *, most: int | None = _MOST_ROWS
    ) -> Iterator[tuple[str, AnswerValue, str]]:
        for code in sorted(reads):
            yield from self._values_of(code, frame, most)

    def _values_of(self, code: str, frame: Frame | None, most: int | None) -> Iterator[tuple[str, AnswerValue, str]]:
        state, catalogue = self._state, self._state.catalogue
        if code in catalogue.derived:
            yield code, plain(self._root[catalogue.derived[code].slot]), self.tag_of_derived(code)
        elif code in catalogue.pools:
            yield code, sum(1 for _ in state.visible_rows(code)), ""
        else:
            question = catalogue.questions[code]
            around = _enclosing(frame, question.pool) if question.pool else state.top
            frames = [around] if around else list(state.visible_rows(question.pool))[:most]
            for row in frames:
                answer = row.answers.get(code)
                yield f"{row.prefix}{code}", self._value(row, code), answer.tag if answer is not None else ""

    def _value(self, frame: Frame, code: str) -> AnswerValue:
        """Return the value of a question, the mask of a sealed one; hidden and unanswered ones are None."""
        question = self._state.catalogue.questions[code]
        value = (self._root if frame is self._state.top else frame.values)[question.slot]
        if value is None or value.__class__ is Unknown:
            return None
        answer = frame.answers.get(code)
        return answer.mask if answer is not None and answer.sealed is not None else plain(value)

    def _part(self, term: Term, expression: Expression, frame: Frame | None) -> TracedPart:
        value = self._run(term, expression, frame)
        words = self._words.condition(term.node)
        return TracedPart(term.text, truth_of(value), self.values(term.reads, frame), words)

    def _run(self, term: Term, expression: Expression, frame: Frame | None) -> Value:
        return term.run(self._root, frame, [None] * expression.locals)

    def _unmet(self, term: Term, expression: Expression, frame: Frame | None) -> str:
        """Return a phrase for the parts that must still become true."""
        if term.joint in ("&&", "||"):
            open_parts = [part for part in term.parts if self._run(part, expression, frame) is not True]
            words = [self._unmet(part, expression, frame) for part in open_parts]
            return f" {'and' if term.joint == '&&' else 'or'} ".join(words)
        now = [
            f"{path} is {'not answered' if value is None else _text_of(value)}"
            for path, value, tag in self._values(term.reads, frame)
            # A sentence is not masked later.
            if self._visibility.may_leave(path, value, tag=tag)
        ]
        return f"{term.text} (now {', '.join(now[:3])})" if now else term.text

    def _unmet_in_words(self, term: Term, expression: Expression, frame: Frame | None) -> str:
        """Return the parts that must still become true in plain English, with their present values."""
        if term.joint in ("&&", "||"):
            open_parts = [part for part in term.parts if self._run(part, expression, frame) is not True]
            words = [self._unmet_in_words(part, expression, frame) for part in open_parts]
            return f" {'and' if term.joint == '&&' else 'or'} ".join(words)
        values = list(itertools.islice(self._values(term.reads, frame), _MOST_NOW + 1))
        shown = [
            (path, self._now(path, value))
            for path, value, tag in values
            # A sentence is not masked later.
            if self._visibility.may_leave(path, value, tag=tag)
        ]
        text = self._words.condition(term.node)
        if not shown or len(values) > _MOST_NOW:
            return text
        if len(values) == 1:
            return f"{text} (now {shown[0][1]})"
        now = ", ".join(f"{self._words.name(Path(path).code)} is {value}" for path, value in shown)
        return f"{text} (now {now})"

    def _now(self, path: str, value: AnswerValue) -> str:
        if value is None or value == []:
            return "not answered"
        code = Path(path).code
        question = self._words.question_of(Name(name=code, offset=0))
        values = value if isinstance(value, list) else [value]
        return ", ".join(self._words.formatted(item, question) for item in values)


def _text_of(value: AnswerValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) if isinstance(value, list) else str(value)


def truth_of(value: Value) -> Truth:
    """Return a truth value as a word; hidden is false."""
    if value.__class__ is Unknown:
        return "unknown"
    return "true" if value is True else "false"


def _leaves(term: Term) -> Iterator[Term]:
    if term.joint in ("&&", "||"):
        for part in term.parts:
            yield from _leaves(part)
    else:
        yield term


def _enclosing(frame: Frame | None, pool: str) -> Frame | None:
    """Return ``frame`` or the enclosing row that belongs to ``pool``."""
    while frame is not None and frame.prefix:
        if row_steps(frame.prefix)[-1][0] == pool:
            return frame
        frame = frame.parent
    return None
