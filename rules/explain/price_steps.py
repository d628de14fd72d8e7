"""The steps of a premium in people's words: part, rate, amount and running total. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Final

import msgspec

from rules.definition.catalogue import Question
from rules.definition.model import CompiledFactor, CompiledTable, CompiledTerm
from rules.explain.condition_words import ConditionWords
from rules.explain.conditions import ConditionExplainer
from rules.flow.premium import PremiumStep, Rated, amount_of
from rules.flow.state import State
from rules.flow.stored_values import plain
from rules.language.syntax import Field, Name, Node
from rules.language.values import Unknown, Value
from rules.types.formats import money, number
from rules.types.registry import type_of

#: A table whose rows have more different rates than this states their number.
_MOST_RATES: Final = 3
#: The kinds of steps that add an amount of their own to the total.
_ADDING: Final = ("term", "table")


class PriceStep(msgspec.Struct, frozen=True):
    """One step of a premium: its description, and the amount that a term or table adds, or the amount after a factor
    or the minimum (None: an answer is missing; text beyond the numbers that JSON clients can hold).

    ``label`` names the part in people's words, ``base`` is the value that is rated (of a factor its condition) and
    ``rate`` the rate. ``part`` is what the step adds, ``total`` the amount after it.

    A step that rates a value which the reader may not see is gated: it has no base, rate and amounts (``is_hidden``).
    So that nobody computes its part from the premium, the steps after it have no totals, factors are without their
    numbers, and beside a single gated step the other terms and tables have neither rates nor amounts (ADR 24).
    """

    kind: str
    text: str
    amount: float | str | None
    label: str = ""
    base: str = ""
    rate: str = ""
    part: float | str | None = None
    total: float | str | None = None
    is_hidden: bool = False


def explain_steps(state: State, rated: Rated, explainer: ConditionExplainer) -> list[PriceStep]:
    """Return the steps of a premium; ``explainer`` is that of the rated values."""
    return list(_Steps(state, rated, explainer).all())


class _Steps:
    def __init__(self, state: State, rated: Rated, explainer: ConditionExplainer) -> None:
        self._state = state
        self._rated = rated
        self._explainer = explainer
        self._words = ConditionWords(state.catalogue)

    def all(self) -> Iterator[PriceStep]:
        """Yield the steps in order."""
        gated = [not self._explainer.shows(_reads(step)) for step in self._rated.steps]
        # One unknown part is what the premium lacks without the others; of two only the sum is known.
        is_single = sum(gated) == 1
        hides_totals = is_single
        for step, is_gated in zip(self._rated.steps, gated, strict=True):
            hides_totals = hides_totals or is_gated
            # A factor and the minimum are computed from the total before them.
            is_hidden = is_gated or is_single or (hides_totals and step.kind not in _ADDING)
            label, base, rate = self._named(step)
            yield PriceStep(
                kind=step.kind,
                text=_text_without_numbers(step) if is_hidden else step.text,
                amount=None if is_hidden else _plain(step.amount),
                label=label,
                base="" if is_gated else base,
                rate="" if is_hidden else rate,
                part=None if is_hidden else _plain(step.part),
                total=None if hides_totals else _plain(step.total),
                is_hidden=is_hidden,
            )

    def _named(self, step: PremiumStep) -> tuple[str, str, str]:
        """Return the label, the rated value and the rate of a step."""
        match step.source:
            case CompiledTerm() as term:
                return self._term(term)
            case CompiledTable() as table:
                return self._table(table)
            case CompiledFactor() as factor:
                words = self._words.condition(factor.when.term.node)
                return factor.label, words, f"× {number(float(factor.times))}"
        return "Minimum premium", "", ""

    def _term(self, term: CompiledTerm) -> tuple[str, str, str]:
        question = self._words.question_of(term.of.term.node)
        value = term.of.evaluate(self._rated.root)
        return term.label, self._text(value, question), self._rate(term.rate, Fraction(term.per), question)

    def _table(self, table: CompiledTable) -> tuple[str, str, str]:
        question = self._words.question_of(table.amount.term.node) if table.amount else None
        total, codes = self._rows(table)
        base = self._text(total, question) if table.amount else number(float(total))
        return table.label, base, self._table_rate(table, codes, question)

    def _rows(self, table: CompiledTable) -> tuple[Fraction, list[str]]:
        """Return the sum of what the rows of a table rate, and their different codes."""
        total, codes = Fraction(0), dict[str, None]()
        for row in self._state.visible_rows(table.table.pool):
            code = table.rate_by.evaluate(self._rated.root, row)
            amount = amount_of(table.amount.evaluate(self._rated.root, row)) if table.amount else Fraction(1)
            if isinstance(code, str) and not isinstance(amount, Unknown):
                total += amount
                codes[code] = None
        return total, list(codes)

    def _table_rate(self, table: CompiledTable, codes: list[str], question: Question | None) -> str:
        chosen = self._words.question_of(table.rate_by.term.node)
        if len(codes) > _MOST_RATES:
            text = f"{len(codes)} rates"
        else:
            rates = [
                f"{self._words.formatted(code, chosen)} "
                f"{self._rate(Decimal(table.table.rates.get(code, '0')), table.per, question)}"
                for code in codes
            ]
            text = ", ".join(rates)
        if table.times is None:
            return text
        times = table.times.evaluate(self._rated.root)
        if times is None or isinstance(times, Unknown):
            return text
        return f"{text}, × {self._noun(table.times.term.node)} {self._text(times, None)}"

    def _noun(self, node: Node) -> str:
        """Return a label without quotation marks for a single name, else the words of the value."""
        if isinstance(node, Name | Field):
            code = node.name if isinstance(node, Name) else node.field
            return self._words.label(code) or code
        text = self._words.value(node)
        return text[:1].upper() + text[1:]

    def _text(self, value: Value, question: Question | None) -> str:
        if value is None:
            return "not asked"
        shown = plain(value)
        return "" if shown is None or isinstance(value, Unknown) else self._words.formatted(shown, question)

    def _rate(self, rate: Decimal, per: Fraction, question: Question | None) -> str:
        amount = _price(rate, self._state.catalogue.currency)
        is_money = question is not None and type_of(question.type).unit == "currency"
        if not is_money and per == 1:
            return f"{amount} each"
        units = money(float(per), self._state.catalogue.currency) if is_money else number(float(per))
        return f"{amount} per {units}"


def _reads(step: PremiumStep) -> frozenset[str]:
    """Return the codes of the answers and derived values that a step rates. A factor rates none: whether a condition is
    true is no secret (ADR 24).
    """
    match step.source:
        case CompiledTerm() as term:
            return term.of.reads
        case CompiledTable() as table:
            return table.rated_reads
    return frozenset()


def _text_without_numbers(step: PremiumStep) -> str:
    """Return the description of a step without its rate or factor. That of a table has none, and the minimum is the
    premium itself.
    """
    match step.source:
        case CompiledTerm() as term:
            return term.of.source
        case CompiledFactor() as factor:
            return factor.id
    return step.text


def _price(rate: Decimal, currency: str) -> str:
    """Return a rate as money with its cents, and with more places where it has them."""
    text = money(float(rate), currency)
    whole, point, cents = text.partition(".")
    if not point:
        return text
    return f"{whole}.{cents.ljust(2, '0')}"


def _plain(amount: Fraction | None) -> float | str | None:
    return None if amount is None else plain(amount)  # type: ignore[return-value]  # a number or its text
