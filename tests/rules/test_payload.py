"""What a carrier is sent about a document: values, what is left out, what logs keep, and the hash."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from copies.document import Answer, Document, PoolRow
from copies.mask import HIDDEN
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import compile_catalogue
from rules.definition.model import CompiledCatalogue
from rules.payload import Asked, Payload, Source, bind_payload, payload_hash, quote_payload, source_of
from tests.harness.boarding_catalogue import ANSWERS, BOARDING, document, settle

PAYLOAD: dict[str, Any] = {
    "quote": {
        "insured": "kennel_name",
        "owner": "owner",
        "states": "[home_state]",
        "income": "income",
        "third": "income / 3",
        "opened": "opened",
        "is_exotic": "exotic",
        "vet_fee": "vet_fee",
        "heads": "heads",
        "houses": {
            "pool": "kennels",
            "fields": {
                "street": "street",
                "per_head": "income / heads",
                "pets": {"pool": "pets", "fields": {"kind": "species", "weight": "weight"}},
            },
        },
    },
    "bind": {"ssn": "ssn", "owner": "owner", "sealed_text": "note"},
    "asked": ["income", "heads", "vet_fee"],
}
MORE: list[dict[str, Any]] = [
    {"code": "owner", "label": "Owner", "type": "text", "sensitivity": "pii"},
    {"code": "ssn", "label": "SSN", "type": "ssn", "sensitivity": "spi"},
    {"code": "note", "label": "Note", "type": "text", "sensitivity": "spi"},
]


def catalogue() -> CompiledCatalogue:
    source = copy.deepcopy(BOARDING)
    source["allow_test_identities"] = True
    source["question_sets"][0]["questions"] += MORE
    source["products"][0]["payload"] = PAYLOAD
    return compile_catalogue(msgspec.convert(source, CatalogueDefinition))


CATALOGUE = catalogue()


def sent(**changes: Any) -> Payload:
    made = document({**ANSWERS, "owner": "Jo", **changes})
    return of(made)


def of(made: Document) -> Payload:
    return quote_payload(CATALOGUE, made, "PAW-CARE", evaluation=settle(CATALOGUE, made))


def test_values_are_sent_as_carriers_read_them() -> None:
    assert sent(income=40000.5).fields == {
        "insured": "Happy Tails",
        "owner": "Jo",
        "states": ["TX"],
        "income": 40000.5,
        "third": 13333.5,
        "opened": "2020-06-02",
        "is_exotic": False,
        "heads": 2,
        "houses": [
            {
                "street": "1 Bark Lane",
                "per_head": 20000.25,
                "pets": [{"kind": "dog", "weight": 20}, {"kind": "cat", "weight": 5}],
            }
        ],
    }


def test_equal_numbers_are_sent_alike() -> None:
    whole = payload_hash(sent(income=40000), "t")

    assert payload_hash(sent(income=40000.0), "t") == whole
    assert payload_hash(sent(income=40000.01), "t") != whole


@pytest.mark.parametrize(
    ("changes", "gone"),
    [
        ({"income": None}, {"income", "third"}),
        ({"income": -1}, {"income", "third"}),  # the release refuses it
        ({"home_state": None}, {"states"}),
        ({"kennels": []}, {"houses", "heads"}),  # fewer rows than needed
        ({"wanted": ["fire"]}, {"houses"}),  # hidden rows
        ({"opened": "soon"}, {"opened"}),
    ],
)
def test_what_is_hidden_unanswered_or_refused_is_left_out(changes: dict[str, Any], gone: set[str]) -> None:
    before, after = sent(exotic=False).fields, sent(**changes).fields

    assert before.keys() - after.keys() == gone


def test_a_hidden_answer_is_kept_but_not_sent() -> None:
    assert sent(exotic=True, vet=True, vet_fee=90).fields["vet_fee"] == 90
    assert "vet_fee" not in sent(exotic=False, vet=True, vet_fee=90).fields


def test_logs_keep_no_personal_value() -> None:
    payload = sent()

    assert payload.logged == {**payload.fields, "owner": HIDDEN}


def test_logs_mask_what_was_personal_when_it_was_answered() -> None:
    made = document({**ANSWERS, "kennels": [{"street": "1 Bark Lane", "is_heated": False}]})
    made.answers["kennel_name"].tag = "pii"
    made.answer_pools["kennels"][0].answers["street"].tag = "pii"

    logged = of(made).logged

    assert (logged["insured"], logged["houses"][0]["street"]) == (HIDDEN, HIDDEN)
    assert logged["income"] == 40000


def test_what_was_sealed_when_it_was_answered_is_not_sent_with_a_quote() -> None:
    made = document({**ANSWERS, "owner": "Jo"})
    made.answers["owner"] = Answer(sealed=b"x", mask=HIDDEN, tag="spi")

    payload = of(made)

    assert "owner" not in payload.fields


def test_what_was_asked_is_shown_with_labels() -> None:
    assert sent().asked == (Asked("income", "Income", 40000), Asked("heads", "heads", 2))


def test_binding_reveals_secret_answers_and_logs_none() -> None:
    made = document({**ANSWERS, "owner": "Jo"})
    for code in ("ssn", "note"):
        made.answers[code] = Answer(sealed=code.encode(), mask=HIDDEN, tag="spi")
    opened: list[str] = []
    plain = {"ssn": "987-65-4321", "note": "Careful"}

    def reveal(path: str, answer: Answer) -> str:
        opened.append(path)
        return plain[path]

    payload = bind_payload(CATALOGUE, made, "PAW-CARE", evaluation=settle_sealed(made), reveal=reveal)

    assert payload.fields == {"ssn": "987-65-4321", "owner": "Jo", "sealed_text": "Careful"}
    assert payload.logged == dict.fromkeys(payload.fields, HIDDEN)
    assert opened == ["ssn", "note"]


def settle_sealed(made: Document) -> Any:
    plain = copy.deepcopy(made)
    plain.answers["ssn"], plain.answers["note"] = Answer(value="987-65-4321"), Answer(value="Careful")
    return settle(CATALOGUE, plain)


def test_the_hash_depends_on_values_rows_and_token_but_not_on_the_order_of_answers() -> None:
    first, token = sent(), "a" * 32
    mixed = document(dict(reversed(list({**ANSWERS, "owner": "Jo"}.items()))))

    assert payload_hash(of(mixed), token) == payload_hash(first, token)
    assert payload_hash(first, "b" * 32) != payload_hash(first, token)
    assert payload_hash(first._replace(fields={**first.fields, "income": 40001}), token) != payload_hash(first, token)
    assert len(payload_hash(first, token)) == 64


def test_rows_are_sent_in_their_order() -> None:
    made = document({**ANSWERS, "owner": "Jo"})
    before = of(made)
    pets = made.answer_pools["kennels"][0].answer_pools["pets"]
    pets.reverse()

    assert payload_hash(of(made), "t") != payload_hash(before, "t")
    assert isinstance(pets[0], PoolRow)


def test_the_field_that_a_carrier_names_leads_to_its_question() -> None:
    assert source_of(CATALOGUE, "PAW-CARE", "income") == Source("income", "Income")
    assert source_of(CATALOGUE, "PAW-CARE", "heads") == Source("heads", "heads")
    assert [source_of(CATALOGUE, "PAW-CARE", name) for name in ("third", "houses", "unknown")] == [None] * 3
