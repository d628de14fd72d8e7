"""Every sample and copy of the demo catalogue has exactly its expected outcomes, computed by pure code."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from carriers.simulator.declarations import read_declarations
from carriers.simulator.rating import rate
from catalogue.demo import CATALOGUE_FILE, Sample, read_samples
from catalogue.files import read_catalogue
from presentation.visibility import NOBODY, Visibility
from rules.definition.compiler import CompiledCatalogue, compile_catalogue
from rules.explain import trace
from rules.payload import quote_payload
from rules.types.cleaning import clean
from tests.harness.boarding_catalogue import document, settle


@pytest.fixture(scope="module")
def catalogue() -> CompiledCatalogue:
    return compile_catalogue(read_catalogue(CATALOGUE_FILE))


@cache
def declared_products() -> dict[str, Any]:
    """Return the products of the carrier simulator by code."""
    carriers = read_declarations(CATALOGUE_FILE.parent / "carriers").values()
    return {product.code: product for carrier in carriers for product in carrier.products}


def flat(catalogue: CompiledCatalogue, answers: dict[str, Any], pools: dict[str, Any]) -> dict[str, Any]:
    cleaned = {code: clean(catalogue, catalogue.questions[code].question, value) for code, value in answers.items()}
    return cleaned | {
        pool: [flat(catalogue, row.get("answers", {}), row.get("answer_pools", {})) for row in rows]
        for pool, rows in pools.items()
    }


@pytest.mark.parametrize("sample", read_samples(), ids=lambda sample: sample.id)
def test_a_sample_is_decided_as_expected(catalogue: CompiledCatalogue, sample: Sample) -> None:
    made = document(flat(catalogue, sample.answers, sample.answer_pools))

    evaluation = settle(catalogue, made, as_of=sample.as_of)

    decided = {
        code: (outcome.outcome, outcome.premium, outcome.missing or tuple(reason.rule for reason in outcome.reasons))
        for code, outcome in evaluation.eligibility.items()
    }
    assert decided == {code: (wanted.outcome, wanted.premium, wanted.details) for code, wanted in sample.expect.items()}
    assert [message for message in evaluation.messages if message.kind == "error"] == []


@pytest.mark.parametrize("sample", read_samples(), ids=lambda sample: sample.id)
def test_what_a_carrier_is_sent_leads_it_to_the_same_price(catalogue: CompiledCatalogue, sample: Sample) -> None:
    made = document(flat(catalogue, sample.answers, sample.answer_pools))
    evaluation = settle(catalogue, made, as_of=sample.as_of)
    products = declared_products()

    sent = {code: quote_payload(catalogue, made, code, evaluation=evaluation) for code in evaluation.eligibility}

    priced = [code for code, outcome in evaluation.eligibility.items() if outcome.premium is not None]
    assert {code: rate(products[code], sent[code].fields).premium for code in priced} == {
        code: evaluation.eligibility[code].premium for code in priced
    }
    for code in sent:
        assert set(products[code].fields) <= {field.name for field in catalogue.products[code].payload.quote.fields}


def test_everything_that_can_be_explained_is(catalogue: CompiledCatalogue) -> None:
    sample = read_samples()[0]
    made = document(flat(catalogue, sample.answers, sample.answer_pools))
    targets = [f"product:{code}" for code in catalogue.products] + [f"premium:{code}" for code in catalogue.products]
    targets += [code for code, question in catalogue.questions.items() if not question.pool] + list(catalogue.derived)
    targets += [f"set:{code}" for code in catalogue.sets] + [rule.rule.id for rule in catalogue.form_rules]

    for target in targets:
        why = trace.explain(
            catalogue,
            made,
            target,
            as_of=sample.as_of,
            reveal=lambda path, answer: answer.value,
            visibility=Visibility(catalogue, NOBODY),
        )
        assert why.text.endswith((".", "?"))
