"""Real values as people type them, a table per question type in ``typed/``: stored, stored with a warning, or refused.

A line is ``raw -> stored``, ``raw -> stored ?? code: warning`` or ``raw !! code: text``; values are Python literals,
and ``'x' * 1001`` repeats a text.
"""

from __future__ import annotations

import ast
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.definition.catalogue import Question
from rules.types.checks import CheckContext, Doubt
from rules.types.question_type import QuestionType
from rules.types.registry import QUESTION_TYPES, type_of
from rules.types.text_input import InvalidValue
from rules.types.validators import parse_validators
from tests.harness.tiers import amount

TABLES = Path(__file__).parent / "typed"
CHOICES = {
    "TX": "Texas",
    "NY": "New York",
    "llc": "Limited liability company",
    "corp": "Corporation",
    "n1": "1-10",
    "cafe": "Café",
}
CONTEXT = CheckContext(date(2026, 6, 1), allow_test_identities=False)
TYPED = sorted(QUESTION_TYPES.keys() - {"text", "long_text"})
#: One of each kind of sign that nobody sees, as phones, office programs and web pages add them.
INVISIBLE = "\u200b\u200e\u200f\u202a\u202c\u202d\u2066\u2069\u2060\ufeff\u00ad\u061c\ufe0f\u180b\u034f\U000e0041\u200d"


class Line(NamedTuple):
    """One value of a table; ``stored`` is "" where it is refused, ``code`` is that of the refusal or the warning."""

    type: str
    validator: str
    raw: Any
    outcome: str
    stored: Any = None
    code: str = ""
    text: str = ""


def literal(text: str) -> Any:
    repeated = re.fullmatch(r"('.') \* (\d+)", text)
    return ast.literal_eval(repeated[1]) * int(repeated[2]) if repeated else ast.literal_eval(text)


def read_table(code: str) -> list[Line]:
    lines, validator = [], ""
    for line in (TABLES / f"{code}.txt").read_text(encoding="ascii").splitlines():
        if line.startswith("# validate: "):
            validator = line.removeprefix("# validate: ")
        elif " !! " in line:
            raw, _, (name, _, text) = (*line.partition(" !! ")[:2], line.partition(" !! ")[2].partition(": "))
            lines.append(Line(code, validator, literal(raw), "refused", code=name, text=text))
        else:
            raw, _, rest = line.partition(" -> ")
            stored, _, doubt = rest.partition(" ?? ")
            name, _, text = doubt.partition(": ")
            lines.append(
                Line(code, validator, literal(raw), "doubtful" if doubt else "stored", literal(stored), name, text)
            )
    return lines


LINES = [line for code in QUESTION_TYPES for line in read_table(code)]


def verdicts(question_type: QuestionType, validator: str, stored: Any) -> list[tuple[str, str]]:
    """Return the code and the text of each verdict on a stored value."""
    question = Question(code="q", label="Q", type=question_type.code, validate=(validator,) if validator else ())
    checks, _, wrong = parse_validators(question, "")
    assert wrong == []
    if stored in (None, []):
        return []
    value = question_type.reader(stored)
    return [(check.name, text) for check in checks if (text := check.test(value, CONTEXT)) is not None]


@pytest.mark.parametrize("code", QUESTION_TYPES)
def test_a_typed_value_is_stored_doubted_or_refused(code: str, subtests: pytest.Subtests) -> None:
    for line in read_table(code):
        with subtests.test(ascii(line.raw)[:40]):
            assert_as_in_its_line(line)


def assert_as_in_its_line(line: Line) -> None:
    question_type = type_of(line.type)
    try:
        stored = question_type.clean(line.raw, choices=CHOICES)
    except InvalidValue as refusal:
        assert (line.outcome, line.code, line.text) == ("refused", refusal.code, refusal.text)
        return

    found = verdicts(question_type, line.validator, stored)
    if line.outcome == "refused":
        assert found == [(line.code, line.text)]
        assert not isinstance(found[0][1], Doubt)
        return
    assert (stored, type(stored)) == (line.stored, type(line.stored))
    assert found == ([(line.code, line.text)] if line.outcome == "doubtful" else [])
    assert all(isinstance(text, Doubt) for _, text in found)


@pytest.mark.parametrize("code", QUESTION_TYPES)
def test_each_table_has_thirty_values_of_both_kinds(code: str) -> None:
    outcomes = [line.outcome for line in read_table(code)]

    assert len(outcomes) >= 30
    assert min(outcomes.count("refused"), len(outcomes) - outcomes.count("refused")) >= 8


def shown_texts(line: Line) -> list[Any]:
    """Return what a reader sees of a stored value, as it would be typed in again."""
    question_type = type_of(line.type)
    if line.type == "boolean":
        return [question_type.labels[str(line.stored).lower()]]
    if line.type == "choice":
        return [CHOICES[line.stored]]
    if line.type == "multi_choice":
        return [[CHOICES[code] for code in line.stored]]
    shown = [question_type.input_text(line.stored), question_type.display(line.stored, "USD")]
    return [question_type.read_input(text) for text in shown]


@pytest.mark.parametrize("code", QUESTION_TYPES)
def test_a_shown_value_can_be_typed_in_again(code: str) -> None:
    question_type = type_of(code)
    kept = [line for line in read_table(code) if line.outcome != "refused" and line.stored is not None]

    assert len(kept) >= 5
    for line in kept:
        assert question_type.clean(line.stored, choices=CHOICES) == line.stored
        for shown in shown_texts(line):
            assert question_type.clean(shown, choices=CHOICES) == line.stored


AMOUNTS = st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=2)


@settings(max_examples=amount(100, full=300), deadline=None)
@given(amount=AMOUNTS, currency=st.sampled_from(["USD", "GBP", "EUR", "CAD", "CHF", "XYZ"]))
def test_any_amount_is_read_as_it_is_shown(amount: Decimal, currency: str) -> None:
    money = type_of("money")
    stored = money.clean(float(amount), currency=currency)

    assert money.clean(money.display(stored, currency), currency=currency) == stored
    assert money.clean(money.input_text(stored), currency=currency) == stored


@settings(max_examples=amount(100, full=300), deadline=None)
@given(day=st.dates(date(1800, 1, 1), date(2200, 12, 31)))
def test_any_day_is_read_as_it_is_shown_and_as_agents_write_it(day: date) -> None:
    dates = type_of("date")
    written = [
        dates.display(day.isoformat(), ""),
        f"{day.month}/{day.day}/{day.year}",
        f"{day:%m-%d-%Y}",
        f"{day:%Y%m%d}",
    ]

    assert {dates.clean(text) for text in written} == {day.isoformat()}


@settings(max_examples=amount(80, full=200), deadline=None)
@given(line=st.integers(0, 9999), extension=st.one_of(st.none(), st.integers(1, 99_999)))
def test_any_phone_is_read_as_it_is_shown(line: int, extension: int | None) -> None:
    phone = type_of("phone")
    stored = f"+1614222{line:04}" + (f" x{extension}" if extension else "")

    assert phone.clean(stored) == stored
    assert phone.clean(phone.display(stored, "")) == stored
    assert phone.display(stored, "").startswith("(614) 222-")


@settings(max_examples=amount(200, full=800), deadline=None)
@given(
    line=st.sampled_from([line for line in LINES if line.type in TYPED and isinstance(line.raw, str)]),
    places=st.lists(st.tuples(st.integers(0, 60), st.sampled_from(INVISIBLE)), min_size=1, max_size=4),
)
def test_invisible_signs_never_change_what_a_typed_field_makes_of_a_text(
    line: Line, places: list[tuple[int, str]]
) -> None:  # fmt: skip
    pasted = line.raw
    for place, sign in places:
        pasted = pasted[:place] + sign + pasted[place:]

    assert outcome(line.type, pasted) == outcome(line.type, line.raw)


@settings(max_examples=amount(100, full=300), deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20), sign=st.sampled_from(INVISIBLE))
def test_invisible_signs_at_the_ends_never_make_another_text(text: str, sign: str) -> None:
    if sign == "\u202d" or sign in "\ufe0f\u180b":
        return  # refused in texts; chooses the picture of a symbol

    assert outcome("text", f"{sign}{text}{sign}") == outcome("text", text)


@settings(max_examples=amount(100, full=300), deadline=None)
@given(text=st.text(st.sampled_from([*INVISIBLE, " ", "\u3164", "\u2800", "\u0301", "\ue000"]), max_size=12))
def test_a_text_without_a_visible_sign_is_no_answer(text: str) -> None:
    for code in ("text", "long_text"):
        assert outcome(code, text) in (("stored", None), ("refused", "bad_character"))


def outcome(code: str, raw: str) -> tuple[str, Any]:
    try:
        return "stored", type_of(code).clean(raw, choices=CHOICES)
    except InvalidValue as refusal:
        return "refused", refusal.code
