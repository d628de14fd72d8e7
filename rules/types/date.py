"""The type ``date``: a day, stored as ISO 8601 text, and the validators of days. Pure."""

from __future__ import annotations

import re
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

from rules.language import kinds
from rules.language.operators import full_years
from rules.language.values import Value
from rules.types.checks import CheckContext, CheckTest, date_bound, require_count, whole_argument
from rules.types.formats import day, short_day
from rules.types.question_type import QuestionType
from rules.types.text_input import LINE_LENGTH, InvalidValue, text_cleaner

_ISO_DATE: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_US_DATE: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)


def _iso_text(text: str) -> str:
    iso, us = _ISO_DATE.fullmatch(text), _US_DATE.fullmatch(text)
    try:
        if iso:
            return date(int(iso[1]), int(iso[2]), int(iso[3])).isoformat()
        if us:
            return date(int(us[3]), int(us[1]), int(us[2])).isoformat()
    except ValueError as error:
        raise InvalidValue("not_a_date", "This date does not exist.") from error
    raise InvalidValue("not_a_date", "Enter a date such as 2026-01-31.")


def _not_before(args: list[str]) -> CheckTest:
    bound = date_bound(args, "not_before:as_of")
    return lambda value, context: f"Must not be before {bound(context)}." if value < bound(context) else None


def _not_after(args: list[str]) -> CheckTest:
    bound = date_bound(args, "not_after:as_of")
    return lambda value, context: f"Must not be after {bound(context)}." if value > bound(context) else None


def _within_days(args: list[str]) -> CheckTest:
    require_count(args, 1, "within_days:120")
    days = whole_argument(args[0], "within_days:120")

    def test(value: Value, context: CheckContext) -> str | None:
        is_beyond = abs((value - context.as_of).days) > days
        return f"Must be within {days} days of {context.as_of}." if is_beyond else None

    return test


def _years_back(args: list[str]) -> CheckTest:
    require_count(args, 1, "years_back:5")
    years = whole_argument(args[0], "years_back:5")

    def test(value: Value, context: CheckContext) -> str | None:
        # Five years back includes the day five years ago.
        is_beyond = full_years(value, context.as_of - timedelta(days=1)) >= years
        return f"Must be within the last {years} years." if is_beyond else None

    return test


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
    cleaner=text_cleaner(_iso_text),
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
    format_hint="mm/dd/yyyy",
    input_text=short_day,
    display=lambda value, currency: day(value),
)
