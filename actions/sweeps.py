"""The registry of sweeps: work that looks for due rows in one database, again and again.

An app declares its sweep with ``@sweep`` in its ``handlers.py``; the poller runs all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

#: Does the due work of the database that the alias names, for a bounded time.
Work: TypeAlias = Callable[[str], object]


class SweepRegisteredTwice(Exception):
    """A sweep of this name exists already."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The sweep {name!r} is registered already.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """One kind of due work, and how many threads per database do it by turns."""

    name: str
    work: Work
    threads: int


class SweepRegistry:
    """Sweeps by name."""

    def __init__(self) -> None:
        """Begin empty."""
        self._sweeps: dict[str, Sweep] = {}

    def register(self, sweep: Sweep) -> None:
        """Add ``sweep``. Raises ``SweepRegisteredTwice``."""
        if sweep.name in self._sweeps:
            raise SweepRegisteredTwice(sweep.name)
        self._sweeps[sweep.name] = sweep

    def __iter__(self) -> Iterator[Sweep]:
        """Yield the sweeps in the order of their registration."""
        return iter(self._sweeps.values())


#: The sweeps of this product.
SWEEPS: Final = SweepRegistry()


def sweep(name: str, *, threads: int = 1) -> Callable[[Work], Work]:
    """Register the decorated function as the sweep ``name``. Raises ``SweepRegisteredTwice``."""

    def register(work: Work) -> Work:
        SWEEPS.register(Sweep(name=name, work=work, threads=threads))
        return work

    return register
