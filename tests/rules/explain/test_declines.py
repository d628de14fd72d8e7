"""The reasons of a decline: at most four, the most specific first, with their values."""

from __future__ import annotations

from rules.explain.conditions import TracedRule
from rules.explain.declines import MOST_REASONS, decline_reasons
from rules.flow.evaluation import ProductOutcome, Reason

STATE, CLASS = Reason("state", "Not offered in NV.", "base"), Reason("class", "Not offered for 1.", "base")
TABLE = Reason("wc_class", "No rate for 5551.", "base")


def reasons(*found: Reason) -> list[str]:
    traced = [TracedRule(item.rule, item.text, "", "true", {f"a_{item.rule}": 1}, effect=item.effect) for item in found]
    outcome = ProductOutcome("decline", reasons=found)
    kept = decline_reasons(outcome, traced)
    assert all(item.values == {f"a_{item.rule}": 1} for item in kept)
    return [item.rule for item in kept]


def test_rules_come_before_tables_before_industry_before_state() -> None:
    assert reasons(STATE, CLASS, TABLE, Reason("Q1", "Roofing"), Reason("Q2", "Height")) == [
        "Q1",
        "Q2",
        "wc_class",
        "class",
    ]
    assert MOST_REASONS == 4


def test_reasons_that_only_refer_are_no_reasons_of_a_decline() -> None:
    assert reasons(Reason("Q9", "A large house", "refer"), STATE, Reason("Q8", "Lower limit", "adjust")) == ["state"]


def test_a_reason_without_a_trace_has_no_values() -> None:
    (kept,) = decline_reasons(ProductOutcome("decline", reasons=(STATE,)), [])

    assert (kept.rule, kept.values) == ("state", {})
