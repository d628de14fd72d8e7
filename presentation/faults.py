"""A single fault of what was submitted, as problems and rejected items show it. Pure."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

#: A response lists this many faults.
MOST_FAULTS: Final = 100


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A single error: ``pointer`` (RFC 6901) into the body, ``path`` of the answer, row, header or query parameter.

    Where only certain values are valid, ``allowed`` lists them and ``did_you_mean`` is the most similar one; both are
    left out otherwise, and where the list is long.
    """

    pointer: str = ""
    path: str = ""
    code: str
    detail: str
    did_you_mean: str | UnsetType = UNSET
    allowed: list[str] | UnsetType = UNSET


def join_pointer(pointer: str, *tokens: str | int) -> str:
    """Append ``tokens`` to a JSON pointer, escaped: ``join_pointer("/a", "b/c") == "/a/b~1c"``."""
    return pointer + "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)
