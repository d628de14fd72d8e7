"""Decides the shadow rules of a catalogue for one document, apart from everything that has an effect. Pure."""

from __future__ import annotations

from typing import Literal, TypeAlias

from rules.definition.model import ShadowRule
from rules.flow.eligibility import decide_products
from rules.flow.state import Frame, State
from rules.language.values import Unknown, Value

ShadowResult: TypeAlias = Literal["fired", "not_fired", "unknown"]


def shadow_results(state: State) -> dict[str, ShadowResult]:
    """Return the result of each shadow rule by its name, in a ``state`` whose questions are decided.

    A rule of a product is left out where its product is not decided: not requested, excluded, or locked. A rule of
    rows fires if it does in any row.
    """
    if not state.catalogue.shadow:
        return {}
    outcomes = decide_products(state)
    decided = {code for code, outcome in outcomes.items() if outcome.outcome != "locked"}
    return {
        rule.name: _result([rule.when.evaluate(state.root, frame) for frame in frames_of(state, rule)])
        for rule in state.catalogue.shadow
        if not rule.product or rule.product in decided
    }


def frames_of(state: State, rule: ShadowRule) -> list[Frame | None]:
    """Return the visible rows in which ``rule`` is decided; None stands for the document."""
    return list(state.visible_rows(rule.pool)) if rule.pool else [None]


def _result(values: list[Value]) -> ShadowResult:
    if any(value is True for value in values):
        return "fired"
    return "unknown" if any(value.__class__ is Unknown for value in values) else "not_fired"
