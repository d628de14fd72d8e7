"""What programs that run long do once they are loaded: web processes, workers, the relay.

**Garbage is collected less often.** Python looks for unreachable cycles after every 700 new objects. A request makes
tens of thousands, hardly any of them in cycles, and each look also walks through what the program has loaded. At a
rarer pace a request takes a tenth less processor time (docs/benchmarks.md).

**Types of JSON are prepared before threads use them.** msgspec learns the fields of a struct when it decodes one for
the first time. In 0.22.0 a second thread that decodes one at that moment crashes the process, which happened to web
processes that were started under load.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Final

import msgspec

#: New objects between two looks at the young ones.
NEW_OBJECTS: Final = 20_000


def settle() -> None:
    """Prepare the types and collect garbage rarely: called once all is loaded, while one thread runs."""
    prepare_types()
    collect_rarely()


def collect_rarely() -> None:
    """Leave what exists by now out of all later collections, and let those be rarer."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)


def prepare_types() -> int:
    """Let msgspec learn all structs that are defined so far; return their number."""
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
