"""The page that compares copies: products beside each other, and the questions that differ. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from copies.diff import AnswerDifference, Difference, RowDifference, is_row_asked
from copies.document import Answer, AnsweredBy, PoolRow, row_number
from copies.paths import Path
from partner_engine.web.pages.reading import Reader
from presentation.formats import counted, listed, moment, money
from presentation.product_names import carrier_and_line, product_name
from rules.definition.labels import label_of, set_title_of
from rules.flow.evaluation import ProductOutcome, Reason
from scenarios.compare import Comparison, ProductDifference, ProductLine, Share, Side

#: Answers of a row that name it in its cell.
_NAMING: Final = 3
#: Shares that are listed for a product.
_LISTED: Final = 6
#: Words and styles of outcomes.
OUTCOME_BADGES: Final = {
    "eligible": ("Open so far", "so-far"),
    "refer": ("Refer", "refer"),
    "need_info": ("Needs answers", "so-far"),
    "decline": ("Declined", "decline"),
    "locked": ("Locked", "locked"),
}
NOT_REQUESTED: Final = ("Not requested", "quiet")


@dataclass(frozen=True)
class Column:
    """One of the compared copies."""

    id: str
    title: str
    version: int


@dataclass(frozen=True)
class OutcomeCell:
    """The price of a product in one copy, or a badge in its place; ``difference`` is that to the first copy, and
    ``premium`` and ``change`` are both as numbers.
    """

    price: str
    badge: str
    style: str
    difference: str = ""
    premium: int | None = None
    change: int | None = None


@dataclass(frozen=True)
class Because:
    """Why a product differs: a sentence, and details in small print. ``copy`` names the copy if there are several."""

    copy: str
    text: str
    detail: str = ""


@dataclass(frozen=True)
class ProductRow:
    """One product in all copies."""

    carrier: str
    name: str
    cells: tuple[OutcomeCell, ...]
    because: tuple[Because, ...]


@dataclass(frozen=True)
class AnswerCell:
    """One answer or row in one copy. ``state`` is old, new, same or missing."""

    text: str
    state: str


@dataclass(frozen=True)
class QuestionRow:
    """One question or row that differs. ``changed`` names who answered and when, ``effects`` what it does in money."""

    label: str
    place: str
    cells: tuple[AnswerCell, ...]
    changed: tuple[str, ...]
    effects: tuple[str, ...]


@dataclass(frozen=True)
class ComparisonPage:
    """The whole comparison. ``has_shares`` is True if estimates of ours are shown."""

    title: str
    summary: str
    columns: tuple[Column, ...]
    products: tuple[ProductRow, ...]
    questions: tuple[QuestionRow, ...]
    has_shares: bool

    @property
    def has_one_pair(self) -> bool:
        """Return whether only two copies are compared: their difference has a column of its own."""
        return len(self.columns) == 2


def build_comparison(
    comparison: Comparison, titles: Sequence[str], reader: Reader, author_of: Callable[[AnsweredBy], str]
) -> ComparisonPage:
    """Return the page of ``comparison``; ``titles`` are the names of its copies."""
    return _Builder(comparison, titles, reader, author_of).page()


def signed_money(amount: int, currency: str) -> str:
    """Return an amount with its sign: ``+$102``, ``−$72``, ``0``."""  # noqa: RUF002 - a minus sign
    if not amount:
        return "0"
    return f"{'+' if amount > 0 else '−'}{money(abs(amount), currency)}"  # noqa: RUF001 - a minus sign


class _Builder:
    def __init__(
        self, comparison: Comparison, titles: Sequence[str], reader: Reader, author_of: Callable[[AnsweredBy], str]
    ) -> None:  # fmt: skip
        self._comparison = comparison
        self._sides = comparison.sides
        self._titles = titles
        self._reader = reader
        self._author_of = author_of
        self._catalogue = comparison.sides[0].catalogue
        self._currency = self._catalogue.currency

    def page(self) -> ComparisonPage:
        columns = [
            Column(side.copy_id, title, side.version) for side, title in zip(self._sides, self._titles, strict=True)
        ]
        return ComparisonPage(
            title=listed(self._titles),
            summary=self._summary(),
            columns=tuple(columns),
            products=tuple(self._product(line) for line in self._comparison.products),
            questions=tuple(self._question(difference) for difference in self._comparison.differences),
            has_shares=any(found.shares for line in self._comparison.products for found in line.differences),
        )

    def _summary(self) -> str:
        rows = sum(isinstance(found, RowDifference) for found in self._comparison.differences)
        answers = len(self._comparison.differences) - rows
        flips = sum(
            len({outcome.outcome if outcome else "" for outcome in line.outcomes}) > 1
            for line in self._comparison.products
        )
        parts = [f"versions {listed(str(side.version) for side in self._sides)}"]
        if answers or not rows:
            parts.append(f"{counted(answers, 'answer')} {'differs' if answers == 1 else 'differ'}")
        if rows:
            parts.append(f"{counted(rows, 'row')} {'differs' if rows == 1 else 'differ'}")
        if flips:
            parts.append(f"{counted(flips, 'product')} {'flips' if flips == 1 else 'flip'}")
        return " · ".join(parts)

    # Products

    def _product(self, line: ProductLine) -> ProductRow:
        carrier, name = carrier_and_line(self._catalogue, line.code)
        differences = [None, *(found.difference for found in line.differences)]
        return ProductRow(
            carrier,
            name,
            tuple(map(self._outcome, line.outcomes, differences)),
            tuple(
                because
                for place, found in enumerate(line.differences, 1)
                for because in self._because(self._named(place), line, place, found)
            ),
        )

    def _outcome(self, outcome: ProductOutcome | None, difference: int | None) -> OutcomeCell:
        badge, style = NOT_REQUESTED if outcome is None else OUTCOME_BADGES[outcome.outcome]
        if outcome is None or outcome.premium is None:
            return OutcomeCell("", badge, style)
        changed = "" if difference is None else signed_money(difference, self._currency)
        # A price says by itself that the product is eligible.
        word = ("", "") if outcome.outcome == "eligible" else (badge, style)
        price = money(outcome.premium, self._currency)
        return OutcomeCell(price, *word, changed, premium=outcome.premium, change=difference)

    def _because(self, copy: str, line: ProductLine, place: int, found: ProductDifference) -> Iterator[Because]:
        other, base = line.outcomes[place], line.outcomes[0]
        for reason in found.only_here:
            yield Because(copy, reason.text, _detail(reason, found.way_back if _declines(other) else ""))
        for reason in found.only_there:
            lead = "Only declined in" if _declines(base) and reason.effect in ("decline", "base") else "Only in"
            way_back = found.way_back if _declines(base) else ""
            yield Because(copy, f"{lead} {self._titles[0]}: {reason.text}", _detail(reason, way_back))
        missing = other is not None and other.outcome == "need_info" and (base is None or base.outcome != "need_info")
        if missing and other is not None:
            labels = [label_of(self._catalogue, path) for path in other.missing[:_NAMING]]
            yield Because(copy, f"Needs {listed(labels)}" if labels else "Needs answers")
        if found.shares:
            shares = [share for share in found.shares if share.amount or share.error][:_LISTED]
            yield Because(copy, " · ".join(map(self._share, shares)), "" if shares else "no change of the price")
        elif found.split == "other_rates":
            yield Because(copy, "", "decided under other rates: another release or day")
        elif found.split == "unknown_between":
            yield Because(copy, "", "these changes are priced only together")
        elif found.split == "hidden":
            yield Because(copy, "", "not split among the changes: one of them is hidden from you")
        elif found.difference == 0 and not found.is_read and self._comparison.differences:
            count = len(self._comparison.differences)
            yield Because(copy, "", f"no rate reads {'this answer' if count == 1 else 'these answers'}")

    def _share(self, share: Share) -> str:
        label = label_of(self._catalogue, share.paths[0])
        if Path(share.paths[0]).is_answer and Path(share.paths[0]).row:
            label = f"{label} ({self._row_name(share.paths[0])})"
        if len(share.paths) > 1:
            label = f"{label}: {counted(len(share.paths), 'row')}"
        return f"{label} {self._amount(share)}"

    def _amount(self, share: Share) -> str:
        error = f" ± {money(share.error, self._currency)}" if share.error else ""
        return f"{signed_money(share.amount, self._currency)}{error}"

    # Questions

    def _question(self, found: Difference) -> QuestionRow:
        changed = tuple(self._changes(found)) if isinstance(found, AnswerDifference) else ()
        path = Path(found.path)
        place = set_title_of(self._catalogue, path.pool or path.code)
        return QuestionRow(
            label=label_of(self._catalogue, path),
            place=self._row_name(found.path) if path.is_answer and path.row else place,
            cells=tuple(self._cells(found)),
            changed=changed,
            effects=tuple(self._effects(found)),
        )

    def _cells(self, found: Difference) -> Iterator[AnswerCell]:
        texts = [self._text(found, place) for place in range(len(self._sides))]
        differs = [self._differs(found, place) for place in range(len(self._sides))]
        for place, text in enumerate(texts):
            if text is None:
                word = "not asked" if isinstance(found, AnswerDifference) and found.paths[place] else "missing"
                yield AnswerCell(word, "missing")
            elif place == 0:
                yield AnswerCell(text, "old")
            else:
                yield AnswerCell(text, "new" if differs[place] else "same")

    def _text(self, found: Difference, place: int) -> str | None:
        path, side = found.paths[place], self._sides[place]
        if isinstance(found, AnswerDifference):
            answer = found.answers[place]
            return None if path is None or answer is None else side.visibility.answer_text(path, answer)
        row = found.rows[place]
        return None if path is None or row is None or not is_row_asked(row) else _row_text(side, path, row)

    def _differs(self, found: Difference, place: int) -> bool:
        """Return whether a copy differs from the first: in what is shown, or of masked answers in author and time."""
        if not isinstance(found, AnswerDifference):
            return found.rows[0] is None
        first, other = found.answers[0], found.answers[place]
        if first is None or other is None:
            return True
        stamps = [(answer.updated_at, answer.answered_by) for answer in (first, other)]
        if self._is_masked(found, 0, first) or self._is_masked(found, place, other):
            return stamps[0] != stamps[1]
        return self._text(found, 0) != self._text(found, place)

    def _is_masked(self, found: AnswerDifference, place: int, answer: Answer) -> bool:
        return self._sides[place].visibility.hides(found.paths[place] or "", answer)

    def _changes(self, found: AnswerDifference) -> Iterator[str]:
        for place, answer in enumerate(found.answers[1:], 1):
            if answer is None or answer.updated_at is None or not self._differs(found, place):
                continue
            at = moment(answer.updated_at, self._reader.zone, now=self._reader.now)
            by = self._author_of(answer.answered_by) if answer.answered_by else ""
            yield " · ".join(filter(None, (self._named(place), by, at)))

    def _effects(self, found: Difference) -> Iterator[str]:
        turned = self._comparison.turned(found)
        for place, shares in enumerate(self._comparison.effects(found), 1):
            parts = [
                f"{self._amount(share)} {product_name(self._catalogue, code)}"
                for code, share in shares.items()
                if share.amount or share.error
            ]
            parts += [self._turn(code, place) for code in turned[place - 1]]
            if parts:
                yield ": ".join(filter(None, (self._named(place), ", ".join(parts))))

    def _turn(self, code: str, place: int) -> str:
        """Return what a single answer does to the outcome of a product."""
        line = next(line for line in self._comparison.products if line.code == code)
        word = "declines" if _declines(line.outcomes[place]) else "no longer declines"
        return f"{word} {product_name(self._catalogue, code)}"

    def _row_name(self, path: str) -> str:
        """Return the title and the number of the row around an answer, as in the first copy that has it."""
        row = Path(path).row
        number = next(
            (found for side in self._sides if (found := row_number(side.document, row))),
            0,
        )
        return f"{set_title_of(self._catalogue, Path(path).pool)} {number or ''}".strip()

    def _named(self, place: int) -> str:
        """Return the name of a copy where several are compared with the first."""
        return self._titles[place] if len(self._sides) > 2 else ""


def _row_text(side: Side, path: str, row: PoolRow) -> str:
    """Return the first answers of a row."""
    shown = [(code, answer) for code, answer in row.answers.items() if answer.active and answer.is_answered]
    texts = [side.visibility.answer_text(f"{path}/{code}", answer) for code, answer in shown[:_NAMING]]
    return ", ".join(texts) or "empty"


def _declines(outcome: ProductOutcome | None) -> bool:
    return outcome is not None and outcome.outcome == "decline"


def _detail(reason: Reason, way_back: str) -> str:
    rule = "base check" if reason.effect == "base" else "rule"
    return f"{rule} {reason.rule}. {way_back}".strip()
