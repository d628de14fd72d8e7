"""Ways back: what is advised takes the decline back, and one step beyond it does not."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from presentation.visibility import Reader, Visibility
from rules.definition.model import CompiledCatalogue
from rules.explain import trace, ways_back
from rules.explain.declined_products import ways_back_of
from rules.explain.trace import Explanation
from rules.explain.ways_back import WayBack, WaysBack
from rules.flow.shown_questions import decide
from rules.flow.state import State
from tests.harness.boarding_catalogue import ANSWERS, AS_OF, BOARDING, boarding, document, settle
from tests.harness.tiers import amount

AGENT = Reader(sees_personal=True)
ROWS = [
    {"street": "1", "is_heated": True, "share": 60, "pets": [{"species": "dog", "weight": 20}]},
    {"street": "2", "is_heated": True, "share": 30, "pets": [{"species": "cat", "weight": 50}]},
]


def declining(*conditions: str, **changes: Any) -> CompiledCatalogue:
    products = msgspec.convert(msgspec.to_builtins(BOARDING["products"]), list[dict[str, Any]])
    products[0]["rules"] = [
        {"id": f"R{place}", "when": condition, "then": "decline", "why": "No"}
        for place, condition in enumerate(conditions)
    ]
    return boarding(products=products, **changes)


def explain(*conditions: str, reader: Reader = AGENT, **answers: Any) -> Explanation:
    catalogue = declining(*conditions)
    return trace.explain(
        catalogue,
        document({**ANSWERS, **answers}),
        "product:PAW-CARE",
        as_of=AS_OF,
        reveal=lambda path, answer: answer.value,
        visibility=Visibility(catalogue, reader),
        ways_back=True,
    )


@pytest.mark.parametrize(
    ("condition", "answers", "text"),
    [
        ("income > 30000", {}, "Eligible again at $30,000 or less, now $40,000."),
        ("income >= 40000", {}, "Eligible again at less than $40,000, now $40,000."),
        ("!(income < 30000)", {}, "Eligible again at less than $30,000, now $40,000."),
        ("50000 > income", {}, "Eligible again at $50,000 or more, now $40,000."),
        ('opened < date("2021-01-31")', {}, "Eligible again at 1/31/2021 or later, now 6/2/2020."),
        ('limit == "low"', {}, "Eligible again with High, now Low."),
        ('limit != "high"', {}, "Eligible again with High, now Low."),
        ('home_state in ["TX"]', {}, "This reason falls away with Ohio, now Texas."),
        ("exotic == false", {}, "Eligible again with Yes, now No."),
        ("exotic && vet", {"exotic": True, "vet": True}, "Eligible again with No, now Yes."),
        # One of two is enough: the nearest one.
        ("income > 39000 && heaviest > 1", {}, "Eligible again at $39,000 or less, now $40,000."),
        # Both must go.
        (
            'income > 39000 || limit == "low"', {},
            "Eligible again if “Income” is $39,000 or less (now $40,000) and “Limit” is High (now Low).",
        ),
        ("income > 39000 || income > 20000", {}, "Eligible again at $20,000 or less, now $40,000."),
        ("heaviest > 10", {}, "Eligible again if “Heaviest” is 10 or less (now 20)."),
        (
            "kennels.exists(k, k.share > 50)", {"kennels": ROWS},
            "Eligible again if “Share” (Houses 1) is 50% or less (now 60%).",
        ),
        (
            "kennels.exists(k, k.pets.exists(p, p.weight >= 50))", {"kennels": ROWS},
            "Eligible again if “Weight” (Houses 2, Guests 1) is less than 50 (now 50).",
        ),
        # Nothing helps, or nothing is known to.
        ("income > 30000 || true", {}, ""),
        ('industry.startsWith("81")', {}, ""),
        ("income * 2 > 1000", {}, ""),
        ("income > -5", {}, ""),
    ],
)  # fmt: skip
def test_a_decline_names_what_takes_it_back(condition: str, answers: dict[str, Any], text: str) -> None:
    assert explain(condition, **answers).way_back == text


def test_the_nearest_reason_leads_and_all_are_taken_back_together() -> None:
    why = explain("income > 1000", "heaviest > 19")

    assert why.nearest == "R1"
    assert [rule.way_back for rule in why.rules if rule.truth == "true"] == [
        "This reason falls away at $1,000 or less, now $40,000.",
        "This reason falls away if “Heaviest” is 19 or less (now 20).",
    ]
    assert why.way_back == (
        "Eligible again if “Income” is $1,000 or less (now $40,000) and “Heaviest” is 19 or less (now 20)."
    )


def test_reasons_that_nothing_takes_back_leave_no_way() -> None:
    why = explain("income > 1000", 'industry.startsWith("81")')

    assert (why.way_back, why.nearest) == ("", "R0")


def test_reasons_that_contradict_each_other_are_not_taken_back_together() -> None:
    why = explain("income > 30000 && exotic == false", "income < 50000 && exotic == false", exotic=False, vet=None)

    assert "$50,000 or more (now $40,000) and" not in why.way_back


def test_hidden_answers_are_not_named() -> None:
    sets = msgspec.convert(msgspec.to_builtins(BOARDING["question_sets"]), list[dict[str, Any]])
    next(question for question in sets[0]["questions"] if question["code"] == "income")["sensitivity"] = "pii"
    catalogue = declining("income > 30000", question_sets=sets)

    why = trace.explain(
        catalogue, document(ANSWERS), "PAW-CARE", as_of=AS_OF, reveal=lambda path, answer: answer.value,
        visibility=Visibility(catalogue, Reader()), ways_back=True,
    )  # fmt: skip

    assert (why.result, why.way_back, why.nearest) == ("decline", "", "")


def test_one_explanation_decides_a_limited_number_of_changed_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    sets = msgspec.convert(msgspec.to_builtins(BOARDING["question_sets"]), list[dict[str, Any]])
    asked = [f"color{place}" for place in range(12)]
    sets[0]["questions"] += [{"code": code, "label": code, "type": "choice", "choices": "colors"} for code in asked]
    colors = {f"c{place}": f"Color {place}" for place in range(15)}
    together = " || ".join(f'{code} == "c0"' for code in asked[:3])
    catalogue = declining(
        together,
        " && ".join(f'{code} == "c0"' for code in asked),
        *(f'{code} != "c1"' for code in asked[3:]),
        question_sets=sets,
        choices={**BOARDING["choices"], "colors": colors},
    )
    decided: list[State] = []

    def counted(state: State) -> None:
        decided.append(state)
        decide(state)

    monkeypatch.setattr(ways_back, "decide", counted)

    why = trace.explain(
        catalogue, document({**ANSWERS, **dict.fromkeys(asked, "c0")}), "PAW-CARE", as_of=AS_OF,
        reveal=lambda path, answer: answer.value, visibility=Visibility(catalogue, AGENT), ways_back=True,
    )  # fmt: skip

    assert 0 < len(decided) <= ways_back.MOST_DECISIONS
    # Of several changes, one choice each is tried and named; each rule gets its share.
    texts = [rule.way_back for rule in why.rules if rule.truth == "true"]
    changes = [f"“{code}” is Color 1 (now Color 0)" for code in asked[:3]]
    assert texts[0] == f"This reason falls away if {' and '.join(changes)}."
    assert all(texts)


def way_of(condition: str, **answers: Any) -> tuple[CompiledCatalogue, WayBack | None]:
    catalogue = declining(condition)
    made = document({**ANSWERS, **answers})
    state = State(catalogue, made, as_of=AS_OF, reveal=lambda path, answer: answer.value)
    decide(state)
    product = catalogue.products["PAW-CARE"]
    found = WaysBack(state, product, Visibility(catalogue, AGENT)).of_rules({"R0": product.rules[0].when})
    return catalogue, found.get("R0")


def outcome(catalogue: CompiledCatalogue, **answers: Any) -> str:
    return settle(catalogue, document({**ANSWERS, **answers})).eligibility["PAW-CARE"].outcome


NUMBERS = st.integers(0, 5_000_000)
SIGNS = st.sampled_from([">", ">=", "<", "<="])


@settings(max_examples=amount(25, full=80), deadline=None)
@given(sign=SIGNS, limit=NUMBERS, income=NUMBERS, negated=st.booleans(), mirrored=st.booleans())
def test_the_threshold_takes_back_and_one_step_beyond_does_not(
    sign: str, limit: int, income: int, *, negated: bool, mirrored: bool
) -> None:
    condition = f"{limit} {sign} income" if mirrored else f"income {sign} {limit}"
    catalogue, way_back = way_of(f"!({condition})" if negated else condition, income=income)

    if outcome(catalogue, income=income) != "decline":
        assert way_back is None
        return
    if way_back is None:
        # No answer is both valid and on the other side.
        assert limit == 0
        return
    (change,) = way_back.changes
    (value,) = change.values
    assert isinstance(value, int | float)
    assert outcome(catalogue, income=value) == "eligible" == way_back.outcome
    assert outcome(catalogue, income=round(value - change.side * 0.01, 2)) == "decline"


@settings(max_examples=amount(15, full=40), deadline=None)
@given(sign=SIGNS, limit=st.dates(date(2000, 1, 1), date(2026, 5, 1)), opened=st.dates(date(2000, 1, 1), AS_OF))
def test_the_threshold_of_a_date_takes_back(sign: str, limit: date, opened: date) -> None:
    catalogue, way_back = way_of(f'opened {sign} date("{limit}")', opened=opened.isoformat())

    if way_back is None:
        assert outcome(catalogue, opened=opened.isoformat()) == "eligible"
        return
    (change,) = way_back.changes
    beyond = date.fromisoformat(str(change.values[0])) - change.side * timedelta(days=1)
    assert outcome(catalogue, opened=change.values[0]) == "eligible"
    assert outcome(catalogue, opened=beyond.isoformat()) == "decline"


@settings(max_examples=amount(15, full=40), deadline=None)
@given(
    joint=st.sampled_from(["&&", "||"]),
    income=st.integers(0, 100),
    limits=st.tuples(st.integers(0, 100), st.integers(0, 100)),
    weight=st.integers(1, 100),
)
def test_what_is_advised_together_takes_back(joint: str, income: int, limits: tuple[int, int], weight: int) -> None:
    kennels = [{"street": "1", "is_heated": True, "pets": [{"species": "dog", "weight": weight}]}]
    condition = f"income > {limits[0]} {joint} kennels.exists(k, k.pets.exists(p, p.weight > {limits[1]}))"
    catalogue, way_back = way_of(condition, income=income, kennels=kennels)

    if way_back is None:
        assert outcome(catalogue, income=income, kennels=kennels) == "eligible"
        return
    values = {change.path.rpartition("/")[2]: change.values[0] for change in way_back.changes}
    kennels[0]["pets"][0]["weight"] = values.get("weight", weight)  # type: ignore[index]
    assert outcome(catalogue, income=values.get("income", income), kennels=kennels) == "eligible"
    assert len(way_back.changes) == 1 if joint == "&&" else len(way_back.changes) <= 2


def test_the_products_of_a_form_share_the_decisions_of_one_explanation(monkeypatch: pytest.MonkeyPatch) -> None:
    products = msgspec.convert(msgspec.to_builtins(BOARDING["products"]), list[dict[str, Any]])
    for product, conditions in zip(
        products, (['opened < date("2021-01-31")'], ["income > 30000", 'limit == "low"']), strict=True
    ):
        product["rules"] = [
            {"id": f"{product['code']}{place}", "when": condition, "then": "decline", "why": "No"}
            for place, condition in enumerate(conditions)
        ]
    catalogue, decided = boarding(products=products), list[State]()

    def counting(state: State) -> None:
        decided.append(state)
        decide(state)

    monkeypatch.setattr(ways_back, "decide", counting)

    def found(most: int) -> dict[str, str]:
        decided.clear()
        return ways_back_of(
            catalogue, document(ANSWERS), ["PAW-CARE", "FIN-CARE"], as_of=AS_OF,
            reveal=lambda path, answer: answer.value, visibility=Visibility(catalogue, AGENT), most=most,
        )  # fmt: skip

    whole = found(ways_back.MOST_DECISIONS)
    assert whole["PAW-CARE"] == "Eligible again at 1/31/2021 or later, now 6/2/2020."
    assert whole["FIN-CARE"].startswith(
        "Eligible again if “Income” is $30,000 or less (now $40,000) and “Limit” is High"
    )
    for most in range(6):
        found(most)
        assert len(decided) <= most
