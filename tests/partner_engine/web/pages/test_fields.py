"""One question on the page, for every question type: the page accepts exactly what cleaning accepts."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.template.loader import render_to_string

from copies.document import Answer, Document, Proposal
from partner_engine.web.pages.fields import Field, build_field
from partner_engine.web.pages.reading import CopyFacts, Reader, Reading
from rules.definition.catalogue import CatalogueDefinition, Question, QuestionSet
from rules.definition.compiler import compile_catalogue
from rules.flow.evaluation import Evaluation
from rules.types.registry import QUESTION_TYPES
from rules.types.text_input import InvalidValue

#: A code as long as a code can be, and longer labels than fit on buttons.
CHOICES = {"c" * 100: "A choice with a rather long label", "d": "Another choice with a long label"}
CATALOGUE = compile_catalogue(
    CatalogueDefinition(
        code="every_type",
        title="Every type",
        choices={"list": CHOICES},
        question_sets=(
            QuestionSet(
                code="all",
                title="All",
                questions=tuple(
                    Question(
                        code=f"q_{code}", label=code, type=code, choices="list" if question_type.has_choices else ""
                    )
                    for code, question_type in QUESTION_TYPES.items()
                ),
            ),
        ),
    )
)
#: A short answer of each type whose cleaning does not take any text; the rest of the limit is filled with spaces.
SHORT = {
    "integer": "1", "number": "1", "decimal": "1", "money": "1", "percent": "1", "year": "2015", "date": "2026-06-01",
    "zip": "78701", "phone": "6142220101", "fein": "12-3456789", "ssn": "123-45-6789", "vin": "1DMTRK451PX000002",
    "naics": "722511", "url": "https://example.com/", "tax_id": "123-45-6789", "email": "robin@example.com",
}  # fmt: skip
#: Types that take no text of their own: the page offers buttons or a list.
WITHOUT_TEXT = {"boolean", "choice", "multi_choice"}


def field(code: str) -> Field:
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    reading = Reading(
        facts=CopyFacts("c", "f", "", 3, now, date(2026, 6, 1)),
        reader=Reader(ZoneInfo("UTC"), now, sees_pii=True),
        catalogue=CATALOGUE,
        document=Document(answers={f"q_{code}": Answer()}),
        evaluation=Evaluation(release=1, as_of=date(2026, 6, 1)),
    )
    return build_field(reading, CATALOGUE.questions[f"q_{code}"].question, "", Answer())


def filled(code: str, length: int) -> str:
    """Return an answer of ``length`` characters: an address gets a long path, other short answers get spaces."""
    return SHORT.get(code, "").ljust(length, "x" if code in ("url", "text", "long_text") else " ")


@pytest.mark.parametrize("code", sorted(set(QUESTION_TYPES) - WITHOUT_TEXT))
def test_the_page_limits_text_as_cleaning_does(code: str) -> None:
    question_type, limit = QUESTION_TYPES[code], field(code).max_length
    html = render_to_string("web/parts/field.html", {"field": field(code)})

    assert re.findall(r'maxlength="(\d+)"', html) == [str(limit)]
    assert question_type.clean(filled(code, limit)) is not None
    with pytest.raises(InvalidValue) as refusal:
        question_type.clean(filled(code, limit + 1))
    assert (refusal.value.code, refusal.value.text) == ("too_long", f"Enter at most {limit:,} characters.")


@pytest.mark.parametrize("code", ["choice", "multi_choice"])
def test_the_longest_code_of_a_choice_is_accepted_and_one_more_character_refused(code: str) -> None:
    question_type, limit = QUESTION_TYPES[code], field(code).max_length
    longest, too_long = "c" * limit, "c" * (limit + 1)
    is_list = code == "multi_choice"

    cleaned = question_type.clean([longest] if is_list else longest, choices=CHOICES)
    with pytest.raises(InvalidValue) as refusal:
        question_type.clean([too_long] if is_list else too_long, choices=CHOICES)

    assert cleaned == ([longest] if is_list else longest)
    assert (refusal.value.code, refusal.value.text) == ("too_long", f"Enter at most {limit} characters.")


@pytest.mark.parametrize("code", sorted(QUESTION_TYPES))
def test_every_type_has_its_widget(code: str) -> None:
    question_type, drawn = QUESTION_TYPES[code], field(code)

    assert (drawn.widget, drawn.input_mode) == (question_type.widget, question_type.input_mode)
    assert [option.code for option in drawn.options] == list(
        question_type.labels or (CHOICES if question_type.has_choices else ())
    )


@pytest.mark.parametrize(
    ("code", "entered", "raw"),
    [
        ("boolean", "true", True),
        ("boolean", "false", False),
        ("boolean", "", None),
        ("boolean", "maybe", "maybe"),
        ("naics", "722511 Full-service restaurants", "722511"),
        ("naics", "restaurants", "restaurants"),
        ("multi_choice", ["d"], ["d"]),
        ("money", "$1,250", "$1,250"),
    ],
)
def test_input_becomes_a_raw_value(code: str, entered: object, raw: object) -> None:
    assert QUESTION_TYPES[code].read_input(entered) == raw


@pytest.mark.parametrize(("tag", "shown"), [("", "Robin"), ("pii", "")])
def test_a_proposed_value_is_shown_to_those_who_may_see_it(tag: str, shown: str) -> None:
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    answer = Answer(proposed=Proposal("Robin", now, tag))
    reading = Reading(
        facts=CopyFacts("c", "f", "", 3, now, date(2026, 6, 1)),
        reader=Reader(ZoneInfo("UTC"), now, sees_pii=False),
        catalogue=CATALOGUE,
        document=Document(answers={"q_text": answer}),
        evaluation=Evaluation(release=1, as_of=date(2026, 6, 1)),
    )
    made = build_field(reading, CATALOGUE.questions["q_text"].question, "", answer)

    content = render_to_string("web/parts/notes.html", {"field": made})
    assert made.proposed == shown
    assert made.text == ""
    assert ('data-code="proposed"' in content) is bool(shown)
    assert ("Robin" in content) is bool(shown)
