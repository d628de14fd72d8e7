"""The type ``date``: a day, stored as ISO 8601 text, and the validators of days. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

from rules.language import kinds
from rules.language.operators import full_years
from rules.language.values import Value
from rules.types.checks import CheckContext, CheckTest, date_bound, require_count, whole_argument
from rules.types.date_input import read_date
from rules.types.formats import day, short_day
from rules.types.question_type import QuestionType
from rules.types.text_input import LINE_LENGTH, typed_cleaner


def _text(bound: date) -> str:
    return short_day(bound.isoformat())


def _not_before(args: list[str]) -> CheckTest:
    bound = date_bound(args, "not_before:as_of")
    return lambda value, context: f"Must not be before {_text(bound(context))}." if value < bound(context) else None


def _not_after(args: list[str]) -> CheckTest:
    bound = date_bound(args, "not_after:as_of")
    return lambda value, context: f"Must not be after {_text(bound(context))}." if value > bound(context) else None


def _within_days(args: list[str]) -> CheckTest:
    require_count(args, 1, "within_days:120")
    days = whole_argument(args[0], "within_days:120")

    def test(value: Value, context: CheckContext) -> str | None:
        if abs((value - context.as_of).days) <= days:
            return None
        first, last = (context.as_of + timedelta(days=number) for number in (-days, days))
        return f"Must be between {_text(first)} and {_text(last)}."

    return test


def _years_back(args: list[str]) -> CheckTest:
    require_count(args, 1, "years_back:5")
    years = whole_argument(args[0], "years_back:5")

    def test(value: Value, context: CheckContext) -> str | None:
        return f"Must be within the last {years} years." if value < years_before(context.as_of, years) else None

    return test


def years_before(day_: date, years: int) -> date:
    """Return the same day ``years`` years earlier; February 28 stands for February 29 where that does not exist."""
    try:
        return day_.replace(year=max(day_.year - years, 1))
    except ValueError:
        return day_.replace(year=max(day_.year - years, 1), day=28)


def _age_between(args: list[str]) -> CheckTest:
    require_count(args, 2, "age_between:18:110")
    least, most = (whole_argument(arg, "age_between:18:110") for arg in args)

    def test(value: Value, context: CheckContext) -> str | None:
        age = full_years(value, context.as_of)
        return None if least <= age <= most else f"The age must be between {least} and {most}."

    return test


DATE: Final = QuestionType(
    code="date",
    kind=kinds.DATE,
    cleaner=typed_cleaner(read_date),
    max_length=LINE_LENGTH,
    validators=MappingProxyType(
        {
            "not_before": _not_before,
            "not_after": _not_after,
            "within_days": _within_days,
            "years_back": _years_back,
            "age_between": _age_between,
        }
    ),
    widget="date",
    format_hint="MM/DD/YYYY",
    input_text=short_day,
    display=lambda value, currency: day(value),
)
