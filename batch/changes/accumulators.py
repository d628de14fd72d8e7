"""Collect what a changeset touched: each part's first snapshot, compared with how it stands at the save. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
S = TypeVar("S")


class SimpleAccumulator(Generic[T]):
    """Keeps what was added, once, in order: for parts that are only ever added."""

    def __init__(self) -> None:
        self._items: dict[T, None] = {}

    def add(self, item: T) -> None:
        """Keep ``item``; adding it again changes nothing."""
        self._items[item] = None

    def finalize(self) -> list[T]:
        """Return what was added, in order."""
        return list(self._items)


class SnapshotAccumulator(Generic[S]):
    """Keeps the first snapshot of each touched part; None stands for a part that was not there."""

    def __init__(self) -> None:
        self._before: dict[str, S | None] = {}

    def __contains__(self, path: object) -> bool:
        return path in self._before

    def add(self, path: str, snapshot: Callable[[], S | None]) -> None:
        """Remember how the part at ``path`` stands, unless it was touched before; call this before changing it."""
        if path not in self._before:
            self._before[path] = snapshot()

    def finalize(self, now: Callable[[str], S | None]) -> Iterator[tuple[str, S | None, S | None]]:
        """Yield ``(path, before, after)`` of every part that stands otherwise than at first, in the order of the first
        touch.
        """
        for path, before in self._before.items():
            after = now(path)
            if before != after:
                yield path, before, after
