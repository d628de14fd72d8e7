"""The specific reasons for which a product declines, with the values that they read. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from copies.document import AnswerValue
from rules.definition.model import CLASS_CHECK, STATE_CHECK
from rules.explain.conditions import TracedRule
from rules.flow.evaluation import Effect, ProductOutcome

#: The most reasons of one decline: more would hide those that decided.
MOST_REASONS: Final = 4
#: The effects of the reasons for which a product declines.
DECLINING: Final[Collection[Effect]] = ("decline", "base")
#: Base checks, the most specific first; before them come those of rate tables, and before all the product's rules.
_GENERAL: Final = (CLASS_CHECK, STATE_CHECK)


class DeclineReason(msgspec.Struct, frozen=True):
    """One reason: the rule's id and text, and the ``values`` that it read by path."""

    rule: str
    text: str
    effect: Effect
    values: dict[str, AnswerValue]


def decline_reasons(outcome: ProductOutcome, traced: Sequence[TracedRule]) -> list[DeclineReason]:
    """Return the reasons why a product with ``outcome`` declines, at most ``MOST_REASONS``, the most specific first.

    ``traced`` are the rules of its explanation. Among the product's rules the order of the catalogue counts.
    """
    declining = [reason for reason in outcome.reasons if reason.effect in DECLINING]
    ordered = sorted(declining, key=lambda reason: _generality(reason.rule, reason.effect))[:MOST_REASONS]
    values = {rule.id: rule.values for rule in traced if rule.truth == "true" and rule.effect in DECLINING}
    return [
        DeclineReason(reason.rule, reason.text, reason.effect, dict(values.get(reason.rule, {}))) for reason in ordered
    ]


def _generality(rule: str, effect: Effect) -> int:
    if effect == "decline":
        return 0
    return _GENERAL.index(rule) + 2 if rule in _GENERAL else 1
