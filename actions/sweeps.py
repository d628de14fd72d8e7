"""The registry of sweeps: work that looks for due rows in one database, again and again.

An app declares its sweep with ``@sweep`` in its ``handlers.py``, or with ``@service`` where the work waits by itself;
the poller runs all of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

#: Does the due work of the database that the alias names, for a bounded time.
Work: TypeAlias = Callable[[str], object]
#: Does the work of the database that the alias names until the event is set; with the event set, what is due now.
Service: TypeAlias = Callable[[str, threading.Event], object]


class SweepRegisteredTwice(Exception):
    """A sweep of this name exists already."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The sweep {name!r} is registered already.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """One kind of due work, and how many threads per database do it by turns.

    ``connections`` are those to one database that the work opens besides those of these threads.
    """

    name: str
    work: Service
    threads: int = 1
    connections: int = 0


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
        SWEEPS.register(Sweep(name=name, work=lambda alias, over: work(alias), threads=threads))
        return work

    return register


def service(name: str, *, connections: int) -> Callable[[Service], Service]:
    """Register the decorated function, which runs until the poller ends, as the sweep ``name``; it opens so many
    ``connections`` in threads of its own. Raises ``SweepRegisteredTwice``.
    """

    def register(work: Service) -> Service:
        SWEEPS.register(Sweep(name=name, work=work, connections=connections))
        return work

    return register
