"""Prepares the types of stored and sent JSON before threads use them.

msgspec learns the fields of a struct when it decodes one for the first time. In 0.22.0 a second thread that decodes one
at that moment crashes the process, which happened to web processes that were started under load.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec


def prepare_types() -> int:
    """Let msgspec learn all structs that are defined so far; return their number. Call it while one thread runs."""
    known = 0
    for struct in set(_descendants(msgspec.Struct)):
        try:
            msgspec.json.Decoder(struct)
        except (AttributeError, NameError, TypeError):
            # It cannot be decoded: a field is of another kind, or its type is imported for type checkers only.
            continue
        known += 1
    return known


def _descendants(struct: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for child in struct.__subclasses__():
        yield child
        yield from _descendants(child)
