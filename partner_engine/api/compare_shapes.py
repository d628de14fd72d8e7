"""The response shape of a comparison. Pure."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from copies.diff import AnswerDifference, Difference
from copies.document import Answer, PoolRow
from presentation import shapes
from presentation.listed_values import one_of
from rules.definition.labels import label_of
from rules.flow.evaluation import Reason
from scenarios.compare import Comparison, ProductDifference, Share, Side, SplitKind

#: Stands beside every share.
NOTE = "Shares are our estimate, computed from the carriers' rates in the catalogue; carriers may rate otherwise."


class ComparedCopy(msgspec.Struct, frozen=True, kw_only=True):
    """One of the compared copies, at a version, with the release and day of its decision."""

    id: str
    application_form_id: str
    title: str
    version: int
    release: int
    as_of: date


class ShareShape(msgspec.Struct, frozen=True, kw_only=True):
    """The share of the change at ``paths`` in a difference of premiums, in whole units of the currency a year.

    The exact share lies within ``error`` of ``amount`` with a probability of 95%; 0 for an exact one. Several paths
    are rows that come and go together.
    """

    paths: list[str]
    amount: int
    error: int


class ProductDifferenceShape(msgspec.Struct, frozen=True, kw_only=True):
    """What differs for a product between the first copy and another.

    ``difference`` is null unless both have a premium; the amounts of ``shares`` add up to it. ``only_here`` are the
    reasons that only the other copy has, ``only_there`` those that only the first has; ``way_back`` says what would
    take a decline back, or is empty.
    ``split`` is `exact`; `sampled` (each share has its error); `none` where there is nothing to share; `other_rates`
    where the copies are decided under different releases or on different days; `hidden` where a change is of an answer
    that the caller may not see, which a share would reveal; or `unknown_between` where some of the
    changes alone leave the premium unknown. ``is_read`` is false if no change can reach the premium.
    """

    difference: int | None
    only_here: list[Reason]
    only_there: list[Reason]
    way_back: str
    shares: list[ShareShape]
    split: SplitKind
    is_read: bool


class ComparedProduct(msgspec.Struct, frozen=True, kw_only=True):
    """A product in all copies: its outcome in each (null where it is not requested, or excluded), and what differs in
    each copy but the first.
    """

    product: str
    outcomes: list[shapes.OutcomeShape | None]
    differences: list[ProductDifferenceShape]


class ComparedDifferenceShape(msgspec.Struct, frozen=True, kw_only=True):
    """A difference between the copies: ``kind`` is `answer`, `visibility` (only some copies ask the question) or `row`.

    ``paths`` are its path in each copy, null where a copy lacks the row; ``answers`` (null: not asked) or ``rows``
    (null: missing) are what each copy has. ``effects`` are the shares by product for each copy but the first.
    """

    kind: Annotated[str, one_of("answer", "visibility", "row")]
    path: str
    label: str
    paths: list[str | None]
    answers: list[shapes.AnswerShape | None] | UnsetType = UNSET
    rows: list[shapes.RowShape | None] | UnsetType = UNSET
    effects: list[dict[str, int]]


class ComparisonShape(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison of ``copies``: the first is the one that the others are compared with. Every list with an entry
    per copy is in their order. ``note`` belongs beside every share that is shown.
    """

    copies: list[ComparedCopy]
    currency: str
    products: list[ComparedProduct]
    differences: list[ComparedDifferenceShape]
    note: str


def comparison_shape(comparison: Comparison) -> ComparisonShape:
    """Return the shape of ``comparison``, with the values that its reader may see."""
    sides = comparison.sides
    return ComparisonShape(
        copies=[_copy(side) for side in sides],
        currency=sides[0].catalogue.currency,
        products=[
            ComparedProduct(
                product=line.code,
                outcomes=[
                    None if outcome is None else shapes.outcome(outcome, side.visibility)
                    for side, outcome in zip(sides, line.outcomes, strict=True)
                ],
                differences=[_product_difference(found) for found in line.differences],
            )
            for line in comparison.products
        ],
        differences=[_difference(comparison, found) for found in comparison.differences],
        note=NOTE,
    )


def _copy(side: Side) -> ComparedCopy:
    return ComparedCopy(
        id=side.copy_id,
        application_form_id=side.form_id,
        title=side.title,
        version=side.version,
        release=side.evaluation.release,
        as_of=side.evaluation.as_of,
    )


def _product_difference(found: ProductDifference) -> ProductDifferenceShape:
    return ProductDifferenceShape(
        difference=found.difference,
        only_here=list(found.only_here),
        only_there=list(found.only_there),
        way_back=found.way_back,
        shares=[_share(share) for share in found.shares],
        split=found.split,
        is_read=found.is_read,
    )


def _share(share: Share) -> ShareShape:
    return ShareShape(paths=list(share.paths), amount=share.amount, error=share.error)


def _difference(comparison: Comparison, found: Difference) -> ComparedDifferenceShape:
    sides = comparison.sides
    effects = [{code: share.amount for code, share in known.items()} for known in comparison.effects(found)]
    label = label_of(sides[0].catalogue, found.path)
    if isinstance(found, AnswerDifference):
        answers = [_answer(*each) for each in zip(sides, found.paths, found.answers, strict=True)]
        kind = "visibility" if found.is_of_visibility else "answer"
        return ComparedDifferenceShape(
            kind=kind, path=found.path, label=label, paths=list(found.paths), answers=answers, effects=effects
        )
    rows = [_row(*each) for each in zip(sides, found.paths, found.rows, strict=True)]
    return ComparedDifferenceShape(
        kind="row", path=found.path, label=label, paths=list(found.paths), rows=rows, effects=effects
    )


def _answer(side: Side, path: str | None, answer: Answer | None) -> shapes.AnswerShape | None:
    if path is None or answer is None:
        return None
    return shapes.answers({path: answer}, side.visibility)[path]


def _row(side: Side, path: str | None, row: PoolRow | None) -> shapes.RowShape | None:
    return None if path is None or row is None else shapes.rows({"": [row]}, side.visibility)[""][0]
