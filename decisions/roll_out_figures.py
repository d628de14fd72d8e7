"""What a release changes for a tenant's book, as figures: forecast, measured, and compared. Pure.

Both are differences between the decisions of two releases: the forecast decides the new one on stored decisions of the
former, the measure decides the former one on stored decisions of the new.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from copies.codec import decode
from decisions.copy_effect import BookCopy, CopyEffect
from rules.flow.evaluation import Evaluation

#: What copies are counted under that could not be decided, or were left out by the run.
UNDECIDED: Final = "not decided"
_NOT_REQUESTED: Final = "not requested"
#: Differences that are named in the sentence about a tenant that left its forecast.
_MOST_NAMED: Final = 5
_PERCENT: Final = Decimal("0.01")


class Figures(msgspec.Struct, kw_only=True):
    """The difference that a release makes to ``copies``: how many products have another outcome (``flips``, by product
    and both outcomes), how far premiums moved, and their sum before, in whole units of the currency. ``after`` is the
    last copy that was read.
    """

    copies: int = 0
    flips: dict[str, int] = {}
    moved: int = 0
    premium: int = 0
    after: str = ""

    def add(self, copy: BookCopy, effect: CopyEffect, *, is_measured: bool) -> None:
        """Add one copy. A measured effect leads back to the former release, a forecast one to the new."""
        self.copies += 1
        self.after = str(copy.copy.id)
        if effect.error or (is_measured and not copy.is_present):
            self._count(UNDECIDED)
            return
        moved = 0
        for part in effect.products:
            before, after = (part.after, part.before) if is_measured else (part.before, part.after)
            moved += -part.moved if is_measured else part.moved
            if before != after:
                self._count(f"{part.product}: {before or _NOT_REQUESTED} to {after or _NOT_REQUESTED}")
        self.moved += moved
        stored = _premium(copy)
        self.premium += stored - moved if is_measured else stored

    @property
    def flips_text(self) -> str:
        """Return the outcomes that changed: how often, and from what to what."""
        return ", ".join(f"{count:,} {key}" for key, count in sorted(self.flips.items())) or "none"

    def _count(self, key: str) -> None:
        self.flips[key] = self.flips.get(key, 0) + 1

    def as_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


def figures_from(plain: Mapping[str, Any]) -> Figures:
    """Return stored figures."""
    return msgspec.convert(dict(plain), Figures)


class Deviation(msgspec.Struct, frozen=True, kw_only=True):
    """How far what happened is from the forecast, in percent: of the copies, and of the premium before."""

    flips_percent: Decimal
    premium_percent: Decimal
    text: str

    def is_within(self, *, flips_percent: Decimal, premium_percent: Decimal) -> bool:
        """Return whether both are at most as large as stated."""
        return self.flips_percent <= flips_percent and self.premium_percent <= premium_percent


def deviation(forecast: Figures, actual: Figures) -> Deviation:
    """Return how far ``actual`` is from ``forecast``: missing outcomes count like surplus ones. Amounts that moved
    where no premium was forecast are 100 percent.
    """
    keys = forecast.flips.keys() | actual.flips.keys()
    off = {key: actual.flips.get(key, 0) - forecast.flips.get(key, 0) for key in keys}
    flips = sum(abs(count) for count in off.values())
    moved = abs(actual.moved - forecast.moved)
    return Deviation(
        flips_percent=_percent(flips, max(forecast.copies, actual.copies)),
        premium_percent=_percent(moved, max(forecast.premium, actual.premium)),
        text=_sentence(forecast, actual, off),
    )


def _sentence(forecast: Figures, actual: Figures, off: Mapping[str, int]) -> str:
    largest = sorted((key for key in off if off[key]), key=lambda key: (-abs(off[key]), key))[:_MOST_NAMED]
    parts = [f"{key}: {actual.flips.get(key, 0):,} instead of {forecast.flips.get(key, 0):,} copies" for key in largest]
    if actual.moved != forecast.moved:
        parts.append(f"premium moved by {actual.moved:,} instead of {forecast.moved:,}")
    return "; ".join(parts) or "as forecast"


def _percent(part: int, whole: int) -> Decimal:
    if not part:
        return Decimal(0)
    return (Decimal(100 * part) / whole).quantize(_PERCENT) if whole > 0 else Decimal(100)


def _premium(copy: BookCopy) -> int:
    if not copy.copy.evaluation:
        return 0
    outcomes = decode(copy.copy.evaluation, Evaluation).eligibility.values()
    return sum(outcome.premium or 0 for outcome in outcomes)
