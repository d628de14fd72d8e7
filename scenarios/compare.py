"""Compares two to four copies with their money: answers and rows, outcomes and premiums, and the share of each changed
answer in a difference. Pure: loads nothing, and knows no face.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from copies.diff import AnswerDifference, Difference, Keys, RowDifference, differences
from copies.document import Answer, Document, walk_containers
from copies.paths import Path
from copies.row_matching import IsComparable
from encryption.envelope import DecryptionFailed
from presentation.visibility import Visibility
from rules.definition.model import CompiledCatalogue, CompiledProduct, CompiledRule
from rules.flow.derived_sensitivity import questions_of_derived
from rules.flow.evaluation import Evaluation, ProductOutcome, Reason
from rules.flow.state import Reveal
from rules.incremental.mixed_premium import mixed_premium
from rules.incremental.mixed_state import Mixture
from rules.incremental.price_split import NoSplit, PriceSplit, split
from scenarios.near_miss import near_miss

#: Copies that can be compared at a time.
MOST_COPIES: Final = 4
_LAST: Final = 10**9
#: A sealed answer that a rate reads may be erased; a chain of conditions may be longer than calls nest.
_NOT_SPLIT: Final = (NoSplit, DecryptionFailed, RecursionError)
#: How shares were found: exactly, from a sample, or not at all because there is nothing to share (``none``), because
#: the copies were priced under different releases or on different days (``other_rates``), because the premium is
#: unknown between the two (``unknown_between``), or because a share would show something of a changed answer that the
#: reader may not see (``hidden``).
SplitKind: TypeAlias = Literal["exact", "sampled", "none", "other_rates", "unknown_between", "hidden"]


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the compared copies: a copy at a version with its decision, and what the reader may see of it."""

    copy_id: str
    form_id: str
    title: str
    version: int
    catalogue: CompiledCatalogue
    document: Document
    evaluation: Evaluation
    visibility: Visibility
    reveal: Reveal


@dataclass(frozen=True, kw_only=True)
class Share:
    """The share of the changes at ``paths`` in a difference, in whole units of the currency. ``error`` is 0 for an
    exact share. There are several paths where rows come and go together.
    """

    paths: tuple[str, ...]
    amount: int
    error: int = 0


@dataclass(frozen=True, kw_only=True)
class ProductDifference:
    """What is different for one product in another copy than the first.

    ``difference`` is None unless both have a premium. ``only_here`` are the reasons that the other copy adds,
    ``only_there`` those that it lacks; ``way_back`` is a sentence about a decline, or "". ``is_read`` is False if no
    change can reach the premium. ``turning`` is the path of the one changed answer by which only one of the copies is
    declined, "" unless there is exactly one and the reader may see it.
    """

    difference: int | None
    only_here: tuple[Reason, ...] = ()
    only_there: tuple[Reason, ...] = ()
    way_back: str = ""
    turning: str = ""
    shares: tuple[Share, ...] = ()
    split: SplitKind = "none"
    is_read: bool = True


@dataclass(frozen=True, kw_only=True)
class ProductLine:
    """One product in all copies: its outcomes (None where it is not decided), and its differences to the first copy,
    one for each other copy.
    """

    code: str
    outcomes: tuple[ProductOutcome | None, ...]
    differences: tuple[ProductDifference, ...]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The comparison of ``sides``; the first is the one that the others are compared with."""

    sides: tuple[Side, ...]
    differences: tuple[Difference, ...]
    products: tuple[ProductLine, ...]

    def effects(self, difference: Difference) -> tuple[dict[str, Share], ...]:
        """Return the shares of ``difference`` by product, for each copy but the first."""
        found = []
        for place in range(1, len(self.sides)):
            path = difference.paths[0] or difference.paths[place]
            shares = ((line.code, line.differences[place - 1].shares) for line in self.products)
            found.append({code: share for code, known in shares for share in known if path in share.paths})
        return tuple(found)

    def turned(self, difference: Difference) -> tuple[tuple[str, ...], ...]:
        """Return the codes of the products that ``difference`` alone declines or opens, for each copy but the first."""
        found = []
        for place in range(1, len(self.sides)):
            path = difference.paths[0] or difference.paths[place]
            turning = ((line.code, line.differences[place - 1].turning) for line in self.products)
            found.append(tuple(code for code, known in turning if path and path == known))
        return tuple(found)


def compare(sides: Sequence[Side]) -> Comparison:
    """Return the comparison of two to four ``sides``; the differences are in the order of the form."""
    first = sides[0]
    keys = {code: part.pool.key for code, part in first.catalogue.pools.items()}
    comparable = _comparable(sides)
    found = differences([side.document for side in sides], keys, comparable=comparable)
    pairs = [_Pair(first, other, keys, comparable, found if len(sides) == 2 else None) for other in sides[1:]]
    codes = dict.fromkeys(
        code for side in sides for code in _in_order(side.catalogue) if code in side.evaluation.eligibility
    )
    lines = tuple(
        ProductLine(
            code=code,
            outcomes=tuple(side.evaluation.eligibility.get(code) for side in sides),
            differences=tuple(pair.product(code) for pair in pairs),
        )
        for code in codes
    )
    order = _Order(first.catalogue)
    return Comparison(sides=tuple(sides), differences=tuple(sorted(found, key=order.key)), products=lines)


class _Pair:
    """Two copies, and the changes between them as the players of price splits."""

    def __init__(
        self, first: Side, other: Side, keys: Keys, comparable: IsComparable, found: list[Difference] | None
    ) -> None:  # fmt: skip
        self._first = first
        self._other = other
        self._keys = keys
        self._comparable = comparable
        if found is None:
            found = differences([first.document, other.document], keys, comparable=comparable)
        #: Questions that only one copy asks have no share: the answers that show or hide them have it.
        self._changes = [one for one in found if isinstance(one, RowDifference) or not one.is_of_visibility]
        self._changes_by_path = {change.path: change for change in self._changes}
        self._asked_by_one = {
            Path(one.path).code for one in found if isinstance(one, AnswerDifference) and one.is_of_visibility
        }
        self._codes = {Path(one.path).code for one in found if isinstance(one, AnswerDifference)}
        self._mixtures: dict[bool, tuple[Mixture, Mapping[int, tuple[str, ...]]]] = {}

    def product(self, code: str) -> ProductDifference:
        """Return what is different for one product."""
        base = self._first.evaluation.eligibility.get(code)
        other = self._other.evaluation.eligibility.get(code)
        before, after = (_reasons(outcome) for outcome in (base, other))
        only_here = tuple(reason for rule, reason in after.items() if rule not in before)
        only_there = tuple(reason for rule, reason in before.items() if rule not in after)
        shares: tuple[Share, ...] = ()
        kind: SplitKind = "none"
        difference, is_read = None, True
        if base is not None and other is not None and base.premium is not None and other.premium is not None:
            difference = other.premium - base.premium
            shares, kind, is_read = self._shares(code, base.premium, other.premium)
        return ProductDifference(
            difference=difference,
            only_here=only_here,
            only_there=only_there,
            way_back=self._way_back(code, base, other),
            turning=self._turning(code, base, other),
            shares=shares,
            split=kind,
            is_read=is_read,
        )

    def _shares(self, code: str, before: int, after: int) -> tuple[tuple[Share, ...], SplitKind, bool]:
        if not self._has_one_rating():
            return (), "other_rates", True
        if not self._changes:
            return (), "none" if before == after else "unknown_between", False
        product = self._first.catalogue.products[code]
        # Rows of one pool that come and go are one change where some of them alone leave too few or too many.
        for are_grouped in (False, True):
            try:
                mixture, paths = self._mixture(are_grouped)
                found = split(mixed_premium(mixture, product), before=before, after=after)
            except _NOT_SPLIT:
                continue
            if not found.shares:
                return (), "none", False
            if any(self._is_hidden(path, product) for bit in found.shares for path in paths[bit]):
                return (), "hidden", True
            return _as_shares(found, paths), "exact" if found.is_exact else "sampled", True
        return (), "unknown_between", True

    def _is_hidden(self, path: str, product: CompiledProduct) -> bool:
        """Return whether the change at ``path`` is of an answer that the reader may not see, or of a row with such an
        answer that the product rates.
        """
        change = self._changes_by_path[path]
        if isinstance(change, AnswerDifference):
            code = Path(path).code
            return any(answer is not None and not self._comparable(code, answer) for answer in change.answers)
        rated = _rated_questions(self._first.catalogue, product)
        return any(
            code in rated and not self._comparable(code, answer)
            for row in change.rows
            if row is not None
            for _, container in walk_containers(row)
            for code, answer in container.answers.items()
        )

    def _has_one_rating(self) -> bool:
        first, other = self._first.evaluation, self._other.evaluation
        return self._first.catalogue is self._other.catalogue and (first.release, first.as_of, first.edition) == (
            other.release,
            other.as_of,
            other.edition,
        )

    def _mixture(self, are_grouped: bool) -> tuple[Mixture, Mapping[int, tuple[str, ...]]]:
        """Return the mixture of the two documents, and the paths of the changes by bit."""
        if are_grouped not in self._mixtures:
            groups: dict[str, list[str]] = {}
            for change in self._changes:
                is_row = are_grouped and isinstance(change, RowDifference)
                groups.setdefault(change.pool if is_row else change.path, []).append(change.path)  # type: ignore[union-attr]
            paths = {1 << place: tuple(group) for place, group in enumerate(groups.values())}
            mixture = Mixture(
                self._first.catalogue,
                (self._first.document, self._first.evaluation, self._first.reveal),
                (self._other.document, self._other.evaluation, self._other.reveal),
                keys=self._keys,
                bits={path: bit for bit, group in paths.items() for path in group},
                comparable=self._comparable,
            )
            self._mixtures[are_grouped] = mixture, paths
        return self._mixtures[are_grouped]

    def _way_back(self, code: str, base: ProductOutcome | None, other: ProductOutcome | None) -> str:
        """Return what would take back a decline that only one of the copies has, for one single reason."""
        side, rules = self._declining(code, base, other)
        if len(rules) != 1 or rules[0] is None:
            return ""
        return near_miss(side.catalogue, rules[0], changed=self._codes, visibility=side.visibility)

    def _turning(self, code: str, base: ProductOutcome | None, other: ProductOutcome | None) -> str:
        """Return the path of the one change that the rules of such a decline read, "" if there is not just one."""
        side, rules = self._declining(code, base, other)
        # Base checks do not say what they read, and another release or day can be the cause too.
        if not rules or None in rules or not self._has_one_rating():
            return ""
        reads = _with_derived(side.catalogue, {read for rule in rules if rule is not None for read in rule.when.reads})
        # A question that only one copy asks can be the cause, and has no change of its own.
        if not reads.isdisjoint(self._asked_by_one):
            return ""
        read = [change for change in self._changes if self._is_read(change, reads)]
        if len(read) != 1 or not isinstance(read[0], AnswerDifference):
            return ""
        visible = all(answer is None or self._comparable(Path(read[0].path).code, answer) for answer in read[0].answers)
        return read[0].path if visible else ""

    def _declining(
        self, code: str, base: ProductOutcome | None, other: ProductOutcome | None
    ) -> tuple[Side, list[CompiledRule | None]]:
        """Return the copy that alone is declined with the rules that decline it, None for a base check."""
        if base is None or other is None or (base.outcome == "decline") == (other.outcome == "decline"):
            return self._first, []
        side, declined = (self._other, other) if other.outcome == "decline" else (self._first, base)
        product = side.catalogue.products.get(code)
        known = {rule.rule.id: rule for rule in product.rules} if product is not None else {}
        return side, [known.get(reason.rule) for reason in declined.reasons if reason.effect in ("decline", "base")]

    @staticmethod
    def _is_read(change: Difference, reads: Set[str]) -> bool:
        if isinstance(change, AnswerDifference):
            return Path(change.path).code in reads
        codes = {
            code for row in change.rows if row for _, container in walk_containers(row) for code in container.answers
        }
        return change.pool in reads or not reads.isdisjoint(codes)


class _Order:
    """The order of a form: its sets and questions, each row after the one before it."""

    def __init__(self, catalogue: CompiledCatalogue) -> None:
        self._catalogue = catalogue

    def key(self, difference: Difference) -> tuple[int, ...]:
        places = [self._place(step) for step in Path(difference.path).steps[::2]]
        # Rows that come or go follow the answers in the rows that stay.
        return (*places, _LAST) if isinstance(difference, RowDifference) else tuple(places)

    def _place(self, code: str) -> int:
        catalogue = self._catalogue
        question, pool = catalogue.questions.get(code), catalogue.pools.get(code)
        if question is None and pool is None:
            return _LAST
        set_code = question.set_code if question is not None else pool.set_code  # type: ignore[union-attr]
        return catalogue.sets[set_code].order * 10_000 + (question.order if question is not None else 9_999)


def _comparable(sides: Sequence[Side]) -> IsComparable:
    """Return whether the reader may read an answer in every one of ``sides``."""
    known: dict[tuple[str, str], bool] = {}

    def is_comparable(code: str, answer: Answer) -> bool:
        key = (code, answer.tag)
        if key not in known:
            known[key] = not any(side.visibility.hides(code, answer) for side in sides)
        return known[key]

    return is_comparable


def _rated_questions(catalogue: CompiledCatalogue, product: CompiledProduct) -> frozenset[str]:
    """Return the codes of the questions that the terms and tables of ``product`` rate."""
    reads = {read for term in product.terms for read in term.of.reads}
    reads.update(read for table in product.tables for read in table.rated_reads)
    derived = reads & catalogue.derived.keys()
    return frozenset(reads).union(*(questions_of_derived(catalogue, code) for code in derived))


def _with_derived(catalogue: CompiledCatalogue, codes: Set[str]) -> Set[str]:
    """Return ``codes``, and all that the derived values among them read."""
    found, waiting = set(codes), list(codes)
    while waiting:
        part = catalogue.derived.get(waiting.pop())
        new = set(part.value.reads) - found if part is not None else set()
        found |= new
        waiting += new
    return found


def _as_shares(found: PriceSplit, paths: Mapping[int, tuple[str, ...]]) -> tuple[Share, ...]:
    """Return the shares, the largest first."""
    shares = [Share(paths=paths[bit], amount=amount, error=found.errors[bit]) for bit, amount in found.shares.items()]
    return tuple(sorted(shares, key=lambda share: -abs(share.amount)))


def _reasons(outcome: ProductOutcome | None) -> dict[str, Reason]:
    return {} if outcome is None else {f"{reason.rule}: {reason.text}": reason for reason in outcome.reasons}


def _in_order(catalogue: CompiledCatalogue) -> list[str]:
    """Return the codes of the products, line by line."""
    lines = [line.code for line in catalogue.definition.lines]
    products = catalogue.definition.products
    return [product.code for product in sorted(products, key=lambda product: lines.index(product.line))]
