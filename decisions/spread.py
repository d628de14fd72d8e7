"""The spread of many whole numbers in flat memory. Pure."""

from __future__ import annotations

import msgspec

#: Different values that are counted one by one; beyond, close ones are counted together.
MOST_VALUES = 20_000
QUANTILES = (5, 25, 50, 75, 95)


class SpreadShape(msgspec.Struct, frozen=True, kw_only=True):
    """The spread of ``count`` values. ``percentiles`` are by their percentage (the value at or below which so many
    percent are), exact within ``width`` - 1.
    """

    count: int = 0
    least: int | None = None
    greatest: int | None = None
    percentiles: dict[str, int] = {}
    width: int = 1

    @property
    def median(self) -> int | None:
        """Return the median."""
        return self.percentiles.get("50")


class Spread:
    """Counts values by size. Least and greatest are exact always, percentiles while the values are few."""

    def __init__(self) -> None:
        """Start without values."""
        self._counts: dict[int, int] = {}
        self._width = 1
        self._least: int | None = None
        self._greatest: int | None = None
        self.count = 0

    def add(self, value: int) -> None:
        """Count ``value``."""
        self.count += 1
        self._least = value if self._least is None else min(self._least, value)
        self._greatest = value if self._greatest is None else max(self._greatest, value)
        place = value // self._width
        self._counts[place] = self._counts.get(place, 0) + 1
        while len(self._counts) > MOST_VALUES:
            self._widen()

    def shape(self) -> SpreadShape:
        """Return the spread so far."""
        return SpreadShape(
            count=self.count,
            least=self._least,
            greatest=self._greatest,
            percentiles=self._percentiles() if self.count else {},
            width=self._width,
        )

    def _widen(self) -> None:
        self._width *= 2
        counts: dict[int, int] = {}
        for place, count in self._counts.items():
            counts[place // 2] = counts.get(place // 2, 0) + count
        self._counts = counts

    def _percentiles(self) -> dict[str, int]:
        found: dict[str, int] = {}
        wanted = list(QUANTILES)
        seen = 0
        for place in sorted(self._counts):
            seen += self._counts[place]
            while wanted and seen * 100 >= wanted[0] * self.count:
                found[str(wanted.pop(0))] = place * self._width
        return found
