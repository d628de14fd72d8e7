"""The wording of a consent: every term is in it, and each of them changes its hash."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from presentation.consent_wording import ChangedTerm, ConsentTerms, consent_wording, wording_hash

TERMS = ConsentTerms(
    insured="Happy Tails",
    carrier="Pawprint Mutual",
    product="Animals in care",
    reference="PA-1",
    premium=1640,
    currency="USD",
    effective_on=date(2026, 7, 1),
    payment_plan="Monthly",
    changes=(ChangedTerm(label="Limit", asked="1M", offered="500k"),),
    disclosures=("Surplus lines insurers are not covered by the guaranty fund.",),
)


def test_the_wording_has_a_paragraph_for_each_part() -> None:
    assert consent_wording(TERMS).split("\n\n") == [
        "Happy Tails asks Pawprint Mutual to bind Animals in care insurance as offered in quote PA-1.",
        "The cover begins on July 1, 2026. The premium is $1,640 a year. Payment plan: Monthly.",
        "The carrier offers other terms than requested: Limit: 500k instead of 1M.",
        "Surplus lines insurers are not covered by the guaranty fund.",
        "The answers in this application are true and complete. The carrier relies on them. No cover is in force "
        "before the carrier confirms it with a policy number.",
    ]


def test_what_is_not_there_leaves_no_gap() -> None:
    bare = replace(TERMS, effective_on=None, payment_plan="", changes=(), disclosures=())

    assert consent_wording(bare).split("\n\n")[1] == "The premium is $1,640 a year."
    assert len(consent_wording(bare).split("\n\n")) == 3


def test_the_hash_is_that_of_the_text_as_shown() -> None:
    wording = consent_wording(TERMS)

    assert wording_hash(wording) == hashlib.sha256(wording.encode()).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"insured": "Other Tails"},
        {"carrier": "Wolfhound"},
        {"product": "Premises"},
        {"reference": "PA-2"},
        {"premium": 1641},
        {"currency": "GBP"},
        {"effective_on": date(2026, 7, 2)},
        {"payment_plan": "Quarterly"},
        {"changes": ()},
        {"disclosures": ()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_term_is_in_the_hash(change: dict[str, Any]) -> None:
    assert wording_hash(consent_wording(replace(TERMS, **change))) != wording_hash(consent_wording(TERMS))
