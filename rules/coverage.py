"""Which rules, branches, outcomes and rows of rate tables a set of decisions uses. Pure.

A branch is an operand of ``&&`` or ``||``, also of nested ones, outside of macros and ``? :``; it is covered when it
was true in one form and false in another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from rules.definition.model import CompiledCatalogue, CompiledProduct, CompiledQuestion
from rules.flow.eligibility import decide_products
from rules.flow.evaluation import Evaluation, ProductOutcome
from rules.flow.state import Frame, State
from rules.language.expressions import Expression, Term
from rules.language.values import Unknown, Value

Kind: TypeAlias = Literal["rule", "condition", "branch", "factor", "outcome", "rate"]
#: The outcomes that every product can have.
OUTCOMES: Final = ("eligible", "refer", "need_info", "decline", "locked")
USED: Final = "used"


class CoverageItem(msgspec.Struct, frozen=True):
    """A part of a catalogue that decisions use or not: ``wants`` are the results that cover it."""

    place: str
    kind: Kind
    text: str
    wants: tuple[str, ...]


class _Condition(msgspec.Struct, frozen=True):
    """A condition of the form or of a product, decided in the rows of ``pool``."""

    place: str
    kind: Kind
    text: Expression
    product: str = ""
    pool: str = ""


#: How many decisions had each result, by the place of the item.
Counts: TypeAlias = dict[str, Counter[str]]


class Coverage:
    """The items of one catalogue, and the counts of the decisions that were added."""

    def __init__(self, catalogue: CompiledCatalogue) -> None:
        self._catalogue = catalogue
        self._conditions = tuple(_conditions(catalogue))
        self.items = tuple(_items(catalogue, self._conditions))
        self.decisions = 0
        self.counts: Counts = {item.place: Counter() for item in self.items}

    def add(self, state: State) -> None:
        """Count a decided ``state`` of the catalogue, each result of an item once."""
        self.decisions += 1
        outcomes = decide_products(state)
        for code, outcome in outcomes.items():
            self._count(_outcome_place(code, outcome), {USED})
        for condition in self._conditions:
            if not condition.product or _is_rated_by_rules(outcomes.get(condition.product)):
                self._add_condition(state, condition)
        for code, product in self._catalogue.products.items():
            if _is_rated_by_rules(outcomes.get(code)):
                self._add_rates(state, product)

    def add_recorded(self, evaluation: Evaluation) -> None:
        """Count what a recorded decision names: outcomes, and the rules and messages that were true."""
        self.decisions += 1
        for code, outcome in evaluation.eligibility.items():
            self._count(_outcome_place(code, outcome), {USED})
            for reason in outcome.reasons:
                self._count(_rule_place(code, reason.rule), {"true"})
        for message in {message.code for message in evaluation.messages}:
            self._count(f"form_rules[{message}]", {"true"})

    def _add_condition(self, state: State, condition: _Condition) -> None:
        frames: list[Frame | None] = list(state.visible_rows(condition.pool)) if condition.pool else [None]
        places = [(condition.place, condition.text.term), *_branches(condition.place, condition.text.term)]
        for place, term in places:
            self._count(place, {_truth(_run(state, condition.text, term, frame)) for frame in frames})

    def _add_rates(self, state: State, product: CompiledProduct) -> None:
        for at, table in enumerate(product.tables):
            for frame in state.visible_rows(table.table.pool):
                code = table.rate_by.evaluate(state.root, frame)
                if isinstance(code, str):
                    self._count(_rate_place(product.product.code, at, code), {USED})

    def _count(self, place: str, results: set[str]) -> None:
        if place in self.counts:
            self.counts[place].update(results)


def _is_rated_by_rules(outcome: ProductOutcome | None) -> bool:
    """Return whether the rules of a product were decided: it is requested and not locked."""
    return outcome is not None and outcome.outcome != "locked"


def _items(catalogue: CompiledCatalogue, conditions: tuple[_Condition, ...]) -> Iterator[CoverageItem]:
    """Yield the items: the products' outcomes, conditions each followed by its branches, and the rows of tables."""
    for code, product in catalogue.products.items():
        for outcome in OUTCOMES:
            if outcome != "locked" or product.is_surplus:
                yield CoverageItem(f"products[{code}] {outcome}", "outcome", outcome.replace("_", " "), (USED,))
    for condition in conditions:
        yield CoverageItem(condition.place, condition.kind, condition.text.source, ("true", "false"))
        for place, term in _branches(condition.place, condition.text.term):
            yield CoverageItem(place, "branch", term.text, ("true", "false"))
    for code, product in catalogue.products.items():
        for at, table in enumerate(product.tables):
            for rate in table.table.rates:
                yield CoverageItem(_rate_place(code, at, rate), "rate", table.table.rates[rate], (USED,))


def _conditions(catalogue: CompiledCatalogue) -> Iterator[_Condition]:
    for code, part in catalogue.sets.items():
        if part.when is not None:
            yield _Condition(f"question_sets[{code}].when", "condition", part.when, pool=part.parent)
    for question in catalogue.questions.values():
        yield from _conditions_of(question)
    for rule in catalogue.form_rules:
        yield _Condition(f"form_rules[{rule.rule.id}]", "rule", rule.when, pool=rule.pool)
    for code, product in catalogue.products.items():
        for own in product.rules:
            yield _Condition(_rule_place(code, own.rule.id), "rule", own.when, product=code)
        for factor in product.factors:
            yield _Condition(f"products[{code}].factors[{factor.id}]", "factor", factor.when, product=code)


def _conditions_of(question: CompiledQuestion) -> Iterator[_Condition]:
    place, needs = f"questions[{question.question.code}]", question.required_when
    texts = {
        "when": question.when,
        "required.quote": needs.quote if needs else None,
        "required.bind": needs.bind if needs else None,
    }
    for name, text in texts.items():
        if text is not None:
            yield _Condition(f"{place}.{name}", "condition", text, pool=question.pool)


def _branches(place: str, term: Term) -> Iterator[tuple[str, Term]]:
    """Yield the branches of a condition with their places; a condition without ``&&`` and ``||`` has none."""
    if term.joint in ("&&", "||"):
        for number, part in enumerate(term.parts, 1):
            if part.joint in ("&&", "||"):
                yield from _branches(f"{place}.{number}", part)
            else:
                yield f"{place}.{number}", part


def _run(state: State, text: Expression, term: Term, frame: Frame | None) -> Value:
    return term.run(state.root, frame, [None] * text.locals)


def _truth(value: Value) -> str:
    if value.__class__ is Unknown:
        return "unknown"
    return "true" if value is True else "false"


def _outcome_place(code: str, outcome: ProductOutcome) -> str:
    return f"products[{code}] {outcome.outcome}"


def _rule_place(code: str, rule: str) -> str:
    return f"products[{code}].rules[{rule}]"


def _rate_place(code: str, table: int, rate: str) -> str:
    return f"products[{code}].tables[{table}][{rate}]"


class ItemCoverage(msgspec.Struct, frozen=True):
    """One item with the counts of each source: golden cases, the book, traffic."""

    item: CoverageItem
    sources: Mapping[str, Counter[str]]

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the results that no source has."""
        return tuple(want for want in self.item.wants if not any(counts[want] for counts in self.sources.values()))

    @property
    def is_untouched(self) -> bool:
        """Return whether no source has any of the results that cover the item, or only that it was not true."""
        first = self.item.wants[0]
        return not any(counts[first] for counts in self.sources.values())

    @property
    def texts(self) -> dict[str, str]:
        """Return the counts of each source as text: ``3 false, 1 true``, or ``none``."""
        return {
            name: ", ".join(f"{count:,} {result}" for result, count in sorted(counts.items())) or "none"
            for name, counts in self.sources.items()
        }

    def covered_by(self, source: str) -> bool:
        """Return whether one source alone has all the results."""
        return all(self.sources[source][want] for want in self.item.wants)


def joined(sources: Mapping[str, Coverage]) -> list[ItemCoverage]:
    """Return the items with their counts by source; first what no source made true or used, then what is half covered,
    each in the order of the catalogue. All sources must be of one catalogue.
    """
    first = next(iter(sources.values()))
    found = [
        ItemCoverage(item, {name: coverage.counts[item.place] for name, coverage in sources.items()})
        for item in first.items
    ]
    return sorted(found, key=lambda one: (not one.is_untouched, not one.missing))
