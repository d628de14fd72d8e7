"""Reads dates as US agents write them: the month first, two-digit years, names of months, ISO 8601. Pure."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from rules.types.text_input import InvalidValue

#: Years with two digits up to this one are of this century.
LAST_SHORT_YEAR: Final = 49
FIRST_YEAR: Final = 1800
LAST_YEAR: Final = 2200
_EXAMPLE: Final = "Enter a date such as 1/31/2026."
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY: Final = r"(?P<day>[0-9]{1,2})"
_ORDINAL: Final = r"(?:st|nd|rd|th)?"
_WEEKDAY: Final = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,? )?"
#: The time of a time stamp; the day is taken as it is written.
_TIME: Final = (
    r"(?:[t ][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?: ?[ap]m)?(?: ?z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_NAMED: Final = f"(?P<name>{_MONTH})"
_FORMS: Final = tuple(
    re.compile(form + _TIME)
    for form in (
        r"(?P<year>[0-9]{4}) ?([-/.]) ?(?P<month>[0-9]{1,2}) ?\2 ?(?P<day>[0-9]{1,2})",
        r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})",
        rf"(?P<month>[0-9]{{1,2}}) ?([-/]) ?{_DAY} ?\2 ?(?P<year>'?[0-9]{{1,4}})",
        rf"(?P<month>[0-9]{{1,2}}) {_DAY} (?P<year>[0-9]{{4}})",
        rf"{_WEEKDAY}{_NAMED}[ -]?{_DAY}{_ORDINAL}(?: ?[,-] ?| )(?P<year>'?[0-9]{{1,4}})",
        rf"{_WEEKDAY}{_DAY}{_ORDINAL}[ -]?(?:of )?{_NAMED}(?: ?[,-] ?| )?(?P<year>'?[0-9]{{1,4}})",
    )
)
_WITHOUT_YEAR: Final = re.compile(
    r"[0-9]{1,2} ?[-/.] ?[0-9]{1,2} ?[-/.]?"
    rf"|{_MONTH}[ -]?[0-9]{{1,2}}{_ORDINAL},?"
    rf"|[0-9]{{1,2}}{_ORDINAL}[ -]?{_MONTH},?"
)
_WITHOUT_DAY: Final = re.compile(
    rf"[0-9]{{1,2}} ?[-/] ?[0-9]{{4}}|[0-9]{{4}} ?[-/] ?[0-9]{{1,2}}|[0-9]{{4}}|{_MONTH},? ?[0-9]{{4}}"
)


def read_date(text: str) -> str:
    """Return the date in ``text`` as ISO 8601. Raises ``InvalidValue``.

    Two-digit years up to ``LAST_SHORT_YEAR`` are of this century, later ones of the last.
    """
    entered = " ".join(text.split()).lower()
    matches = (form.fullmatch(entered) for form in _FORMS)
    match = next((match for match in matches if match), None)
    if match is None:
        raise _fault_of(entered)
    parts = match.groupdict()
    month = _MONTHS.index(parts["name"][:3]) + 1 if parts.get("name") else int(parts["month"])
    year, day = _year(parts["year"].lstrip("'")), int(parts["day"])
    try:
        return date(year, month, day).isoformat()
    except ValueError as error:
        is_swapped = match.start("year") > 0 and month > 12 and day <= 12
        text = "Write the month before the day: 1/31/2026." if is_swapped else "This date does not exist."
        raise InvalidValue("not_a_date", text) from error


def _year(digits: str) -> int:
    if len(digits) == 2:
        return int(digits) + (2000 if int(digits) <= LAST_SHORT_YEAR else 1900)
    if len(digits) != 4:
        raise InvalidValue("not_a_date", f"The year needs four digits. {_EXAMPLE}")
    if not FIRST_YEAR <= int(digits) <= LAST_YEAR:
        raise InvalidValue("out_of_range", f"Enter a year between {FIRST_YEAR} and {LAST_YEAR}.")
    return int(digits)


def _fault_of(entered: str) -> InvalidValue:
    """Return the error of a text that is no date, with its missing part if that is all."""
    if _WITHOUT_YEAR.fullmatch(entered):
        return InvalidValue("not_a_date", f"The year is missing. {_EXAMPLE}")
    if _WITHOUT_DAY.fullmatch(entered):
        return InvalidValue("not_a_date", f"The day is missing. {_EXAMPLE}")
    return InvalidValue("not_a_date", _EXAMPLE)
