"""Brings a given answer into the one form in which it is stored, or refuses it. Pure.

What people type in many ways is cleaned (phones, money, ZIP+4, tax IDs, dates), not refused. Refusals never repeat
the value: it may be sensitive.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from copies.document import AnswerValue
from rules.definition.catalogue import Question, QuestionType
from rules.definition.model import CompiledCatalogue

LONGEST_TEXT: Final = 1_000
LONGEST_LONG_TEXT: Final = 20_000
LARGEST_NUMBER: Final = 10**12
_LONGEST_CODE: Final = 100
_CENT: Final = Decimal("0.01")
_NUMBER: Final = re.compile(r"([+-]?)\s*\$?\s*((?:\d{1,3}(?:,\d{3})+|\d{1,20})?(?:\.\d{1,20})?)\s*%?", re.ASCII)
_ISO_DATE: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_US_DATE: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_SEPARATORS: Final = re.compile(r"[\s().\-\u2010-\u2015\u00a0]+")


class InvalidValue(ValueError):
    """A value that cannot be an answer to its question; ``text`` says what would be right."""

    def __init__(self, code: str, text: str) -> None:
        """Keep the stable ``code`` and the sentence."""
        self.code = code
        self.text = text
        super().__init__(text)


def clean(catalogue: CompiledCatalogue, question: Question, raw: object) -> AnswerValue:
    """Return ``raw`` (as JSON gave it) as the answer to ``question``; None, blank text and an empty list clear the
    answer (None).

    Raises ``InvalidValue``, and nothing else, whatever is given.
    """
    if raw is None or raw == "" or raw == []:
        return None
    if question.type == "choice":
        return _choice(catalogue, question, _code(raw))
    if question.type == "multi_choice":
        return _choices(catalogue, question, raw)
    if question.type == "boolean":
        if not isinstance(raw, bool):
            raise InvalidValue("wrong_type", "Give true or false.")
        return raw
    if question.type in _NUMBERS:
        return _number(question.type, raw)
    text = _text(raw, LONGEST_LONG_TEXT if question.type == "long_text" else LONGEST_TEXT)
    if not text:
        return None
    return _FORMS.get(question.type, _line)(text)


def _text(raw: object, longest: int) -> str:
    if not isinstance(raw, str):
        raise InvalidValue("wrong_type", "Give a text.")
    if len(raw) > longest:
        raise InvalidValue("too_long", f"Give at most {longest} characters.")
    text = raw.replace("\r\n", "\n").replace("\r", "\n").strip()
    # Asked of the whole text first: hardly any holds what cannot be printed.
    if not text.isprintable() and any(_is_control(sign) for sign in text):
        raise InvalidValue("bad_character", "The text holds a control character.")
    return unicodedata.normalize("NFC", text)


def _is_control(sign: str) -> bool:
    return unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\n\t"


def _code(raw: object) -> str:
    return _text(raw, _LONGEST_CODE)


def _choice(catalogue: CompiledCatalogue, question: Question, code: str) -> AnswerValue:
    if code and code not in catalogue.choices(question):
        raise InvalidValue("unknown_choice", "This is not one of the choices.")
    return code or None


def _choices(catalogue: CompiledCatalogue, question: Question, raw: object) -> AnswerValue:
    if not isinstance(raw, list):
        raise InvalidValue("wrong_type", "Give a list of choices.")
    choices = catalogue.choices(question)
    if len(raw) > 10 * len(choices) + 10:
        raise InvalidValue("too_long", "The list is too long.")
    given = {_choice(catalogue, question, _code(item)) for item in raw}
    if None in given:
        raise InvalidValue("unknown_choice", "This is not one of the choices.")
    # In the order of the catalogue, so that the same choice is always the same answer.
    return [code for code in choices if code in given]


def _number(kind: QuestionType, raw: object) -> AnswerValue:
    number = _decimal(raw)
    if abs(number) > LARGEST_NUMBER:
        raise InvalidValue("out_of_range", "The number is too large.")
    if kind == "money":
        number = number.quantize(_CENT, ROUND_HALF_UP)
    if number == number.to_integral_value():
        whole = int(number)
        if kind == "year" and not 1000 <= whole <= 9999:
            raise InvalidValue("out_of_range", "Give a year with four digits.")
        return whole
    if kind in ("integer", "year"):
        raise InvalidValue("not_whole", "Give a whole number.")
    return float(number)


def _decimal(raw: object) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise InvalidValue("wrong_type", "Give a number.")
    if isinstance(raw, int):
        if abs(raw) > LARGEST_NUMBER:
            raise InvalidValue("out_of_range", "The number is too large.")
        return Decimal(raw)
    if isinstance(raw, float):
        if not math.isfinite(raw):
            raise InvalidValue("out_of_range", "Give a finite number.")
        return Decimal(repr(raw))
    found = _NUMBER.fullmatch(_text(raw, _LONGEST_CODE))
    if not found or not found[2]:
        raise InvalidValue("not_a_number", "Give a number.")
    return Decimal(found[1] + found[2].replace(",", ""))


def _line(text: str) -> str:
    return " ".join(text.split())


def _long_text(text: str) -> str:
    return text


def _date(text: str) -> str:
    iso, us = _ISO_DATE.fullmatch(text), _US_DATE.fullmatch(text)
    try:
        if iso:
            return date(int(iso[1]), int(iso[2]), int(iso[3])).isoformat()
        if us:
            return date(int(us[3]), int(us[1]), int(us[2])).isoformat()
    except ValueError as error:
        raise InvalidValue("not_a_date", "There is no such day.") from error
    raise InvalidValue("not_a_date", "Give a date like 2026-01-31.")


def _shaped(code: str, pattern: str, form: Callable[[str], str], text: str) -> Callable[[str], str]:
    """Return what drops separators, takes what then has the shape ``pattern`` and brings it into its ``form``."""
    shape = re.compile(pattern, re.ASCII)

    def shaped(given: str) -> str:
        bare = _SEPARATORS.sub("", given).upper()
        if not shape.fullmatch(bare):
            raise InvalidValue(code, text)
        return form(bare)

    return shaped


def _email(text: str) -> str:
    return text


def _url(text: str) -> str:
    return text if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text) else f"https://{text}"


_NUMBERS: Final[frozenset[QuestionType]] = frozenset({"integer", "number", "decimal", "money", "percent", "year"})
_FORMS: Final[dict[QuestionType, Callable[[str], str]]] = {
    "long_text": _long_text,
    "date": _date,
    "email": _email,
    "url": _url,
    "zip": _shaped("zip5", r"\d{5}(\d{4})?", lambda bare: bare[:5], "Give a ZIP of five digits."),
    "phone": _shaped("us_phone", r"(\+?1)?\d{10}", lambda bare: bare[-10:], "Give a US phone number of ten digits."),
    "fein": _shaped("fein", r"\d{9}", lambda bare: f"{bare[:2]}-{bare[2:]}", "Give a federal tax ID of nine digits."),
    "ssn": _shaped(
        "ssn",
        r"\d{9}",
        lambda bare: f"{bare[:3]}-{bare[3:5]}-{bare[5:]}",
        "Give a Social Security number of nine digits.",
    ),
    "vin": _shaped("vin", r"[A-Z0-9]{5,17}", lambda bare: bare, "Give a VIN of up to 17 letters and digits."),
    "naics": _shaped("naics", r"\d{2,6}", lambda bare: bare, "Give a NAICS code of two to six digits."),
}
