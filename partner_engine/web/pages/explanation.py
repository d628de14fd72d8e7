"""The explanation of a product: the deciding rules with their values, and how the price is made up. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from partner_engine.web.pages.links import Link, link_to
from partner_engine.web.pages.reading import Reading
from presentation.formats import counted, day, money
from presentation.product_names import product_name
from rules.explain.trace import Explanation, PriceStep, TracedRule

#: A rule that read more values than this shows their number only.
MOST_VALUES: Final = 6
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


#: Signs of a condition over rows, whose text is less helpful than the values that it read.
_ROWS: Final = (".exists(", ".all(", ".map(", ".filter(", ".exists_one(")
#: The subjects of the base checks of every product. The check of a rate table has its own id.
_CHECKS: Final = {"state": "The product is offered in every state", "class": "The class of business is offered"}


@dataclass(frozen=True)
class RuleView:
    """One rule with the values that it read."""

    id: str
    text: str
    truth: str
    word: str
    condition: str
    values: tuple[tuple[Link, str], ...]
    more_values: int
    would_match: str


@dataclass(frozen=True)
class ExplanationView:
    """A product's outcome and price, with the rules that ``decided`` and the ``others``, which do not match."""

    text: str
    decided: tuple[RuleView, ...]
    others: tuple[RuleView, ...]
    others_said: str
    steps: tuple[tuple[str, str], ...]
    footing: str


def build_explanation(reading: Reading, outcome: Explanation, price: Explanation, *, release: int) -> ExplanationView:
    """Return the view of a product's ``outcome`` and ``price``. ``release`` is the number that people know."""
    rules = [_rule(reading, rule) for rule in outcome.rules]
    decided = tuple(rule for rule in rules if rule.truth != "false")
    others = tuple(rule for rule in rules if rule.truth == "false")
    name = product_name(reading.catalogue, outcome.target.partition(":")[2])
    currency = reading.catalogue.definition.currency
    return ExplanationView(
        text=f"{name} {_RESULTS.get(str(outcome.result), str(outcome.result))}.",
        decided=decided,
        others=others,
        others_said=f"{counted(len(others), 'other rule')} {'does' if len(others) == 1 else 'do'} not match",
        steps=tuple((step.text, _amount(step, currency)) for step in price.premium_steps)
        if price.result is not None
        else (),
        footing=f"Release {release}, as of {day(outcome.as_of)}",
    )


def _word(rule: TracedRule) -> str:
    """Return what a matching rule of a product does; else the truth of the rule."""
    return _EFFECTS.get(rule.effect, _TRUTHS["true"]) if rule.truth == "true" else _TRUTHS[rule.truth]


def _amount(step: PriceStep, currency: str) -> str:
    return money(round(step.amount, 2), currency) if isinstance(step.amount, int | float) else step.amount or ""


def _rule(reading: Reading, rule: TracedRule) -> RuleView:
    values = tuple((_place(reading, path), reading.visibility.text(path, value)) for path, value in rule.values.items())
    in_rows = any(sign in rule.condition for sign in _ROWS)
    is_check = rule.text.startswith("Base check ")
    return RuleView(
        id=rule.id,
        text=_CHECKS.get(rule.id, "Every row has a rate") if is_check else rule.text,
        truth=rule.truth,
        word="is not known yet" if is_check and rule.truth == "unknown" else "holds" if is_check else _word(rule),
        condition=""
        if is_check or in_rows or rule.would_match
        else f"Matches while {in_words(reading, rule.condition)}",
        values=values[:MOST_VALUES],
        more_values=max(0, len(values) - MOST_VALUES),
        would_match="" if is_check or in_rows else in_words(reading, rule.would_match),
    )


def in_words(reading: Reading, text: str) -> str:
    """Return ``text`` with the labels of questions, pools and derived values in place of their codes."""

    def label(found: re.Match[str]) -> str:
        code = found[0]
        if code in reading.catalogue.questions or code in reading.catalogue.pools:
            return f"“{reading.label(code)}”"
        return f"“{_derived_label(reading, code)}”" if code in reading.catalogue.derived else code

    return re.sub(r"[A-Za-z_][A-Za-z0-9_]*", label, text)


def _derived_label(reading: Reading, code: str) -> str:
    return reading.catalogue.derived[code].derived.label or code.removeprefix("d_").replace("_", " ")


def _place(reading: Reading, path: str) -> Link:
    return Link("", "", _derived_label(reading, path)) if path in reading.catalogue.derived else link_to(reading, path)
