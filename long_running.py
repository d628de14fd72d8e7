"""What programs that run long do once they are loaded: web processes, workers, the relay.

**Garbage is collected less often.** Python looks for unreachable cycles after every 700 new objects. A request makes
tens of thousands, hardly any of them in cycles, and each look also walks through what the program has loaded. At a
rarer pace a request takes a tenth less processor time (docs/benchmarks.md).

**Types of JSON are prepared before threads use them.** msgspec learns the fields of a struct when it decodes one for
the first time. In 0.22.0 a second thread that decodes one at that moment crashes the process, which happened to web
processes that were started under load.

**Memory is held in huge pages** by web processes. A request reads a little here and there in all of their memory, and
the processor knows the addresses of few pages at once: with pages of 2 MB instead of 4 kB a save takes 8 % less
processor time (docs/benchmarks.md).
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

#: New objects between two looks at the young ones.
NEW_OBJECTS: Final = 20_000
#: Bytes of a huge page; and Linux's advice to hold memory in such pages, and to do so at once (madvise(2), since 6.1).
HUGE: Final = 2 * 1024 * 1024
_HUGE_PAGES: Final = 14
_AT_ONCE: Final = 25
#: The memory of this process, and whether its system uses huge pages.
MAPS: Final = Path("/proc/self/maps")
PERMISSION: Final = Path("/sys/kernel/mm/transparent_hugepage/enabled")


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


def hold_in_huge_pages() -> int:
    """Let the system hold the memory of what is loaded by now in huge pages; return the bytes that it may. 0 where this
    is not Linux, or where the system's administrator does not want it.
    """
    try:
        if "[never]" in PERMISSION.read_text(encoding="ascii"):
            return 0
        lines = MAPS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int)
    held = 0
    for begin, end in filter(None, map(_private_memory, lines)):
        # Best effort: a kernel before 6.1 does it by and by, and one that refuses leaves the pages as they are.
        if madvise(begin, end - begin, _HUGE_PAGES) == 0:
            madvise(begin, end - begin, _AT_ONCE)
            held += end - begin
    return held


def _private_memory(line: str) -> tuple[int, int] | None:
    """Return begin and end of the memory of a line of ``/proc/self/maps``, None for files, stacks and small ones."""
    addresses, permissions, _, _, inode, *name = line.split()
    begin, end = (int(address, 16) for address in addresses.split("-"))
    is_ours = permissions == "rw-p" and inode == "0" and name in ([], ["[heap]"])
    return (begin, end) if is_ours and end - begin >= HUGE else None
