"""What a release changes for a tenant's book, as figures: forecast, measured, and compared copy by copy. Pure.

Both are differences between the decisions of two releases: the forecast decides the new one on stored decisions of the
former, the measure decides the former one on stored decisions of the new.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

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


class CopyChange(msgspec.Struct, frozen=True, array_like=True):
    """The difference that a release makes to one copy, which was at ``version``: its products with another outcome
    (``flips``, by product and both outcomes), how far its premiums move, and their sum before, in whole units of the
    currency.
    """

    version: int
    flips: tuple[str, ...] = ()
    moved: int = 0
    premium: int = 0


def change_of(copy: BookCopy, effect: CopyEffect, *, is_measured: bool) -> CopyChange:
    """Return the change of one copy. A measured effect leads back to the former release, a forecast one to the new."""
    if effect.error or (is_measured and not copy.is_present):
        return CopyChange(copy.version, (UNDECIDED,))
    moved, flips = 0, []
    for part in effect.products:
        before, after = (part.after, part.before) if is_measured else (part.before, part.after)
        moved += -part.moved if is_measured else part.moved
        if before != after:
            flips.append(f"{part.product}: {before or _NOT_REQUESTED} to {after or _NOT_REQUESTED}")
    stored = _premium(copy)
    return CopyChange(copy.version, tuple(sorted(flips)), moved, stored - moved if is_measured else stored)


class Figures(msgspec.Struct, kw_only=True):
    """The difference that a release makes to ``copies``, as the sums of their changes. ``after`` is the last copy that
    was read.
    """

    copies: int = 0
    flips: dict[str, int] = {}
    moved: int = 0
    premium: int = 0
    after: str = ""

    def add(self, copy_id: UUID, change: CopyChange) -> None:
        """Add the change of one copy."""
        self.copies += 1
        self.after = str(copy_id)
        _count(self.flips, change.flips)
        self.moved += change.moved
        self.premium += change.premium

    @property
    def flips_text(self) -> str:
        """Return the outcomes that changed: how often, and from what to what."""
        return ", ".join(f"{count:,} {key}" for key, count in sorted(self.flips.items())) or "none"

    def as_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


class Measured(Figures, kw_only=True):
    """What happened to the copies that can be compared with their forecast, after ``parts`` of it.

    ``expected`` and ``expected_moved`` are the forecast of the same copies. ``apart`` counts the copies with other
    outcomes than forecast, ``moved_apart`` sums up how far each premium is from its forecast: errors in opposite
    directions do not cancel out. Copies that people changed meanwhile, or that are closed, are ``left_out``.
    """

    parts: int = 0
    expected: dict[str, int] = {}
    expected_moved: int = 0
    apart: int = 0
    moved_apart: int = 0
    left_out: int = 0

    def compare(self, copy_id: UUID, forecast: CopyChange, actual: CopyChange) -> None:
        """Add what happened to one copy, and its forecast."""
        self.add(copy_id, actual)
        _count(self.expected, forecast.flips)
        self.expected_moved += forecast.moved
        self.apart += forecast.flips != actual.flips
        self.moved_apart += abs(actual.moved - forecast.moved)


def figures_from(plain: Mapping[str, Any]) -> Figures:
    """Return a stored forecast."""
    return msgspec.convert(dict(plain), Figures)


def measured_from(plain: Mapping[str, Any]) -> Measured:
    """Return stored figures of what happened."""
    return msgspec.convert(dict(plain), Measured)


def changes_from(plain: Mapping[str, Any]) -> dict[UUID, CopyChange]:
    """Return the stored forecast of single copies."""
    return msgspec.convert(dict(plain), dict[UUID, CopyChange])


class Deviation(msgspec.Struct, frozen=True, kw_only=True):
    """How far what happened is from the forecast, in percent: of the compared copies, and of their premium before."""

    flips_percent: Decimal
    premium_percent: Decimal
    text: str

    def is_within(self, *, flips_percent: Decimal, premium_percent: Decimal) -> bool:
        """Return whether both are at most as large as stated."""
        return self.flips_percent <= flips_percent and self.premium_percent <= premium_percent


def deviation(actual: Measured) -> Deviation:
    """Return how far ``actual`` is from its forecast. A copy with other outcomes counts once, a missing outcome like a
    surplus one. Amounts that moved where no premium was before are 100 percent.
    """
    return Deviation(
        flips_percent=_percent(actual.apart, actual.copies),
        premium_percent=_percent(actual.moved_apart, actual.premium),
        text=_sentence(actual),
    )


def _sentence(actual: Measured) -> str:
    keys = actual.expected.keys() | actual.flips.keys()
    off = {key: actual.flips.get(key, 0) - actual.expected.get(key, 0) for key in keys}
    largest = sorted((key for key in off if off[key]), key=lambda key: (-abs(off[key]), key))[:_MOST_NAMED]
    parts = [
        f"{key}: {actual.flips.get(key, 0):,} instead of {actual.expected.get(key, 0):,} copies" for key in largest
    ]
    if actual.apart and not parts:
        noun = "copy has" if actual.apart == 1 else "copies have"
        parts.append(f"{actual.apart:,} {noun} other outcomes than forecast, in equal numbers")
    if actual.moved != actual.expected_moved:
        parts.append(f"premium moved by {actual.moved:,} instead of {actual.expected_moved:,}")
    elif actual.moved_apart:
        parts.append(f"premiums of single copies are {actual.moved_apart:,} from their forecast")
    return "; ".join(parts) or "as forecast"


def _count(counts: dict[str, int], keys: Iterable[str]) -> None:
    for key in keys:
        counts[key] = counts.get(key, 0) + 1


def _percent(part: int, whole: int) -> Decimal:
    if not part:
        return Decimal(0)
    return (Decimal(100 * part) / whole).quantize(_PERCENT) if whole > 0 else Decimal(100)


def _premium(copy: BookCopy) -> int:
    if not copy.copy.evaluation:
        return 0
    outcomes = decode(copy.copy.evaluation, Evaluation).eligibility.values()
    return sum(outcome.premium or 0 for outcome in outcomes)
