"""The report on what a supposition changes for a book: sums, counts and bounded lists, in flat memory. Pure.

Sums are whole units of the currency, so that they add up exactly; they are shown with cents.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import count
from typing import Final, Literal
from uuid import UUID

import msgspec

from decisions.copy_effect import CopyEffect, ProductEffect
from decisions.spread import Spread, SpreadShape

#: Entries of each list of a report; the counts are complete.
MOST_LISTED: Final = 50
_CENT: Final = Decimal("0.01")


def money(amount: int) -> str:
    """Return whole units of the currency as a decimal text with cents."""
    return str(Decimal(amount).quantize(_CENT))


class Sum(msgspec.Struct, kw_only=True):
    """An amount with the number of products of copies that it is made of."""

    amount: str
    count: int


class Flip(msgspec.Struct, frozen=True, kw_only=True):
    """How many copies have another outcome for a product; "" means that it is not requested."""

    product: str
    before: str
    after: str
    count: int


class WonBack(msgspec.Struct, frozen=True, kw_only=True):
    """A product of a copy that would be offered again, or cheaper; ``reasons`` are the rules that would go (``-``)."""

    copy_id: UUID
    form_id: UUID
    product: str
    kind: Literal["open", "cheaper"]
    before: str
    premium_before: int | None
    premium_after: int | None
    reasons: tuple[str, ...] = ()


class Undecidable(msgspec.Struct, frozen=True):
    """A copy that was left out, with the reason."""

    copy_id: UUID
    reason: str


class BookReport(msgspec.Struct, kw_only=True):
    """What a supposition changes for a book.

    Of ``copies``, ``unasked`` ask none of the questions, ``undecidable`` (by reason) are left out, and ``changed`` have
    another outcome, premium, question or stale quote; ``decided`` were decided in full. ``moved`` is the sum of all
    differences of premiums and equals the sums of ``by_state``, ``by_industry`` and ``by_cause``; ``repriced``, of
    products with a premium before and after, ``gained`` and ``lost`` add up to it too. Lists are cut at a fixed length;
    their counts are not. ``left_out`` counts the copies in which a product depends on answers that the reader may not
    see: it is in no other number or list.
    """

    catalogue: str
    currency: str
    supposed: str
    copies: int
    decided: int
    unasked: int
    changed: int
    undecidable: dict[str, int]
    undecidable_copies: list[Undecidable]
    flips: list[Flip]
    flipped_copies: list[CopyEffect]
    moved: Sum
    repriced: Sum
    gained: Sum
    lost: Sum
    spread: SpreadShape
    by_product: dict[str, Sum]
    by_state: dict[str, Sum]
    by_industry: dict[str, Sum]
    by_cause: dict[str, Sum]
    hidden: dict[str, int]
    shown: dict[str, int]
    stale_quotes: dict[str, int]
    opened: int
    cheaper: int
    win_back: list[WonBack]
    left_out: dict[str, int] = {}


class _Sums:
    """Amounts by key, with their counts."""

    def __init__(self) -> None:
        self._amounts: dict[str, int] = {}
        self._counts: dict[str, int] = {}

    def add(self, key: str, amount: int) -> None:
        self._amounts[key] = self._amounts.get(key, 0) + amount
        self._counts[key] = self._counts.get(key, 0) + 1

    def shape(self) -> dict[str, Sum]:
        keys = sorted(self._amounts, key=lambda key: (-abs(self._amounts[key]), key))
        return {key: Sum(amount=money(self._amounts[key]), count=self._counts[key]) for key in keys}

    def one(self, key: str) -> Sum:
        return Sum(amount=money(self._amounts.get(key, 0)), count=self._counts.get(key, 0))


class ReportBuilder:
    """Adds the effects on copies up to a report."""

    def __init__(self, *, catalogue: str, currency: str, supposed: str) -> None:
        """Start without copies; ``supposed`` is a sentence about the supposition."""
        self._named = {"catalogue": catalogue, "currency": currency, "supposed": supposed}
        self.copies = 0
        self._decided = self._unasked = self._changed = 0
        self._errors: dict[str, int] = {}
        self._undecidable: list[Undecidable] = []
        self._flips: dict[tuple[str, str, str], int] = {}
        self._flipped: list[CopyEffect] = []
        self._kinds, self._products, self._states, self._industries, self._causes = (_Sums() for _ in range(5))
        self._hidden: dict[str, int] = {}
        self._shown: dict[str, int] = {}
        self._stale: dict[str, int] = {}
        self._left_out: dict[str, int] = {}
        self._spread = Spread()
        self._won = {"open": 0, "cheaper": 0}
        #: The largest gains, the smallest of them first.
        self._best: list[tuple[int, int, int, WonBack]] = []
        self._order = count()

    def through(self, effects: Iterable[CopyEffect]) -> Iterator[CopyEffect]:
        """Yield ``effects``, and add each of them."""
        for effect in effects:
            self.add(effect)
            yield effect

    def add(self, effect: CopyEffect) -> None:
        """Add the effect on one copy."""
        self.copies += 1
        self._decided += effect.work == "full" and not effect.error
        self._unasked += not effect.is_asked
        if effect.error:
            _increase(self._errors, effect.error)
            if len(self._undecidable) < MOST_LISTED:
                self._undecidable.append(Undecidable(effect.id, effect.error))
        self._changed += effect.is_changed
        for part in effect.products:
            self._add_product(effect, part)
        is_flipped = any(part.before != part.after for part in effect.products)
        if is_flipped and len(self._flipped) < MOST_LISTED:
            self._flipped.append(effect)
        counted = (
            (self._hidden, effect.hidden),
            (self._shown, effect.shown),
            (self._stale, effect.stale),
            (self._left_out, effect.closed),
        )
        for counts, codes in counted:
            for code in codes:
                _increase(counts, code)

    def report(self) -> BookReport:
        """Return the report so far."""
        return BookReport(
            **self._named,
            copies=self.copies,
            decided=self._decided,
            unasked=self._unasked,
            changed=self._changed,
            undecidable=_sorted(self._errors),
            undecidable_copies=self._undecidable,
            flips=[
                Flip(product=product, before=before, after=after, count=number)
                for (product, before, after), number in sorted(
                    self._flips.items(), key=lambda item: (-item[1], item[0])
                )
            ],
            flipped_copies=self._flipped,
            moved=self._kinds.one("moved"),
            repriced=self._kinds.one("repriced"),
            gained=self._kinds.one("gained"),
            lost=self._kinds.one("lost"),
            spread=self._spread.shape(),
            by_product=self._products.shape(),
            by_state=self._states.shape(),
            by_industry=self._industries.shape(),
            by_cause=self._causes.shape(),
            hidden=_sorted(self._hidden),
            shown=_sorted(self._shown),
            stale_quotes=_sorted(self._stale),
            opened=self._won["open"],
            cheaper=self._won["cheaper"],
            win_back=[won for *_, won in sorted(self._best, key=lambda item: (-item[0], -item[1], -item[2]))],
            left_out=_sorted(self._left_out),
        )

    def _add_product(self, effect: CopyEffect, part: ProductEffect) -> None:
        if part.before != part.after:
            key = (part.product, part.before, part.after)
            self._flips[key] = self._flips.get(key, 0) + 1
        if part.premium_before != part.premium_after:
            self._add_money(part)
        kind: Literal["open", "cheaper"] | None = None
        kind = "open" if part.is_open_again else "cheaper" if part.is_cheaper else None
        if kind is not None:
            self._won[kind] += 1
            won = WonBack(
                copy_id=effect.id,
                form_id=effect.form_id,
                product=part.product,
                kind=kind,
                before=part.before,
                premium_before=part.premium_before,
                premium_after=part.premium_after,
                reasons=part.reasons,
            )
            # Products that open again come before cheaper ones; equal ones in the order of the book.
            entry = (int(kind == "open"), abs(part.moved), -next(self._order), won)
            if len(self._best) < MOST_LISTED:
                heapq.heappush(self._best, entry)
            else:
                heapq.heappushpop(self._best, entry)

    def _add_money(self, part: ProductEffect) -> None:
        moved = part.moved
        is_gained, is_lost = part.premium_before is None, part.premium_after is None
        self._kinds.add("gained" if is_gained else "lost" if is_lost else "repriced", moved)
        self._kinds.add("moved", moved)
        self._spread.add(moved)
        self._products.add(part.product, moved)
        self._states.add(part.state, moved)
        self._industries.add(part.industry, moved)
        for cause, amount in part.causes.items():
            self._causes.add(f"{part.product}: {cause}", amount)


def _increase(counts: dict[str, int], key: str) -> None:
    counts[key] = counts.get(key, 0) + 1


def _sorted(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
