"""The explanation of a product in people's words: the deciding rules with their values, and how the price is made up.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from partner_engine.web.pages.links import Link, link_to
from partner_engine.web.pages.reading import Reading
from presentation.formats import counted, day, money
from presentation.product_names import product_name
from rules.explain.condition_words import derived_label
from rules.explain.trace import Explanation, PriceStep, TracedRule

#: A rule that read more values than this shows their number only.
MOST_VALUES: Final = 6
#: The text of an amount that would tell a value which the reader may not see.
HIDDEN_AMOUNT: Final = "hidden"
_CENT: Final = Decimal("0.01")
_TRUTHS: Final = {"true": "matches", "unknown": "cannot be decided yet", "false": "does not match"}
_EFFECTS: Final = {"decline": "declines", "base": "declines", "refer": "refers", "adjust": "adjusts"}
_RESULTS: Final = {
    "eligible": "is open: no rule is against it",
    "refer": "goes to an underwriter",
    "decline": "declines",
    "need_info": "cannot be decided until more questions are answered",
    "locked": "is locked: surplus lines open only when every admitted carrier of the line declines",
    "excluded": "is excluded from this copy",
    "not_asked": "is not requested",
}
_RIVAL_STATES: Final = {
    "eligible": "is open and has not declined",
    "refer": "goes to an underwriter and has not declined",
    "decline": "has declined",
    "locked": "is locked",
}
#: The subjects of the base checks of every product. The check of a rate table has its own id.
_CHECKS: Final = {"state": "The product is offered in every state", "class": "The class of business is offered"}


@dataclass(frozen=True)
class RuleView:
    """One rule with the values that it read; ``condition`` and ``would_match`` are in plain English."""

    id: str
    text: str
    truth: str
    word: str
    condition: str
    values: tuple[tuple[Link, str], ...]
    more_values: int
    would_match: str
    way_back: str = ""


@dataclass(frozen=True)
class PriceLine:
    """One line of a premium: the part with what is rated and its rate, what it adds, and the total after it."""

    label: str
    base: str
    rate: str
    amount: str
    total: str


@dataclass(frozen=True)
class RivalView:
    """An admitted carrier of a surplus product's line: its product, its state, and whether it still has to decline."""

    name: str
    state: str
    is_waited_for: bool


@dataclass(frozen=True)
class ExplanationView:
    """A product's outcome and price, with the rules that ``decided`` and the ``others``, which do not match.

    ``way_back`` says what would take a decline back, ``rivals`` are the carriers that a locked product waits for.
    """

    text: str
    way_back: str
    rivals: tuple[RivalView, ...]
    decided: tuple[RuleView, ...]
    others: tuple[RuleView, ...]
    others_said: str
    lines: tuple[PriceLine, ...]
    premium: str
    footing: str


def build_explanation(reading: Reading, outcome: Explanation, price: Explanation, *, release: int) -> ExplanationView:
    """Return the view of a product's ``outcome`` and ``price``. ``release`` is the number that people know."""
    code = outcome.target.partition(":")[2]
    product = reading.catalogue.products[code]
    rivals = {rule.id: rule for rule in outcome.rules if rule.id in product.rivals}
    rules = [_rule(reading, rule) for rule in outcome.rules if rule.id not in rivals]
    decided = tuple(
        sorted((rule for rule in rules if rule.truth != "false"), key=lambda rule: rule.id != outcome.nearest)
    )
    others = tuple(rule for rule in rules if rule.truth == "false")
    name = product_name(reading.catalogue, code)
    currency = reading.catalogue.currency
    premium = price.result if isinstance(price.result, int) else None
    return ExplanationView(
        text=f"{name} {_RESULTS.get(str(outcome.result), str(outcome.result))}.",
        way_back=outcome.way_back,
        rivals=tuple(_rival(reading, rival) for rival in product.rivals) if rivals else (),
        decided=decided,
        others=others,
        others_said=f"{counted(len(others), 'other rule')} {'does' if len(others) == 1 else 'do'} not match",
        lines=() if premium is None else tuple(price_lines(price.premium_steps, premium, currency)),
        premium="" if premium is None else money(premium, currency),
        footing=f"Release {release}, as of {day(outcome.as_of)}",
    )


def price_lines(steps: tuple[PriceStep, ...], premium: int, currency: str) -> Iterator[PriceLine]:
    """Yield the lines of a premium. Each total is rounded to cents, and each amount is the difference of two totals, so
    that the amounts add up to the premium to the cent. After a step with a hidden value only the amounts that do not
    tell it are shown.
    """
    before: Decimal | None = Decimal(0)
    for step in steps:
        total = None if step.total is None else _in_cents(step.total)
        part = total - before if total is not None and before is not None else None
        if part is None and not step.is_hidden and step.part is not None:
            part = _in_cents(step.part)
        yield PriceLine(
            label=f"{step.label[:1].upper()}{step.label[1:]}",
            base=step.base,
            rate=step.rate,
            amount=HIDDEN_AMOUNT if part is None else _signed(part, currency),
            total=HIDDEN_AMOUNT if total is None else cents(total, currency),
        )
        before = total
    if before is not None and before != premium:
        rounding = _signed(premium - before, currency)
        yield PriceLine("Rounded to whole units", "", "", rounding, cents(Decimal(premium), currency))


def _in_cents(amount: float | str) -> Decimal:
    return Decimal(str(amount)).quantize(_CENT, ROUND_HALF_UP)


def cents(amount: Decimal, currency: str) -> str:
    """Return ``amount`` as money with two decimals: ``$2,450.65``."""
    whole, _, decimals = f"{abs(amount):f}".partition(".")
    text = f"{money(int(whole), currency)}.{decimals.ljust(2, '0')[:2]}"
    return f"-{text}" if amount < 0 else text


def _signed(amount: Decimal, currency: str) -> str:
    text = cents(amount, currency)
    return text if amount < 0 else f"+{text}"


def _word(rule: TracedRule) -> str:
    """Return what a matching rule of a product does; else the truth of the rule."""
    return _EFFECTS.get(rule.effect, _TRUTHS["true"]) if rule.truth == "true" else _TRUTHS[rule.truth]


def _rule(reading: Reading, rule: TracedRule) -> RuleView:
    values = tuple((place(reading, path), reading.visibility.read(path, value)) for path, value in rule.values.items())
    is_check = rule.text.startswith("Base check ")
    return RuleView(
        id=rule.id,
        text=_CHECKS.get(rule.id, "Every row has a rate") if is_check else rule.text,
        truth=rule.truth,
        word="is not known yet" if is_check and rule.truth == "unknown" else "holds" if is_check else _word(rule),
        condition=f"Matches while {rule.words}" if rule.words and not rule.unmet else "",
        values=values[:MOST_VALUES],
        more_values=max(0, len(values) - MOST_VALUES),
        would_match=f"Would match if {rule.unmet}" if rule.unmet else "",
        way_back=rule.way_back,
    )


def _rival(reading: Reading, code: str) -> RivalView:
    """Return the state of an admitted product whose decline a surplus product needs."""
    outcome = reading.evaluation.eligibility.get(code)
    name = product_name(reading.catalogue, code)
    if outcome is None:
        return RivalView(name, "excluded from this copy", is_waited_for=True)
    state = _RIVAL_STATES.get(outcome.outcome, outcome.outcome)
    if outcome.outcome == "need_info":
        state = f"needs {counted(len(outcome.missing), 'more answer')} before it can be decided"
    return RivalView(name, state, is_waited_for=outcome.outcome != "decline")


def place(reading: Reading, path: str) -> Link:
    """Return a link to the question at ``path``; a derived value has no place, only its label."""
    if path in reading.catalogue.derived:
        return Link("", "", derived_label(reading.catalogue, path))
    return link_to(reading, path)
