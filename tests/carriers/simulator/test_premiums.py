"""The premiums of the simulated carriers: exactly those of the demo's samples, from what the product would send."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from carriers.simulator.declarations import Factor, Product, Table, Term, read_declarations
from carriers.simulator.rating import premium_of, rate
from catalogue.demo import CATALOGUE_FILE, Sample, read_samples
from catalogue.files import read_catalogue
from rules.definition.compiler import CompiledCatalogue, compile_catalogue
from rules.payload import quote_payload
from rules.types.cleaning import clean
from tests.harness.boarding_catalogue import document, settle
from tests.harness.carrier_simulator import DECLARED, CarrierSimulator
from tests.harness.simulated_calls import Caller

CARRIERS = read_declarations(Path(DECLARED))
#: The carrier's result by our outcome.
RESULTS = {"eligible": "quoted", "refer": "referred", "decline": "declined"}


@pytest.fixture(scope="module")
def catalogue() -> CompiledCatalogue:
    return compile_catalogue(read_catalogue(CATALOGUE_FILE))


def flat(catalogue: CompiledCatalogue, answers: dict[str, Any], pools: dict[str, Any]) -> dict[str, Any]:
    cleaned = {code: clean(catalogue, catalogue.questions[code].question, value) for code, value in answers.items()}
    return cleaned | {
        pool: [flat(catalogue, row.get("answers", {}), row.get("answer_pools", {})) for row in rows]
        for pool, rows in pools.items()
    }


def risks_of(catalogue: CompiledCatalogue, sample: Sample) -> dict[str, dict[str, Any]]:
    """Return what each decided product of ``sample`` would be sent, as JSON carries it."""
    made = document(flat(catalogue, sample.answers, sample.answer_pools))
    evaluation = settle(catalogue, made, as_of=sample.as_of)
    decided = [code for code, wanted in sample.expect.items() if wanted.outcome in RESULTS]
    return {
        code: msgspec.json.decode(
            msgspec.json.encode(quote_payload(catalogue, made, code, evaluation=evaluation).fields)
        )
        for code in decided
    }


@pytest.mark.parametrize("sample", read_samples(), ids=lambda sample: sample.id)
def test_a_sample_has_the_expected_premiums(catalogue: CompiledCatalogue, sample: Sample) -> None:
    results = {}
    for code, risk in risks_of(catalogue, sample).items():
        product = CARRIERS[code.partition("-")[0]].product(code)
        assert product is not None
        rated = rate(product, risk)
        results[code] = (rated.outcome, rated.premium if rated.outcome != "declined" else None)

    assert results == {
        code: (RESULTS[wanted.outcome], wanted.premium)
        for code, wanted in sample.expect.items()
        if wanted.outcome in RESULTS
    }
    assert results


@pytest.mark.parametrize(
    "name", ["S1", "S3", *(pytest.param(name, marks=pytest.mark.slow) for name in ("S4", "S5", "S7", "S10"))]
)
def test_the_premiums_are_the_same_over_http(
    catalogue: CompiledCatalogue, carrier_simulator: CarrierSimulator, samples: dict[str, Sample], name: str
) -> None:
    sample, quotes = samples[name], {}
    for code, risk in risks_of(catalogue, sample).items():
        carrier = code.partition("-")[0]
        carrier_simulator.behave(carrier, mode="sync", faults=[], p50_seconds=1, p95_seconds=2)
        quotes[code] = Caller(carrier_simulator, carrier).submit(f"{name}-{code}", code, risk).json()

    assert {code: quote["premium"] and quote["premium"]["amount"] for code, quote in quotes.items()} == {
        code: wanted.premium for code, wanted in sample.expect.items() if wanted.outcome in RESULTS
    }


def test_every_field_of_a_rate_sheet_is_mapped(catalogue: CompiledCatalogue) -> None:
    declared = {product.code: product for product in catalogue.definition.products}

    missing = {
        product.code: product.fields.keys() - mapping.quote.keys()
        for carrier in CARRIERS.values()
        for product in carrier.products
        if (mapping := declared[product.code].payload)
    }

    assert missing == {code: set() for code in declared}


def test_a_rate_sheet_reads_no_other_field_than_it_declares() -> None:
    for carrier in CARRIERS.values():
        for product in carrier.products:
            conditions = [*product.factors, *product.appetite, *product.adjustments]
            read = {field for part in conditions for field in part.when}
            read |= {term.of for term in product.terms} | {table.rows for table in product.tables}
            read |= {table.times for table in product.tables if table.times}

            assert read - product.fields.keys() == set(), product.code


def sheet(**parts: Any) -> Product:
    return Product.model_validate({"code": "X", "fields": {}, **parts})


PER_HUNDRED = Table(rows="r", by="c", rates={"1": 2}, amount="p", per=100, times="x")
BY_HALF = Factor(id="f", when={"b": True}, times="1.5")


@pytest.mark.parametrize(
    ("product", "risk", "premium"),
    [
        # As floats, 1.005 * 100 is 100.49999999999999.
        (sheet(terms=[Term(rate="1.005", of="a")]), {"a": 100}, 101),
        (sheet(terms=[Term(rate="1.005", of="a")]), {"a": "100"}, 101),
        (sheet(terms=[Term(rate=1, per=1000, of="a")]), {"a": 499}, 0),
        (sheet(terms=[Term(rate=1, per=1000, of="a")]), {"a": 500}, 1),
        (sheet(terms=[Term(rate=1, of="a")], minimum=50), {}, 50),
        (sheet(terms=[Term(rate=1, of="a")], factors=[BY_HALF]), {"a": 3, "b": True}, 5),
        (sheet(terms=[Term(rate=1, of="a")], factors=[BY_HALF]), {"a": 3}, 3),
        (sheet(tables=[Table(rows="r", by="c", rates={"1": 2})]), {"r": [{"c": "1"}, {"c": 1}, {"c": "2"}]}, 4),
        (sheet(tables=[PER_HUNDRED]), {"r": [{"c": "1", "p": 250}], "x": 2}, 10),
        (sheet(tables=[PER_HUNDRED]), {"r": [{"c": "1", "p": 250}]}, 5),
    ],
)
def test_premiums_are_exact(product: Product, risk: dict, premium: int) -> None:
    assert premium_of(product, risk) == premium


def test_half_a_dollar_is_rounded_up_whatever_the_amount() -> None:
    product = sheet(terms=[Term(rate="0.01", of="a")])

    assert [premium_of(product, {"a": cents}) for cents in (49, 50, 149, 150, 249, 250)] == [0, 1, 1, 2, 2, 3]
