"""The same tests for every question type: stable cleaning, deterministic checks, masks by ADR 10, and limits."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from copies.mask import HIDDEN
from rules.definition.catalogue import CatalogueDefinition, Question, QuestionSet
from rules.definition.compiler import compile_catalogue
from rules.types.checks import Check, CheckContext, InvalidValidator
from rules.types.question_type import QuestionType
from rules.types.registry import QUESTION_TYPES, UnknownQuestionType, type_of
from rules.types.text_input import InvalidValue
from tests.harness.tiers import amount

CHOICES = {"dog": "Dog", "cat": "Cat", "other": "Another animal"}
#: The types whose end may be shown by ADR 10.
NUMBERS_THAT_NAME_SOMETHING = {"text", "ssn", "fein", "tax_id", "vin", "phone"}
CONTEXTS = [CheckContext(date(2026, 6, 1), allow_test_identities=allowed) for allowed in (True, False)]

CODES = st.sampled_from([*CHOICES, "fish", " dog "])
NUMERALS = st.from_regex(r"\A[+-]?\$?(\d{1,3}(,\d{3}){1,3}|\d{0,14})(\.\d{0,12})? ?%?\Z")
FIGURES = st.one_of(st.integers(-(10**13), 10**13), st.floats(-1e13, 1e13), NUMERALS)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
LIKELY: dict[str, st.SearchStrategy[Any]] = {
    "choice": CODES,
    "multi_choice": st.lists(CODES, max_size=5),
    "boolean": st.booleans(),
    "integer": FIGURES,
    "number": FIGURES,
    "decimal": FIGURES,
    "money": FIGURES,
    "percent": FIGURES,
    "year": st.integers(990, 10_010),
    "date": st.one_of(st.dates().map(str), st.from_regex(r"\A1?\d/[0-3]?\d/[12]\d{3}\Z")),
    "zip": st.from_regex(r"\A\d{5}(-?\d{4})?\Z"),
    "email": st.one_of(st.emails(), TEXTS),
    "phone": st.from_regex(r"\A(\+?1)? ?\(?(614|787|800)\)?[ .-]?\d{3}[ .-]?\d{4}( x\d{1,5})?\Z"),
    "tax_id": st.from_regex(r"\A(\d{3}[- ]?\d\d[- ]?\d{4}|\d\d-\d{7})\Z"),
    "url": st.one_of(TEXTS, st.from_regex(r"\A(https?:)?(//)?[a-z.-]{1,30}(/\S*)?\Z")),
    "fein": st.from_regex(r"\A\d\d-?\d{7}\Z"),
    "ssn": st.from_regex(r"\A\d{3}[- ]?\d\d[- ]?\d{4}\Z"),
    "vin": st.from_regex(r"\A ?[A-Za-z0-9]{5,17}\Z"),
    "naics": st.from_regex(r"\A\d{2,6}\Z"),
}
VALUES = st.sampled_from(sorted(QUESTION_TYPES)).flatmap(
    lambda code: st.tuples(st.just(code), st.one_of(LIKELY.get(code, TEXTS), TEXTS))
)


def checks_of(question_type: QuestionType) -> list[Check]:
    """Return the type's own checks and those of its validators that take no arguments."""
    checks = list(question_type.checks)
    for name, make in question_type.validators.items():
        try:
            checks.append(Check(name, make([])))
        except InvalidValidator:
            continue
    return checks


@settings(max_examples=amount(60, full=600), deadline=None)
@given(entered=VALUES)
@example(entered=("text", "\u0958" * 500))
@example(entered=("number", "1.00000000000000000001"))
@example(entered=("money", -0.0))
@example(entered=("long_text", "\ufb2c\r\na\rb"))
@example(entered=("vin", "\u00df1234"))
def test_a_cleaned_value_is_stable_and_its_checks_and_mask_keep_to_the_rules(entered: tuple[str, Any]) -> None:
    code, raw = entered
    question_type = type_of(code)
    try:
        cleaned = question_type.clean(raw, choices=CHOICES)
    except InvalidValue as refusal:
        assert refusal.code and refusal.text
        return

    again = question_type.clean(cleaned, choices=CHOICES)
    assert (again, type(again)) == (cleaned, type(cleaned))
    if cleaned is None or cleaned == []:
        return
    value = question_type.reader(cleaned)
    for check in checks_of(question_type):
        for context in CONTEXTS:
            verdict = check.test(value, context)
            assert verdict is None or verdict
            assert check.test(question_type.reader(again), context) == verdict
    shown = question_type.mask(cleaned)
    if shown != HIDDEN:
        end = shown.removeprefix(f"{HIDDEN} ")
        assert code in NUMBERS_THAT_NAME_SOMETHING
        assert isinstance(cleaned, str) and cleaned.endswith(end)
        assert len(end) <= 4 and 2 * len(end) < len(cleaned)


@pytest.mark.parametrize("code", ["ssn", "fein", "tax_id", "vin", "phone", "text"])
def test_the_mask_of_a_number_that_names_something_shows_its_end(code: str) -> None:
    assert type_of(code).mask("123456789") == f"{HIDDEN} 6789"


def test_a_text_whose_composed_form_is_too_long_is_refused() -> None:
    text = type_of("text")

    with pytest.raises(InvalidValue) as refusal:
        text.clean("\u0958" * text.max_length)

    assert refusal.value.code == "too_long"


def test_a_line_end_counts_as_one_character_as_in_the_browser() -> None:
    long_text = type_of("long_text")
    entered = "a\r\n" * (long_text.max_length // 2)

    assert len(str(long_text.clean(entered))) == long_text.max_length - 1


def test_an_unknown_type_is_refused_wherever_it_is_named() -> None:
    with pytest.raises(UnknownQuestionType, match="no question type 'colour'"):
        type_of("colour")

    definition = CatalogueDefinition(
        code="c",
        title="C",
        question_sets=(QuestionSet(code="s", title="S", questions=(Question(code="q", label="Q", type="colour"),)),),
    )
    with pytest.raises(UnknownQuestionType):
        compile_catalogue(definition)
    with pytest.raises(msgspec.ValidationError, match="colour"):
        msgspec.convert(msgspec.to_builtins(definition), CatalogueDefinition)


def test_a_type_is_registered_under_its_own_code_and_cannot_be_changed() -> None:
    assert [code for code, question_type in QUESTION_TYPES.items() if question_type.code != code] == []
    with pytest.raises(AttributeError):
        type_of("text").max_length = 5  # type: ignore[misc]
    with pytest.raises(TypeError):
        QUESTION_TYPES["text"] = type_of("vin")  # type: ignore[index]


def test_the_page_about_rules_lists_every_type_with_its_limit_and_mask() -> None:
    root = next(folder for folder in Path(__file__).parents if (folder / "manage.py").exists())
    page = (root / "docs" / "rules.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([\d,]+)(?: each)? \| (nothing|the end) \|$", page, re.MULTILINE)

    assert rows == [
        (code, f"{item.max_length:,}", "nothing" if item.mask("123456789") == HIDDEN else "the end")
        for code, item in sorted(QUESTION_TYPES.items(), key=lambda entry: page.index(f"| `{entry[0]}` |"))
    ]
    assert len(rows) == len(QUESTION_TYPES)
