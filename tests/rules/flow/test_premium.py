"""Premiums: exact to the dollar, and none before all inputs are known."""

from __future__ import annotations

import copy
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from presentation.visibility import NOBODY, Visibility
from rules.definition.compiler import CompiledCatalogue
from rules.explain import trace
from rules.flow.evaluation import ProductOutcome, Reason
from tests.harness.boarding_catalogue import AS_OF, boarding, document, fire, settle
from tests.harness.tiers import amount as tried

SETS = [
    {
        "code": "about",
        "title": "About",
        "questions": [
            {"code": "wanted", "label": "Cover", "type": "multi_choice", "choices": "lines", "required": "quote"},
            {"code": "n", "label": "Number", "type": "number", "required": "quote"},
            {"code": "m", "label": "Another", "type": "number"},
            {"code": "sector", "label": "Sector", "type": "choice", "choices": "sectors", "required": "quote"},
            {"code": "owns", "label": "Owns?", "type": "boolean", "required": "quote"},
            {"code": "worth", "label": "Worth", "type": "money", "required": "quote", "when": "owns"},
            {"code": "trade", "label": "Trade", "type": "naics"},
        ],
    },
    {
        "code": "rows",
        "title": "Rows",
        "pool": {"code": "rows", "min": 1},
        "questions": [
            {"code": "kind", "label": "Kind", "type": "choice", "choices": "kinds", "required": "quote"},
            {"code": "amount", "label": "Amount", "type": "number", "required": "quote"},
        ],
    },
    {
        "code": "parts",
        "title": "Parts",
        "pool": {"code": "parts", "parent": "rows", "min": 2},
        "questions": [{"code": "weight", "label": "Weight", "type": "number", "required": "quote"}],
    },
]
ROW = {"kind": "y", "amount": 3, "parts": [{"weight": 1}, {"weight": 2}]}
#: A row whose nested pool has too few rows.
SHORT = {"kind": "y", "amount": 1, "parts": [{"weight": 1}]}
ANSWERS: dict[str, Any] = {"wanted": ["care"], "n": 6, "m": 2, "sector": "shop", "owns": False, "rows": [ROW]}


def catalogue(*ratings: dict[str, Any], rules: tuple[dict[str, Any], ...] = (), **changes: Any) -> CompiledCatalogue:
    """Return a catalogue with one product for each of ``ratings``: P0, P1, ..."""
    return boarding(
        lines_question="wanted",
        title_question="",
        choices={
            "lines": {"care": "Care"}, "sectors": {"shop": "Shop", "lab": "Lab"}, "kinds": {"x": "X", "y": "Y"},
        },
        question_sets=copy.deepcopy(SETS),
        derived=changes.get("derived", []),
        form_rules=[],
        lines=[{"code": "care", "label": "Care", "states": changes.get("states", '["TX"]'), "industry": '"8129"'}],
        carriers=[{"code": "PAW", "name": "Paw Mutual", "admitted": True, "link": {"mode": "sync"}}],
        products=[
            {
                "code": f"P{number}", "carrier": "PAW", "line": "care", "rate_type": "bindable", "rules": list(rules),
                **({"rating": rating} if rating is not None else {}), **changes.get("product", {}),
            }
            for number, rating in enumerate(ratings)
        ],
    )  # fmt: skip


def decided(made: CompiledCatalogue, **answers: Any) -> dict[str, ProductOutcome]:
    known = {**ANSWERS, **answers}
    missing = tuple(code for code, value in known.items() if value is None)
    return settle(made, document(known, without=missing)).eligibility


def rated(rating: dict[str, Any] | None, **answers: Any) -> ProductOutcome:
    return decided(catalogue(rating), **answers)["P0"]


# Exact to the dollar


def term(of: str, rate: str = "1", per: str = "1") -> dict[str, str]:
    return {"rate": rate, "per": per, "of": of}


def table(pool: str = "rows", **changes: Any) -> dict[str, Any]:
    return {"pool": pool, "rate_by": "kind", "rates": {"y": "6.5"}, **changes}


def factor(when: str = "true", times: str = "2") -> dict[str, str]:
    return {"id": "f", "when": when, "times": times}


@pytest.mark.parametrize(
    ("rating", "answers", "premium"),
    [
        ({"terms": [term("36.0", "2.5", "12")]}, {}, 8),
        ({"terms": [term("n", "6.5", "6")]}, {"n": 6}, 7),
        ({"tables": [table(amount="amount", per="3")]}, {}, 7),
        ({"terms": [term("n")], "factors": [factor(times="0.333333")]}, {"n": 4.5}, 1),
        ({"terms": [term("n / 3 + n / 3 + n / 3", "1.5")]}, {"n": 1}, 2),
        ({"terms": [term("n / 3"), term("n / 6")]}, {"n": 1}, 1),
        ({"terms": [term("n", "0.000001", "3")]}, {"n": 1500000}, 1),
    ],
)
def test_a_premium_is_rounded_once(rating: dict[str, Any], answers: dict[str, Any], premium: int) -> None:
    assert rated(rating, **answers).premium == premium


RATES = [f"{number / 4:.2f}" for number in range(1, 58)]
AMOUNTS = [number / 2 for number in range(1, 57)]


def half_up(value: Fraction) -> int:
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


@pytest.mark.parametrize(
    "per", ["3", "7", "12", *(pytest.param(per, marks=pytest.mark.slow) for per in ("6", "9", "24", "30"))]
)
@pytest.mark.parametrize("kind", ["terms", "tables"])
def test_3192_rates_of_one_divisor_are_exact(per: str, kind: str) -> None:
    ratings = [
        {"terms": [term("n", rate, per)]}
        if kind == "terms"
        else {"tables": [table(rates={"y": rate}, amount="amount", per=per)]}
        for rate in RATES
    ]
    made = catalogue(*ratings)
    halves = 0

    for amount in AMOUNTS:
        found = fire(made, document({**ANSWERS, "n": amount, "rows": [{**ROW, "amount": amount}]})).evaluation
        for number, rate in enumerate(RATES):
            exact = Fraction(rate) * Fraction(amount) / Fraction(per)
            halves += exact.denominator == 2
            assert found.eligibility[f"P{number}"].premium == half_up(exact), (rate, amount)

    # Halves are the amounts that an early rounding loses.
    assert halves > 20


DECIMAL_TEXT = st.decimals("0.000001", "9999", places=6).map(lambda value: f"{value:f}")


@settings(max_examples=tried(20, full=60))
@given(
    st.lists(st.tuples(DECIMAL_TEXT, DECIMAL_TEXT), min_size=1, max_size=3),
    st.lists(DECIMAL_TEXT, max_size=3),
    st.floats(0, 1e9).map(lambda value: round(value, 2)),
    st.tuples(DECIMAL_TEXT, DECIMAL_TEXT, DECIMAL_TEXT),
)
def test_a_premium_is_that_of_fractions(
    terms: list[tuple[str, str]], factors: list[str], n: float, extra: tuple[str, str, str]
) -> None:
    rate, per, times = extra
    made = catalogue(
        {
            "terms": [term("n", rate, per) for rate, per in terms],
            "tables": [table(rates={"y": rate}, amount="amount", per=per, times=times)],
            "factors": [{**factor(times=by), "id": f"f{place}"} for place, by in enumerate(factors)],
        }
    )
    wanted = sum(Fraction(repr(n)) * Fraction(rate) / Fraction(per) for rate, per in terms)
    wanted += 3 * Fraction(rate) / Fraction(per) * Fraction(times)
    for by in factors:
        wanted *= Fraction(by)

    premium = decided(made, n=n)["P0"].premium

    assert premium == (half_up(wanted) if wanted <= 10**15 else None)


# No price without its inputs


@pytest.mark.parametrize(
    ("rating", "answers", "missing"),
    [
        ({"terms": [term("n")]}, {"n": None}, ("n",)),
        ({"terms": [term("n"), term("m")]}, {"n": None, "m": None}, ("n", "m")),
        ({"terms": [term("worth")]}, {"owns": None}, ("owns",)),
        ({"terms": [term("sum(rows.map(r, r.amount))")]}, {"rows": None}, ("rows",)),
        ({"terms": [term("count(rows)")]}, {"rows": None}, ("rows",)),
        ({"terms": [term("sum(rows.map(r, sum(r.parts.map(p, p.weight))))")]}, {"rows": [SHORT]}, ("rows/a/parts",)),
        ({"factors": [factor('sector == "lab"')]}, {"sector": None}, ("sector",)),
        ({"factors": [factor("m > 1 && owns")]}, {"m": None, "owns": True, "worth": 1}, ("m",)),
        ({"factors": [factor("rows.all(r, r.amount > 2)")]}, {"rows": None}, ("rows",)),
        ({"factors": [factor("rows.exists(r, r.amount > 99)")]}, {"rows": None}, ("rows",)),
        ({"tables": [table()]}, {"rows": [{**ROW, "kind": None}]}, ("rows/a/kind",)),
        ({"tables": [table(amount="amount")]}, {"rows": [{**ROW, "amount": None}]}, ("rows/a/amount",)),
        ({"tables": [table(times="m")]}, {"m": None}, ("m",)),
        ({"tables": [table()]}, {"rows": None}, ("rows",)),
        ({"tables": [table("parts")]}, {"rows": [SHORT]}, ("rows/a/parts",)),
        ({"tables": [table("parts")]}, {"rows": None}, ("rows",)),
    ],
)
def test_an_unknown_input_gives_no_premium_and_is_named(
    rating: dict[str, Any], answers: dict[str, Any], missing: tuple[str, ...]
) -> None:
    known = {
        **ANSWERS, **answers,
        "rows": [without_none(row) for row in answers.get("rows", ANSWERS["rows"]) or ()] or None,
    }  # fmt: skip

    outcome = decided(catalogue({"minimum": "100", **rating}), **known)["P0"]

    assert (outcome.outcome, outcome.premium, outcome.missing) == ("eligible", None, ())
    assert outcome.missing_for_price == missing
    assert outcome.bindable is False


def without_none(row: dict[str, Any]) -> dict[str, Any]:
    return {code: value for code, value in row.items() if value is not None}


def test_a_hidden_input_counts_nothing() -> None:
    rating = {"minimum": "100", "terms": [{"rate": "1", "of": "worth"}]}

    assert rated(rating, owns=False).premium == 100
    assert rated(rating, owns=True, worth=250).premium == 250


def test_what_decides_is_not_repeated_among_what_prices() -> None:
    rules = ({"id": "R", "when": "n > 5", "then": "decline", "why": "Many"},)
    rating = {"minimum": "100", "terms": [{"rate": "1", "of": "n + m"}]}

    outcome = decided(catalogue(rating, rules=rules), n=None, m=None)["P0"]

    assert outcome == ProductOutcome("need_info", missing=("n",), missing_for_price=("m",))


def test_a_decline_names_nothing_missing() -> None:
    rules = ({"id": "R", "when": "n > 5", "then": "decline", "why": "Many"},)

    outcome = decided(catalogue({"terms": [{"rate": "1", "of": "m"}]}, rules=rules), m=None)["P0"]

    assert outcome == ProductOutcome("decline", reasons=(Reason("R", "Many", "decline"),))


@pytest.mark.parametrize("rating", [None, {}, {"factors": [{"id": "f", "when": "m > 1", "times": "2"}]}])
def test_a_product_without_a_formula_is_priced_by_its_carrier(rating: dict[str, Any] | None) -> None:
    outcome = rated(rating, m=None)

    assert outcome == ProductOutcome("eligible", priced_by_carrier=True)


def test_a_minimum_alone_is_a_price() -> None:
    assert rated({"minimum": "900"}).premium == 900


def test_a_premium_beyond_reason_is_none() -> None:
    outcome = rated({"terms": [{"rate": "999999999999", "of": "n"}]}, n=999_999_999)

    assert (outcome.outcome, outcome.premium, outcome.missing_for_price) == ("eligible", None, ())


def test_an_adjusted_question_must_be_known_to_be_part_of_the_form() -> None:
    rules = ({"id": "A", "when": "n > 5", "then": "adjust", "why": "Less", "set": {"worth": 10}},)
    made = catalogue({"terms": [{"rate": "1", "of": "worth"}]}, rules=rules)

    assert decided(made, owns=None)["P0"].missing_for_price == ("owns",)
    assert decided(made, owns=True)["P0"].premium == 10
    assert decided(made, owns=False)["P0"].premium == 0


# Bindable


def test_a_premium_is_bindable_once_nothing_is_needed_to_quote() -> None:
    made = catalogue({"minimum": "100"})

    estimate, complete = decided(made, n=None)["P0"], decided(made)["P0"]

    assert (estimate.premium, estimate.bindable) == (100, False)
    assert (complete.premium, complete.bindable) == (100, True)


# Explained


def explained(made: CompiledCatalogue, target: str, **answers: Any) -> trace.Explanation:
    known = {code: value for code, value in {**ANSWERS, **answers}.items() if value is not None}
    return trace.explain(
        made, document(known), target, as_of=AS_OF, reveal=lambda path, answer: answer.value,
        visibility=Visibility(made, NOBODY),
    )  # fmt: skip


def test_why_there_is_no_premium_is_said() -> None:
    made = catalogue({"terms": [{"rate": "1", "of": "m"}]}, None)

    texts = [explained(made, f"premium:{code}", m=None).text for code in ("P0", "P1")]

    assert texts == ["P0 has no premium before these are answered: m.", "P1 has no premium: its carrier prices it."]


SQUARES = [{"code": "d0", "value": "n * n"}] + [
    {"code": f"d{place}", "value": f"d{place - 1} * d{place - 1}"} for place in range(1, 30)
]


@pytest.mark.parametrize("n", [1.5, 999999999999.5, 1000.5, 0.001, 3, -7])
def test_rules_that_outgrow_every_number_are_hidden(n: float) -> None:
    made = catalogue({"minimum": "100", "terms": [{"rate": "1", "of": "d29"}]}, derived=SQUARES)

    assert decided(made, n=n)["P0"].premium == 100
    assert explained(made, "derived:d29", n=n).result in (None, 0.0, 0)


@pytest.mark.parametrize(
    ("n", "shown"), [(2**26, 2**52), (10**10, "1" + "0" * 20), (-(10**9) - 0.5, "1000000001000000000.25")]
)
def test_an_explanation_sends_no_number_that_json_clients_cannot_hold(n: float, shown: object) -> None:
    made = catalogue({"minimum": "100", "terms": [{"rate": "1", "of": "d0"}]}, derived=SQUARES)

    derived, premium = explained(made, "derived:d0", n=n), explained(made, "premium:P0", n=n)

    assert derived.result == premium.premium_steps[0].amount == shown
