"""The autofill tokens of guests' fields: by the keys and types of questions, for guests alone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from copies.document import Document
from partner_engine.web.pages.autofill import autofill_token
from partner_engine.web.pages.reading import CopyFacts, Reader, Reading
from rules.definition.catalogue import CatalogueDefinition, Question, QuestionSet
from rules.definition.compiler import compile_catalogue
from rules.flow.evaluation import Evaluation

QUESTIONS = (
    Question(code="q_insured", label="Insured", type="text"),
    Question(code="q_first", label="First name", type="text"),
    Question(code="q_last", label="Last name", type="text"),
    Question(code="q_owner", label="Owner", type="text", same_as=("q_first", "q_last")),
    Question(code="q_mail", label="Email", type="email"),
    Question(code="q_phone", label="Phone", type="phone"),
    Question(code="q_zip", label="ZIP of the depot", type="zip"),
    Question(code="q_street", label="Street", type="text", address="street"),
    Question(code="q_city", label="City", type="text", address="city"),
    Question(code="q_other", label="Website", type="url"),
    Question(code="q_note", label="Note", type="text"),
)
CATALOGUE = compile_catalogue(
    CatalogueDefinition(
        code="names",
        title="Names",
        title_question="q_insured",
        question_sets=(QuestionSet(code="all", title="All", questions=QUESTIONS),),
    )
)
TOKENS = {
    "q_insured": "organization",
    "q_first": "given-name",
    "q_last": "family-name",
    "q_owner": "name",
    "q_mail": "email",
    "q_phone": "tel",
    "q_zip": "postal-code",
    "q_street": "street-address",
    "q_city": "address-level2",
    "q_other": "off",
    "q_note": "off",
}


def reading(*, guest_id: str) -> Reading:
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    return Reading(
        facts=CopyFacts("c", "f", "", 3, now, date(2026, 6, 1)),
        reader=Reader(ZoneInfo("UTC"), now, guest_id=guest_id),
        catalogue=CATALOGUE,
        document=Document(),
        evaluation=Evaluation(release=1, as_of=date(2026, 6, 1)),
    )


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.code)
def test_a_guests_browser_offers_their_own_data(question: Question) -> None:
    assert autofill_token(reading(guest_id="g"), question, "", masked=False) == TOKENS[question.code]
    assert autofill_token(reading(guest_id="g"), question, "", masked=True) == "off"
    assert autofill_token(reading(guest_id=""), question, "", masked=False) == "off"


def test_each_row_is_a_section_of_its_own() -> None:
    token = autofill_token(reading(guest_id="g"), QUESTIONS[7], "locations/abc", masked=False)

    section, _, name = token.partition(" ")
    assert (section.startswith("section-"), name) == (True, "street-address")
    assert " " not in section
