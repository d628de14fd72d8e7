"""The explanation of a premium: part, rate, amount and running total, which add up to the premium."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from partner_engine.web.pages.explanation import HIDDEN_AMOUNT, PriceLine, price_lines
from presentation.visibility import NOBODY, Reader, Visibility
from rules.definition.model import CompiledCatalogue
from rules.explain import trace
from rules.explain.trace import Explanation
from tests.harness.boarding_catalogue import ANSWERS, AS_OF, BOARDING, boarding, document
from tests.harness.tiers import amount as examples

CATALOGUE = boarding()
AGENT = Reader(sees_personal=True)


def explain(catalogue: CompiledCatalogue, reader: Reader = AGENT, **answers: Any) -> Explanation:
    return trace.explain(
        catalogue,
        document({**ANSWERS, **answers}),
        "premium:PAW-CARE",
        as_of=AS_OF,
        reveal=lambda path, answer: answer.value,
        visibility=Visibility(catalogue, reader),
    )


def lines_of(found: Explanation) -> list[PriceLine]:
    assert isinstance(found.result, int)
    return list(price_lines(found.premium_steps, found.result, "USD"))


def amount(text: str) -> Decimal:
    return Decimal(re.sub(r"[$,+]", "", text))


def test_a_premium_is_a_table_of_parts_with_a_running_total() -> None:
    found = explain(CATALOGUE, income=200000, opened="2026-01-01")

    assert lines_of(found) == [
        PriceLine("Limit", "$200,000", "$1.50 per $1,000", "+$300.00", "$300.00"),
        PriceLine(
            "Weight by species", "25", "Dog $10 per 10, Cat $4.25 per 10", "+$22.13", "$322.13"
        ),
        PriceLine("Opened", "“Years open” is less than 2", "× 1.5", "+$161.06", "$483.19"),
        PriceLine("Rounded to whole units", "", "", "-$0.19", "$483.00"),
    ]  # fmt: skip


def test_a_minimum_is_a_part_too() -> None:
    lines = lines_of(explain(CATALOGUE))

    assert lines[-1] == PriceLine("Minimum premium", "", "", "+$17.87", "$100.00")


def test_a_value_that_the_reader_may_not_see_has_no_base_and_no_rate() -> None:
    sets = msgspec.convert(msgspec.to_builtins(BOARDING["question_sets"]), list[dict[str, Any]])
    next(question for question in sets[0]["questions"] if question["code"] == "income")["sensitivity"] = "pii"
    catalogue = boarding(question_sets=sets)

    open_, masked = explain(catalogue, income=200000), explain(catalogue, NOBODY, income=200000)

    assert lines_of(open_)[0].base == "$200,000"
    assert (lines_of(masked)[0].base, lines_of(masked)[0].rate) == ("", "")
    assert "200,000" not in msgspec.json.encode(masked).decode()


def test_the_lines_of_a_hidden_value_have_no_amounts_and_no_rounding() -> None:
    sets = msgspec.convert(msgspec.to_builtins(BOARDING["question_sets"]), list[dict[str, Any]])
    next(question for question in sets[0]["questions"] if question["code"] == "income")["sensitivity"] = "pii"

    masked = explain(boarding(question_sets=sets), NOBODY, income=200000, opened="2026-01-01")

    assert [(line.label, line.amount, line.total) for line in lines_of(masked)] == [
        ("Limit", HIDDEN_AMOUNT, HIDDEN_AMOUNT),
        ("Weight by species", HIDDEN_AMOUNT, HIDDEN_AMOUNT),
        ("Opened", HIDDEN_AMOUNT, HIDDEN_AMOUNT),
    ]


RATE = st.decimals("0", "99", places=4).map(lambda value: f"{value:f}")
PER = st.sampled_from(["1", "3", "7", "100", "1000"])


@settings(max_examples=examples(20, full=60), deadline=None)
@given(
    rates=st.lists(st.tuples(RATE, PER), max_size=3),
    table=st.tuples(RATE, RATE, PER),
    factors=st.lists(st.decimals("0.3", "3", places=3).map(str), max_size=3),
    minimum=st.integers(0, 5000).map(str),
    income=st.integers(0, 5_000_000),
    weight=st.decimals("0", "80", places=1).map(float),
)
def test_the_running_total_ends_at_the_premium(  # noqa: PLR0913 - one argument for each part of the formula
    rates: list[tuple[str, str]],
    table: tuple[str, str, str],
    factors: list[str],
    minimum: str,
    income: int,
    weight: float,
) -> None:
    products = msgspec.convert(msgspec.to_builtins(BOARDING["products"]), list[dict[str, Any]])
    products[0]["rating"] = {
        "minimum": minimum,
        "terms": [{"rate": rate, "per": per, "of": "income"} for rate, per in rates],
        "tables": [
            {
                "pool": "pets", "rate_by": "species", "rates": {"dog": table[0], "cat": table[1]},
                "amount": "weight", "per": table[2],
            }
        ],
        "factors": [{"id": f"f{place}", "when": "!exotic", "times": times} for place, times in enumerate(factors)],
    }  # fmt: skip
    kennels = [{"street": "1", "is_heated": True, "pets": [{"species": "dog", "weight": weight}]}]

    found = explain(boarding(products=products), income=income, kennels=kennels)

    assert isinstance(found.result, int)
    lines = lines_of(found)
    running = Decimal(0)
    for line in lines:
        running += amount(line.amount)
        assert running == amount(line.total)
    assert running == found.result
    # Beside the rounding to whole units nothing is added.
    assert all(abs(amount(line.amount)) <= Decimal("0.5") for line in lines if line.label.startswith("Rounded"))
