"""Explains the shadow rules of a catalogue in one document, for staff. Pure."""

from __future__ import annotations

from datetime import date
from typing import Final

from copies.document import Document
from rules.definition.catalogue import FormRule
from rules.definition.model import CompiledCatalogue, ShadowRule
from rules.explain.conditions import ConditionExplainer, TracedRule, Visibility
from rules.flow.shadow import frames_of
from rules.flow.shown_questions import decide
from rules.flow.state import Reveal, State

#: The number of rows in which a rule of rows is explained.
_MOST_ROWS: Final = 20


def explain_shadow(
    catalogue: CompiledCatalogue, document: Document, *, as_of: date, reveal: Reveal, visibility: Visibility
) -> tuple[TracedRule, ...]:
    """Return each shadow rule with its truth and its parts; a rule of rows once for each visible row.

    Their effects are left out, because they have none.
    """
    if not catalogue.shadow:
        return ()
    state = State(catalogue, document, as_of=as_of, reveal=reveal)
    decide(state)
    explainer = ConditionExplainer(state, visibility)
    return tuple(
        explainer.rule(rule.name, f"Shadow rule, without effect: {_text_of(rule)}", rule.when, frame)
        for rule in catalogue.shadow
        for frame in frames_of(state, rule)[:_MOST_ROWS]
    )


def _text_of(rule: ShadowRule) -> str:
    return rule.rule.say if isinstance(rule.rule, FormRule) else f"{rule.rule.then}, {rule.rule.why}"
