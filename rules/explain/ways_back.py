"""Finds what would take a matching rule back: "Eligible again at 30% or less, now 35%". Pure.

Each way is tried before it is named: the changed form is decided, and the rule must no longer match. A condition
without such a way has none, rather than one that does not help.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

from copies.document import AnswerValue, find_answer, row_number
from copies.paths import Path, row_steps, split_prefix
from rules.definition.labels import set_title_of
from rules.definition.model import CompiledProduct
from rules.explain.condition_words import MIRRORED, ConditionWords, operands
from rules.explain.conditions import Visibility
from rules.flow.derived_sensitivity import tag_of_derived
from rules.flow.eligibility import decide_products
from rules.flow.evaluation import Outcome
from rules.flow.messages import messages_of
from rules.flow.shown_questions import decide
from rules.flow.state import Frame, State
from rules.flow.stored_values import plain
from rules.language import numbers, operators
from rules.language.expressions import Expression
from rules.language.syntax import Call, Field, ListOf, Literal, Macro, Name, Node
from rules.language.values import Unknown, Value
from rules.types.boolean import BOOLEAN
from rules.types.integer import INTEGER
from rules.types.year import YEAR

#: A way of more changes than this helps nobody.
_MOST_CHANGES: Final = 3
#: More ways than this are not tried.
_MOST_WAYS: Final = 8
#: All allowed choices are tried, unless there are more.
_MOST_TRIED: Final = 12
#: One explanation decides a changed form at most this often: each time costs as much as a save's check flow.
MOST_DECISIONS: Final = 50
_MOST_LISTED: Final = 4
_CENT: Final = Decimal("0.01")
#: The comparison that holds where another one does not.
_OPPOSITE: Final = {"_>_": "_<=_", "_>=_": "_<_", "_<_": "_>=_", "_<=_": "_>_", "_==_": "_!=_", "_!=_": "_==_"}
_LEADS: Final[dict[Outcome, str]] = {"eligible": "Eligible again", "refer": "Goes to an underwriter instead"}
_FALLS_AWAY: Final = "This reason falls away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of one answer or derived value: ``text`` describes the answers that help, ``values`` are those of them
    that are tried. ``side`` is -1 for a limit from above, 1 for one from below, 0 for choices.
    """

    path: str
    text: str
    values: tuple[AnswerValue, ...]
    now: AnswerValue
    side: int = 0
    distance: float = 1
    is_complete: bool = True


Way: TypeAlias = tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class WayBack:
    """The best way back of a rule or a product: its changes, the outcome after them, and one sentence."""

    changes: Way
    outcome: Outcome
    text: str

    @property
    def size(self) -> tuple[int, float]:
        """Return the sort key: fewer and smaller changes first."""
        return len(self.changes), sum(change.distance for change in self.changes)


class WaysBack:
    """Finds ways back for one product in a decided state, for one reader. All its searches together decide a changed
    form at most ``most`` times; ways for which too little is left are not found.
    """

    def __init__(
        self, state: State, product: CompiledProduct, visibility: Visibility, *, most: int = MOST_DECISIONS
    ) -> None:
        self._state = state
        self._product = product
        self._visibility = visibility
        self._words = ConditionWords(state.catalogue)
        self._left = most

    @property
    def left(self) -> int:
        """Return how many changed forms may still be decided."""
        return self._left

    def of_decline(self, reasons: Mapping[str, Expression | None]) -> tuple[dict[str, WayBack], str]:
        """Return the way back of each reason of a decline that has one, by id, and the sentence that takes the whole
        decline back, "" without one. A reason without a condition (a base check) has no way back.
        """
        ways = self.of_rules({identity: found for identity, found in reasons.items() if found is not None})
        if len(ways) < len(reasons):
            return ways, ""
        if len(ways) == 1:
            return ways, next(iter(ways.values())).text
        conditions = [found for found in reasons.values() if found is not None]
        together = self.together(conditions, ways.values()) if ways else None
        return ways, together.text if together is not None else ""

    def of_rules(self, expressions: Mapping[str, Expression]) -> dict[str, WayBack]:
        """Return by id the smallest change that takes back each rule with one of the conditions ``expressions``;
        rules without one are left out.
        """
        found = dict[str, WayBack]()
        for place, (identity, expression) in enumerate(expressions.items()):
            # One decision is kept for all rules together, and what one rule does not need is for those after it.
            share = (self._left - 1) // (len(expressions) - place)
            way_back = self._of_rule(expression, share)
            if way_back is not None:
                found[identity] = way_back
        return found

    def together(self, expressions: Sequence[Expression], ways: Iterable[WayBack]) -> WayBack | None:
        """Return the changes that take back several rules together so that the product no longer declines; ``ways``
        are the ways back of each of them.
        """
        joined = _joined([way_back.changes for way_back in ways])
        found = self._tried(joined, expressions, self._left) if joined else None
        return found if found is not None and found.outcome in _LEADS else None

    def _of_rule(self, expression: Expression, share: int) -> WayBack | None:
        """Return the smallest change that takes back one rule, found with ``share`` decisions."""
        found, end = list[WayBack](), self._left - share
        for way in self._ways(expression):
            way_back = self._tried(way, [expression], self._left - end)
            if way_back is not None:
                found.append(way_back)
        return min(found, key=lambda way_back: way_back.size, default=None)

    def _ways(self, expression: Expression) -> Iterable[Way]:
        if expression.evaluate(self._state.root) is not True:
            return ()
        return itertools.islice(self._against(expression.term.node), _MOST_WAYS)

    # Which changes would make a true condition false

    def _against(self, node: Node, *, holds: bool = True, bound: dict[str, Frame] | None = None) -> Iterator[Way]:
        """Yield ways to make the condition ``node`` false (``holds=False``: true), which is the opposite now."""
        bound = bound or {}
        match node:
            case Call(function="!_", args=(inner,)):
                yield from self._against(inner, holds=not holds, bound=bound)
            case Call(function="_&&_" | "_||_" as joint):
                parts = operands(node, joint)
                if (joint == "_&&_") is holds:
                    for part in parts:
                        yield from self._against(part, holds=holds, bound=bound)
                else:
                    yield from self._against_all(parts, holds=holds, bound=bound)
            case Macro(name="exists") if holds:
                yield from self._against_rows(node, bound)
            case Name() | Field():
                yield from self._of_choices(node, {not holds}, bound)
            case Call():
                yield from self._against_comparison(node, holds=holds, bound=bound)

    def _against_all(self, parts: Sequence[Node], *, holds: bool, bound: dict[str, Frame]) -> Iterator[Way]:
        """Yield the way that is made of one way for each part that is as the whole is now."""
        ways = [next(self._against(part, holds=holds, bound=bound), None) for part in parts]
        found = [way for way in ways if way is not None]
        joined = _joined(found)
        if joined:
            yield joined

    def _against_rows(self, node: Macro, bound: dict[str, Frame]) -> Iterator[Way]:
        code = node.source.name if isinstance(node.source, Name) else ""
        around: Frame | None = None
        if isinstance(node.source, Field) and isinstance(node.source.operand, Name):
            code, around = node.source.field, bound.get(node.source.operand.name)
        if code not in self._state.catalogue.pools:
            return
        rows = [row for row in self._state.visible_rows(code) if around is None or row.parent is around]
        ways = [next(self._against(node.body, bound={**bound, node.variable: row}), None) for row in rows]
        joined = _joined([way for way in ways if way is not None])
        if joined:
            yield joined

    def _against_comparison(self, node: Call, *, holds: bool, bound: dict[str, Frame]) -> Iterator[Way]:
        sign, args = node.function, node.args
        if sign == "@in" and isinstance(args[1], ListOf):
            listed = {item.value for item in args[1].items if isinstance(item, Literal)}
            if len(listed) == len(args[1].items):
                yield from self._of_choices(args[0], listed, bound, inside=not holds)
            return
        if sign not in MIRRORED:
            return
        subject, constant = args
        if not isinstance(subject, Name | Field):
            subject, constant, sign = constant, subject, MIRRORED[sign]
        value = _constant(constant)
        if value is None or not isinstance(subject, Name | Field):
            return
        if sign in ("_==_", "_!=_"):
            yield from self._of_choices(subject, {value}, bound, inside=(sign == "_==_") is not holds)
        elif not isinstance(value, str | bool):
            yield from self._of_limit(subject, _OPPOSITE[sign] if holds else sign, value, bound)

    def _of_limit(self, subject: Name | Field, sign: str, limit: Value, bound: dict[str, Frame]) -> Iterator[Way]:
        """Yield the change of ``subject`` to the nearest value at which the comparison ``sign`` holds."""
        found = self._place(subject, bound)
        if found is None:
            return
        path, now = found
        if now is None or now.__class__ is Unknown or _compare(sign, now, limit):
            return
        question = self._words.question_of(subject)
        side = -1 if sign in ("_<_", "_<=_") else 1
        least: Value = limit
        if sign in ("_<_", "_>_"):
            is_whole = question is not None and question.type in (INTEGER.code, YEAR.code)
            is_question = path not in self._state.catalogue.derived
            if isinstance(limit, date):
                least = limit + side * timedelta(days=1)
            else:
                least = numbers.add(limit, side if is_whole and is_question else side * _CENT)
            if is_whole and is_question:
                limit, sign = least, "_<=_" if side < 0 else "_>=_"
        is_date = isinstance(limit, date) or (question is not None and question.type == YEAR.code)
        words = self._words.limit(sign, self._words.formatted(plain(limit), question), is_date=is_date)
        yield (
            Change(
                path=path, text=words, values=(plain(least),), now=plain(now), side=side, distance=_distance(now, limit)
            ),
        )

    def _of_choices(
        self, subject: Node, codes: set[str | bool | float], bound: dict[str, Frame], *, inside: bool = True
    ) -> Iterator[Way]:
        """Yield the change of ``subject`` to one of ``codes``, or (not ``inside``) to another choice than those."""
        found = self._place(subject, bound) if isinstance(subject, Name | Field) else None
        question = self._words.question_of(subject)
        if found is None or question is None or found[0] in self._state.catalogue.derived:
            return
        path, now = found
        is_truth = question.type == BOOLEAN.code
        choices: list[str | bool] = [True, False] if is_truth else list(self._state.catalogue.choices(question))
        allowed = tuple(code for code in choices if (code in codes) is inside)
        if not allowed or now is None or now.__class__ is Unknown or now in allowed or isinstance(now, list):
            return
        yield (self._choice(path, allowed, choices, plain(now)),)

    def _choice(
        self, path: str, allowed: tuple[str | bool, ...], choices: Sequence[str | bool], now: AnswerValue
    ) -> Change:
        question = self._state.catalogue.questions[Path(path).code].question
        is_short = len(allowed) <= _MOST_LISTED
        named = allowed if is_short else [code for code in choices if code not in allowed]
        labels = _either(self._words.formatted(code, question) for code in named)
        text = labels if is_short else f"any answer but {labels}"
        return Change(
            path=path, text=text, values=allowed[:_MOST_TRIED], now=now, is_complete=len(allowed) <= _MOST_TRIED
        )

    def _place(self, subject: Name | Field, bound: dict[str, Frame]) -> tuple[str, Value] | None:
        """Return the path and the value of a question or derived value, None for another name."""
        catalogue = self._state.catalogue
        if isinstance(subject, Name):
            if subject.name in catalogue.derived:
                return subject.name, self._state.root[catalogue.derived[subject.name].slot]
            known = catalogue.questions.get(subject.name)
            return None if known is None or known.pool else (subject.name, self._state.root[known.slot])
        row = bound.get(subject.operand.name) if isinstance(subject.operand, Name) else None
        known = catalogue.questions.get(subject.field)
        if row is None or known is None:
            return None
        return f"{row.prefix}{subject.field}", row.values[known.slot]

    # Trying

    def _tried(self, way: Way, expressions: Sequence[Expression], share: int) -> WayBack | None:
        """Return ``way`` if it takes back all ``expressions`` and the reader may know it, found with at most ``share``
        decisions.

        Of several changes, and where ``share`` is too small for all choices, one choice each is tried and named.
        """
        if share < 1 or len(way) > _MOST_CHANGES or not all(map(self._may_be_named, way)):
            return None
        if len(way) > 1 or len(way[0].values) > share:
            way = tuple(map(self._of_one_choice, way))
        outcomes = set[Outcome]()
        for value in way[0].values:
            values = (value, *(change.values[0] for change in way[1:]))
            outcome = self._outcome_after(way, values, expressions)
            if outcome is None:
                return None
            outcomes.add(outcome)
        is_certain = len(outcomes) == 1 and all(change.is_complete for change in way)
        outcome = outcomes.pop() if is_certain else "need_info"
        return WayBack(way, outcome, self._sentence(way, _LEADS.get(outcome, _FALLS_AWAY)))

    def _of_one_choice(self, change: Change) -> Change:
        """Return ``change`` with its first choice only."""
        if change.side:
            return change
        question = self._state.catalogue.questions[Path(change.path).code].question
        text = self._words.formatted(change.values[0], question)
        return replace(change, text=text, values=change.values[:1], is_complete=True)

    def _may_be_named(self, change: Change) -> bool:
        catalogue, document = self._state.catalogue, self._state.document
        if change.path in catalogue.derived:
            return self._visibility.may_leave(
                change.path, change.now, tag=tag_of_derived(catalogue, document, change.path)
            )
        answer = find_answer(document, change.path)
        return (
            answer is not None
            and answer.sealed is None
            and not answer.readonly
            and self._visibility.may_leave(change.path, change.now, tag=answer.tag)
        )

    def _outcome_after(
        self, way: Way, values: Sequence[AnswerValue], expressions: Sequence[Expression]
    ) -> Outcome | None:
        """Return the product's outcome with ``values`` at the places of ``way``, None if an expression still holds or
        a value is no valid answer.
        """
        self._left -= 1
        old = self._state
        document = copy.deepcopy(old.document)
        derived: dict[str, AnswerValue] = {}
        for change, value in zip(way, values, strict=True):
            if change.path in old.catalogue.derived:
                derived[change.path] = value
            else:
                answer = find_answer(document, change.path)
                if answer is None:
                    return None
                answer.value = value
        state = State(old.catalogue, document, as_of=old.check_context.as_of, reveal=old.reveal)
        decide(state)
        self._set_derived(state, derived)
        places = {change.path for change in way}
        if any(message.kind == "error" and message.path in places for message in messages_of(state)):
            return None
        if any(expression.evaluate(state.root) is True for expression in expressions):
            return None
        outcome = decide_products(state).get(self._product.product.code)
        return None if outcome is None else outcome.outcome

    @staticmethod
    def _set_derived(state: State, values: dict[str, AnswerValue]) -> None:
        """Set derived values, and compute those that are made of them."""
        if not values:
            return
        changed = set(values)
        for code in state.catalogue.derived_order:
            part = state.catalogue.derived[code]
            if code in values:
                state.root[part.slot] = operators.exact(values[code])
            elif part.value.reads & changed:
                state.root[part.slot] = part.value.evaluate(state.root)
                changed.add(code)

    # Words

    def _sentence(self, way: Way, lead: str) -> str:
        only = way[0]
        is_plain = len(way) == 1 and not Path(only.path).row and only.path not in self._state.catalogue.derived
        if is_plain:
            return f"{lead} {'at' if only.side else 'with'} {only.text}, now {self._now(only)}."
        parts = [f"{self._subject(change)} is {change.text} (now {self._now(change)})" for change in way]
        return f"{lead} if {' and '.join(parts)}."

    def _subject(self, change: Change) -> str:
        prefix, code = split_prefix(change.path)
        steps = row_steps(prefix.rstrip("/")) if prefix else []
        rows, around = list[str](), ""
        for pool, row_id in steps:
            around = f"{around}/{pool}/{row_id}".lstrip("/")
            rows.append(f"{set_title_of(self._state.catalogue, pool)} {row_number(self._state.document, around)}")
        return f"{self._words.name(code)} ({', '.join(rows)})" if rows else self._words.name(code)

    def _now(self, change: Change) -> str:
        question = self._words.question_of(Name(name=Path(change.path).code, offset=0))
        return self._words.formatted(change.now, question)


def _constant(node: Node) -> str | bool | Value:
    match node:
        case Literal(value=value):
            return operators.exact(value)
        case Call(function="date", args=(Literal(value=str() as text),)):
            return date.fromisoformat(text)
        case Call(function="-_", args=(Literal(value=value),)) if not isinstance(value, str | bool):
            return numbers.negate(operators.exact(value))
    return None


def _compare(sign: str, value: Value, limit: Value) -> bool:
    return operators.COMPARISONS[sign](value, limit) is True


def _distance(now: Value, limit: Value) -> float:
    """Return how far ``now`` is from ``limit``, as a share of the greater of them; of dates, in years."""
    if isinstance(now, date) and isinstance(limit, date):
        return abs((now - limit).days) / 365
    one, other = float(now), float(limit)
    return abs(one - other) / max(abs(one), abs(other), 1)


def _joined(ways: Sequence[Way]) -> Way | None:
    """Return the changes of all ``ways`` together: of two limits from one side the stricter one, of choices those that
    are in both. None if they contradict each other.
    """
    changes: dict[str, Change] = {}
    for change in itertools.chain.from_iterable(ways):
        known = changes.get(change.path)
        joined = change if known is None or known == change else _stricter(known, change)
        if joined is None:
            return None
        changes[change.path] = joined
    return tuple(changes.values())


def _stricter(one: Change, other: Change) -> Change | None:
    if one.side != other.side or not one.side:
        return None
    first: Value = one.values[0]
    second: Value = other.values[0]
    is_first = (first < second) is (one.side < 0)
    return replace(one if is_first else other, distance=max(one.distance, other.distance))


def _either(words: Iterable[str]) -> str:
    *first, last = list(words)
    return f"{', '.join(first)} or {last}" if first else last
