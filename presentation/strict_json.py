"""A strict JSON parser (RFC 8259). Pure.

It refuses whatever two parsers could read differently (duplicate keys, NaN, numbers beyond double precision, lone
surrogates), and what the database refuses (NUL).
"""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, Final, NoReturn, TypeAlias

from presentation.faults import join_pointer

JsonValue: TypeAlias = dict[str, Any] | list[Any] | str | int | float | bool | None

MAX_DEPTH: Final = 32
#: Larger integers lose digits in parsers that have doubles only.
MAX_INTEGER: Final = 2**53
MAX_NUMBER_TEXT: Final = 64


class JsonFault(Exception):
    """The bytes are not acceptable JSON: ``code`` is the reason, ``pointer`` (RFC 6901) the position if it is known."""

    def __init__(self, code: str, text: str, *, pointer: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.pointer = pointer


def parse(content: bytes) -> JsonValue:
    """Return the JSON value in ``content`` (UTF-8). Raises ``JsonFault``."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonFault("invalid_utf8", f"The body is not UTF-8: byte {error.start} is invalid.") from error
    try:
        value: JsonValue = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_float,
            parse_int=_integer,
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise JsonFault("malformed_json", f"The body is not JSON: {error.msg} at {where}.") from error
    except RecursionError as error:
        raise _too_deep() from error
    _check(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        repeated = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise JsonFault("duplicate_key", f"The key {_quote(repeated)} appears twice in one object; send it once.")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise JsonFault("not_finite", f"{name} is not JSON; omit the value or send null.")


def _float(text: str) -> float:
    if len(text) > MAX_NUMBER_TEXT:
        raise _too_large(text)
    value = float(text)
    if not math.isfinite(value):
        raise _too_large(text)
    return value


def _integer(text: str) -> int:
    # The length first: converting a million digits into a number takes quadratic time.
    if len(text) > MAX_NUMBER_TEXT or abs(int(text)) > MAX_INTEGER:
        raise _too_large(text)
    return int(text)


def _check(value: JsonValue) -> None:
    """Refuse deep nesting, lone surrogates and NUL characters.

    Uses a stack of its own instead of recursion, so that depth is harmless.
    """
    waiting: list[tuple[JsonValue, str, int]] = [(value, "", 1)]
    while waiting:
        item, pointer, depth = waiting.pop()
        if isinstance(item, str):
            _check_text(item, pointer)
        elif isinstance(item, (dict, list)):
            if depth > MAX_DEPTH:
                raise _too_deep()
            children = item.items() if isinstance(item, dict) else enumerate(item)
            for key, child in children:
                if isinstance(key, str):
                    _check_text(key, pointer)
                if isinstance(child, (str, dict, list)):
                    waiting.append((child, join_pointer(pointer, key), depth + 1))


def _check_text(text: str, pointer: str) -> None:
    if "\0" in text:
        raise JsonFault("nul_character", "A text contains the character NUL, which cannot be stored.", pointer=pointer)
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise JsonFault("lone_surrogate", "A text contains half of a surrogate pair.", pointer=pointer) from error


def _too_deep() -> JsonFault:
    return JsonFault("too_deep", f"The body is nested deeper than {MAX_DEPTH} levels.")


def _too_large(text: str) -> JsonFault:
    shown = text if len(text) <= 20 else text[:20] + "..."
    return JsonFault("number_too_large", f"The number {shown} is too large.")


def _quote(key: str) -> str:
    shown = key if len(key) <= 40 else key[:40] + "..."
    return json.dumps(shown)
