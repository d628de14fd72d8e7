"""JSON as this API reads it: RFC 8259 without the holes that lenient parsers leave. Pure.

What another reader of the same bytes could take otherwise (duplicate keys, NaN, numbers beyond double precision, lone
surrogates), and what a database refuses (NUL), never gets past here.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, Final, NoReturn, TypeAlias

JsonValue: TypeAlias = dict[str, Any] | list[Any] | str | int | float | bool | None

MAX_DEPTH: Final = 32
#: Whole numbers beyond this lose digits in every reader that has doubles only.
MAX_INTEGER: Final = 2**53
MAX_NUMBER_TEXT: Final = 64


class JsonFault(Exception):
    """The bytes are no acceptable JSON: ``code`` names the reason, ``pointer`` (RFC 6901) the place if it is known."""

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
        raise JsonFault("invalid_utf8", f"The body is not UTF-8: byte {error.start} does not belong there.") from error
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


def join_pointer(pointer: str, *tokens: str | int) -> str:
    """Append ``tokens`` to a JSON pointer, escaped: ``join_pointer("/a", "b/c") == "/a/b~1c"``."""
    return pointer + "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        double = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise JsonFault("duplicate_key", f"The key {_quote(double)} stands twice in one object; send it once.")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise JsonFault("not_finite", f"{name} is not JSON; leave the value out or send null.")


def _float(text: str) -> float:
    if len(text) > MAX_NUMBER_TEXT:
        raise _too_large(text)
    value = float(text)
    if not math.isfinite(value):
        raise _too_large(text)
    return value


def _integer(text: str) -> int:
    # The length first: turning a million digits into a number takes quadratic time.
    if len(text) > MAX_NUMBER_TEXT or abs(int(text)) > MAX_INTEGER:
        raise _too_large(text)
    return int(text)


def _check(value: JsonValue) -> None:
    """Refuse too much depth and text that is no Unicode or holds NUL.

    Walks with a stack of its own: depth must not cost recursion.
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
        raise JsonFault("nul_character", "Text holds the character NUL, which cannot be stored.", pointer=pointer)
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise JsonFault("lone_surrogate", "Text holds half of a surrogate pair.", pointer=pointer) from error


def _too_deep() -> JsonFault:
    return JsonFault("too_deep", f"The body nests deeper than {MAX_DEPTH} levels.")


def _too_large(text: str) -> JsonFault:
    shown = text if len(text) <= 20 else text[:20] + "..."
    return JsonFault("number_too_large", f"The number {shown} is too large.")


def _quote(key: str) -> str:
    shown = key if len(key) <= 40 else key[:40] + "..."
    return json.dumps(shown)
