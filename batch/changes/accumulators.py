"""Collects the touched parts of a changeset: the first snapshot of each, compared with its state at the save. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
S = TypeVar("S")


class SimpleAccumulator(Generic[T]):
    """Stores added items, once and in order: for parts that are only ever added."""

    def __init__(self) -> None:
        self._items: dict[T, None] = {}

    def add(self, item: T) -> None:
        """Add ``item``; adding it again changes nothing."""
        self._items[item] = None

    def finalize(self) -> list[T]:
        """Return the added items, in order."""
        return list(self._items)


class SnapshotAccumulator(Generic[S]):
    """Stores the first snapshot of each touched part; None for a part that did not exist."""

    def __init__(self) -> None:
        self._before: dict[str, S | None] = {}
        self._always: set[str] = set()

    def __contains__(self, path: object) -> bool:
        return path in self._before

    def add(self, path: str, snapshot: Callable[[], S | None]) -> None:
        """Store the snapshot of the part at ``path``, unless it was touched before; called before the change."""
        if path not in self._before:
            self._before[path] = snapshot()

    def count_always(self, path: str) -> None:
        """Count the touched part at ``path`` as changed even if it is the same in the end."""
        self._always.add(path)

    def finalize(self, now: Callable[[str], S | None]) -> Iterator[tuple[str, S | None, S | None]]:
        """Yield ``(path, before, after)`` of every part that differs from its first snapshot or always counts, in the
        order of the first touch.
        """
        for path, before in self._before.items():
            after = now(path)
            if before != after or path in self._always:
                yield path, before, after
