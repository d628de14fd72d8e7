"""Payloads of products: what compiles, and each kind of fault with its place."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from catalogue.files import read_catalogue, write_catalogue
from catalogue.strict_check import check_catalogue
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.faults import CatalogueErrors
from rules.definition.model import CompiledCatalogue
from tests.harness.boarding_catalogue import BOARDING

SSN: dict[str, Any] = {"code": "ssn", "label": "SSN", "type": "ssn", "sensitivity": "spi"}
OWNER: dict[str, Any] = {"code": "owner", "label": "Owner", "type": "text", "sensitivity": "pii"}
PLACE = "products[PAW-CARE].payload"


def definition(payload: dict[str, Any], *, is_secret_pool: bool = False) -> CatalogueDefinition:
    source = copy.deepcopy(BOARDING)
    source["question_sets"][0]["questions"] += [SSN, OWNER]
    source["derived"] += [{"code": "has_ssn", "value": "answered(ssn)"}, {"code": "is_open", "value": "years_open > 1"}]
    if is_secret_pool:
        source["question_sets"][1]["when"] = "answered(ssn)"
    source["products"][0]["payload"] = payload
    return msgspec.convert(source, CatalogueDefinition)


def compiled(payload: dict[str, Any]) -> CompiledCatalogue:
    return check_catalogue(definition(payload)).compiled


def faults_of(payload: dict[str, Any], **options: Any) -> list[tuple[str, str]]:
    with pytest.raises(CatalogueErrors) as refused:
        check_catalogue(definition(payload, **options))
    return [(fault.code, fault.where.removeprefix(PLACE)) for fault in refused.value.faults]


def rows(pool: str, **fields: Any) -> dict[str, Any]:
    return {"pool": pool, "fields": fields}


@pytest.mark.parametrize(
    ("payload", "code", "where"),
    [
        ({"quote": {"x": "incom"}}, "unknown_question", ".quote[x]"),
        ({"quote": {"x": "income >"}}, "syntax_error", ".quote[x]"),
        ({"quote": {"x": "kennels"}}, "type_error", ".quote[x]"),
        ({"quote": {"x": "income > limit"}}, "type_error", ".quote[x]"),
        ({"quote": {"x": "street"}}, "unknown_question", ".quote[x]"),
        ({"quote": {"x": 'home_state == "XT"'}}, "unknown_choice", ".quote[x]"),
        ({"quote": {"x": "as_of"}}, "wrong_value", ".quote[x]"),
        ({"quote": {"x": "days(opened, as_of)"}}, "wrong_value", ".quote[x]"),
        ({"quote": {"x": "ssn"}}, "spi_in_quote", ".quote[x]"),
        ({"quote": {"x": "has_ssn"}}, "spi_in_quote", ".quote[x]"),
        ({"quote": {"x": "ssn == '1'"}}, "spi_in_quote", ".quote[x]"),
        ({"quote": {"k": rows("kennels", s="street", t="answered(ssn)")}}, "spi_in_quote", ".quote[k].fields[t]"),
        ({"quote": {"k": rows("kenels", s="street")}}, "unknown_pool", ".quote[k].pool"),
        ({"quote": {"k": rows("pets", w="weight")}}, "wrong_place", ".quote[k].pool"),
        ({"quote": {"k": rows("kennels", c=rows("kennels", s="street"))}}, "wrong_place", ".quote[k].fields[c].pool"),
        ({"quote": {"k": rows("kennels")}}, "missing_value", ".quote[k].fields"),
        ({"quote": {"k": rows("kennels", w="weight")}}, "unknown_question", ".quote[k].fields[w]"),
        ({"quote": {}}, "missing_value", ".quote"),
        ({"quote": {"x": " "}}, "missing_value", ".quote[x]"),
        ({"quote": {"gross sales": "income"}}, "bad_code", ".quote[gross sales]"),
        ({"quote": {"x": "income"}, "bind": {"y": "incom"}}, "unknown_question", ".bind[y]"),
        ({"quote": {"x": "income"}, "asked": ["incom"]}, "unknown_question", ".asked"),
        ({"quote": {"x": "income"}, "asked": ["street"]}, "wrong_place", ".asked"),
        ({"quote": {"x": "income"}, "asked": ["owner"]}, "sensitive", ".asked"),
        ({"quote": {"x": "income"}, "asked": ["income", "income"]}, "duplicate_code", ".asked"),
    ],
)
def test_a_faulty_payload_is_refused(payload: dict[str, Any], code: str, where: str) -> None:
    assert (code, where) in faults_of(payload)


def test_rows_that_a_secret_answer_shows_are_refused() -> None:
    assert faults_of({"quote": {"k": rows("kennels", s="street")}}, is_secret_pool=True) == [
        ("spi_in_quote", ".quote[k].fields[s]"),
        ("spi_in_quote", ".quote"),
    ]


def test_secret_answers_may_be_sent_when_a_quote_is_bound() -> None:
    catalogue = compiled({"quote": {"x": "income"}, "bind": {"ssn": "ssn", "tail": "ssn.endsWith('1')"}})

    fields = {field.name: field for field in catalogue.products["PAW-CARE"].payload.bind.leaves()}
    assert [fields[name].tag for name in ("ssn", "tail")] == ["spi", "spi"]


def test_fields_know_how_confidential_they_are() -> None:
    catalogue = compiled({"quote": {"a": "owner", "b": "income", "c": "lower(owner)", "d": "is_open"}})

    tags = {field.name: field.tag for field in catalogue.products["PAW-CARE"].payload.quote.leaves()}
    assert tags == {"a": "pii", "b": "", "c": "pii", "d": ""}


def test_a_payload_reads_the_inputs_of_its_values_and_what_shows_its_rows() -> None:
    catalogue = compiled({"quote": {"a": "rated_income", "p": rows("kennels", p=rows("pets", w="weight"))}})

    assert catalogue.products["PAW-CARE"].payload.quote.reads == {
        "rated_income", "limit", "income", "kennels", "wanted", "pets", "is_heated", "weight",
    }  # fmt: skip


def test_a_product_without_a_payload_sends_what_its_rules_and_rating_read_and_nothing_secret() -> None:
    source = copy.deepcopy(BOARDING)
    source["question_sets"][0]["questions"] += [SSN]
    source["products"][0]["rules"] += [{"id": "P9", "when": "answered(ssn)", "then": "refer", "why": "Known"}]
    catalogue = check_catalogue(msgspec.convert(source, CatalogueDefinition)).compiled

    payload = catalogue.products["FIN-CARE"].payload

    assert not payload.is_declared
    assert [field.name for field in payload.quote.fields] == ["kennel_name", "home_state", "industry", "fin_survey"]
    assert payload.bind.fields == ()
    sent = {field.name for field in catalogue.products["PAW-CARE"].payload.quote.leaves()}
    assert "ssn" not in sent
    assert {"income", "limit", "paw_survey", "kennel_name"} <= sent


def test_the_file_of_a_payload_is_read_as_it_was_written() -> None:
    given = definition(
        {
            "quote": {"yes": 'limit == "high"', "k": rows("kennels", s="street", p=rows("pets", w="weight"))},
            "bind": {"n": "owner"},
            "asked": ["income", "heads"],
        }
    )  # fmt: skip

    assert read_catalogue(write_catalogue(given)) == given


def test_a_faulty_field_is_found_in_the_file() -> None:
    text = write_catalogue(definition({"quote": {"k": rows("kennels", s="street")}})).replace("s: street", "s: streat")
    line = next(number for number, row in enumerate(text.splitlines(), 1) if "s: streat" in row)

    with pytest.raises(CatalogueErrors) as refused:
        read_catalogue(text)

    assert [(fault.code, fault.line) for fault in refused.value.faults] == [("unknown_question", line)]
    assert "Did you mean 'street'?" in refused.value.faults[0].remedy
