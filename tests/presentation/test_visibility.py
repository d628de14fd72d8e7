"""The policy as a table: confidentiality then and now, reader, shown value."""

from __future__ import annotations

import unicodedata
from typing import Final

import pytest

from copies.document import Answer, AnsweredBy
from presentation.visibility import NOBODY, PERSONAL, PUBLIC, SECRET, UNKNOWN, Reader, Visibility
from rules.definition.catalogue import CatalogueDefinition, Question, QuestionSet, Sensitivity
from rules.definition.compiler import compile_catalogue
from rules.definition.model import CompiledCatalogue
from tests.harness.kennel_catalogue import KENNELS

WITH_RIGHT: Final = Reader(sees_personal=True)
WITHOUT: Final = Reader()
GUEST: Final = Reader(guest_id="g1")
READERS: Final = (WITH_RIGHT, WITHOUT, GUEST, NOBODY)

PLAIN, MASK, DOTS = "okapi-0042", "•••• 0042", "••••"


def catalogue_of(sensitivity: Sensitivity | None, *, kind: str = "text") -> CompiledCatalogue:
    """Return a catalogue whose question ``note`` has this sensitivity; None leaves it out."""
    name = Question(code="name", label="Name", type="text", required="quote")
    note = Question(code="note", label="Note", type=kind, sensitivity=sensitivity or "")  # type: ignore[arg-type]
    questions = (name,) if sensitivity is None else (name, note)
    sets = (QuestionSet(code="about", title="About", questions=questions),)
    return compile_catalogue(CatalogueDefinition(code="c", title="C", title_question="name", question_sets=sets))


#: Sensitivity when the value was recorded (None: the question of today alone counts), sensitivity today (None: the
#: question was removed), the recorded value, and the shown value: with the right to personal answers, without, for a
#: guest, for many readers.
TABLE: Final[list[tuple[Sensitivity | None, Sensitivity | None, str, tuple[str, str, str, str]]]] = [
    # Unchanged
    (None, "", PLAIN, (PLAIN, PLAIN, PLAIN, PLAIN)),
    (None, "pii", PLAIN, (PLAIN, DOTS, DOTS, DOTS)),
    (None, "spi", MASK, (MASK, MASK, MASK, DOTS)),
    # The question was removed
    (None, None, PLAIN, (DOTS, DOTS, DOTS, DOTS)),
    ("", None, PLAIN, (DOTS, DOTS, DOTS, DOTS)),
    ("pii", None, PLAIN, (DOTS, DOTS, DOTS, DOTS)),
    ("spi", None, MASK, (MASK, MASK, MASK, DOTS)),
    # It became stricter after the value was recorded
    ("", "pii", PLAIN, (PLAIN, DOTS, DOTS, DOTS)),
    ("", "spi", PLAIN, (DOTS, DOTS, DOTS, DOTS)),
    ("pii", "spi", PLAIN, (DOTS, DOTS, DOTS, DOTS)),
    # It became less strict: recorded values keep their confidentiality
    ("pii", "", PLAIN, (PLAIN, DOTS, DOTS, DOTS)),
    ("spi", "", MASK, (MASK, MASK, MASK, DOTS)),
    ("spi", "pii", MASK, (MASK, MASK, MASK, DOTS)),
    # Text that begins like a mask is not a mask
    (None, "spi", f"{MASK} and more", (DOTS, DOTS, DOTS, DOTS)),
]


@pytest.mark.parametrize(("then", "now", "recorded", "expected"), TABLE)
def test_recorded_values(
    then: Sensitivity | None, now: Sensitivity | None, recorded: str, expected: tuple[str, ...]
) -> None:
    past = [] if then is None else [{"note": then}]
    policies = [Visibility(catalogue_of(now), reader, past=past) for reader in READERS]

    assert tuple(policy.shown("note", recorded) for policy in policies) == expected
    assert tuple(policy.shown("dogs/1/note", recorded) for policy in policies) == expected
    assert tuple(policy.text("note", recorded) for policy in policies) == expected
    assert tuple(policy.text("note", None) for policy in policies) == ("–", "–", "–", "–")
    may_leave = expected[-1] == recorded
    assert [policy.may_leave("note", None, recorded) for policy in policies] == [may_leave] * 4


#: Sensitivity today and the answer, with the confidentiality and the shown value for each of READERS.
ANSWERS: Final = [
    ("", Answer(value=PLAIN), PUBLIC, (PLAIN, PLAIN, PLAIN, PLAIN)),
    ("pii", Answer(value=PLAIN), PERSONAL, (PLAIN, DOTS, DOTS, DOTS)),
    ("pii", Answer(value=PLAIN, answered_by=AnsweredBy("guest", "g1")), PERSONAL, (PLAIN, DOTS, PLAIN, DOTS)),
    ("pii", Answer(value=PLAIN, answered_by=AnsweredBy("guest", "g2")), PERSONAL, (PLAIN, DOTS, DOTS, DOTS)),
    ("pii", Answer(value=PLAIN, answered_by=AnsweredBy("user", "g1")), PERSONAL, (PLAIN, DOTS, DOTS, DOTS)),
    ("spi", Answer(sealed=b"x", mask=MASK), SECRET, (MASK, MASK, MASK, DOTS)),
    (
        "spi",
        Answer(sealed=b"x", mask=MASK, answered_by=AnsweredBy("guest", "g1")),
        SECRET,
        (MASK, MASK, MASK, DOTS),
    ),
    # Not sealed yet, because the question became secret after it was answered
    ("spi", Answer(value=PLAIN), SECRET, (DOTS, DOTS, DOTS, DOTS)),
    # Still sealed, although the question is no longer secret
    ("", Answer(sealed=b"x", mask=MASK), SECRET, (MASK, MASK, MASK, DOTS)),
    ("pii", Answer(sealed=b"x", mask=MASK), SECRET, (MASK, MASK, MASK, DOTS)),
    # Given while the question was personal
    ("", Answer(value=PLAIN, tag="pii"), PERSONAL, (PLAIN, DOTS, DOTS, DOTS)),
    (
        "",
        Answer(value=PLAIN, tag="pii", answered_by=AnsweredBy("guest", "g1")),
        PERSONAL,
        (PLAIN, DOTS, PLAIN, DOTS),
    ),
    # A plain value that looks like a mask is none
    ("spi", Answer(value=MASK), SECRET, (DOTS, DOTS, DOTS, DOTS)),
    # The question was removed
    (None, Answer(value=PLAIN), UNKNOWN, (DOTS, DOTS, DOTS, DOTS)),
    (None, Answer(value=PLAIN, answered_by=AnsweredBy("guest", "g1")), UNKNOWN, (DOTS, DOTS, DOTS, DOTS)),
    (None, Answer(sealed=b"x", mask=MASK), UNKNOWN, (MASK, MASK, MASK, DOTS)),
]


@pytest.mark.parametrize(("now", "answer", "level", "expected"), ANSWERS)
def test_answers(now: Sensitivity | None, answer: Answer, level: int, expected: tuple[str, ...]) -> None:
    policies = [Visibility(catalogue_of(now), reader) for reader in READERS]

    assert {policy.of("note", answer) for policy in policies} == {level}
    assert tuple(policy.answer("note", answer) for policy in policies) == expected
    assert tuple(policy.answer_text("note", answer) for policy in policies) == expected
    assert [policy.hides("note", answer) for policy in policies] == [shown != PLAIN for shown in expected]


@pytest.mark.parametrize("kind", ["date", "money", "percent", "boolean", "integer"])
def test_masks_are_equal_for_all_types(kind: str) -> None:
    policy = Visibility(catalogue_of("spi", kind=kind), WITH_RIGHT)

    assert policy.text("note", "2026-01-01") == DOTS
    assert policy.text("note", True) == DOTS
    assert policy.text("note", MASK) == MASK


@pytest.mark.parametrize(
    "path", ["houses/1", "question_sets/start", "copy/title", "copy.messages/1", "houses/1/fences/2", "houses"]
)
def test_other_paths_are_public(path: str) -> None:
    assert Visibility(compile_catalogue(KENNELS), NOBODY).of(path) is PUBLIC


def test_shown_personal_values_are_counted() -> None:
    policy = Visibility(catalogue_of("pii"), WITH_RIGHT)
    for value in (PLAIN, None, "", PLAIN):
        policy.shown("note", value)

    assert policy.personal_shown == 2
    other = policy.at([{"note": ""}])
    assert (other.reader, other.personal_shown) == (WITH_RIGHT, 0)


def test_a_mask_in_another_normal_form_is_the_same_mask() -> None:
    mask = "•••• café"
    policy = Visibility(catalogue_of("spi"), WITH_RIGHT)

    for submitted in (unicodedata.normalize("NFD", mask), f" {mask} ", mask):
        assert policy.is_unchanged("note", Answer(sealed=b"x", mask=mask), submitted)
    assert not policy.is_unchanged("note", Answer(sealed=b"x", mask=mask), "•••• cafe")
    assert not policy.is_unchanged("note", None, mask)
