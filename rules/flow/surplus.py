"""Finds the surplus lines rules that concern a document, and decides whether they open a product. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rules.definition.model import CompiledProduct
from rules.definition.surplus import CompiledSurplusRule, rule_for
from rules.flow.state import State


def rules_in_force(state: State, product: CompiledProduct) -> tuple[CompiledSurplusRule, ...] | None:
    """Return the rules for a surplus ``product`` in the states concerned, as its base check has them, each once; None
    while a state is unknown.
    """
    concerned = product.line.states.evaluate(state.root)
    if concerned is not None and concerned.__class__ is not list:
        return None
    named = [item for item in concerned or () if item is not None]
    if not all(isinstance(item, str) for item in named):
        return None
    day = state.check_context.as_of
    # Without any state, the rules for all states count.
    return tuple(dict.fromkeys(rule_for(product.surplus, item, day) for item in named or ("",)))


def is_unlocked(state: State, product: CompiledProduct, declined: int) -> bool:
    """Return whether a surplus ``product`` is open when ``declined`` admitted products of its line decline: each rule
    in force must be met. While a state is unknown, only the declines of all open it, which meet every rule.
    """
    admitted = len(product.rivals)
    if declined == admitted:
        return True
    rules = rules_in_force(state, product) if product.surplus else None
    return rules is not None and all(rule.is_met(declined, admitted=admitted) for rule in rules)


def requirement_text(rules: Sequence[CompiledSurplusRule] | None) -> str:
    """Return what ``rules`` in force require, with their ids: the rest of a sentence after "until" or "because"."""
    if rules is None:
        return "every admitted product of the line declines, as long as a state is not known"
    return " and ".join(dict.fromkeys(map(_requirement, rules)))


def _requirement(rule: CompiledSurplusRule) -> str:
    by = f" (rule {rule.id})" if rule.id else ""
    if rule.declines is None:
        return f"every admitted product of the line declines{by}"
    if not rule.declines:
        return f"no search among admitted products is needed{by}"
    is_one = rule.declines == 1
    return f"{rule.declines} admitted product{'' if is_one else 's'} of the line decline{'s' if is_one else ''}{by}"
