"""The page that merges one copy into another: the differences with their picks, and the result of the picks so far.
Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from batch.changes.records import SaveResult
from copies.document import Answer, Confirmation, Document, DocumentQuestionSet, PoolRow, find_container, row_number
from copies.merge import Difference, Side, State
from copies.paths import Path, join_path, row_steps
from partner_engine.web.pages.cards import row_title
from partner_engine.web.pages.reading import Reading
from presentation.formats import counted, listed, money
from presentation.product_names import product_name
from rules.flow.evaluation import ProductOutcome

#: The words for the outcome of a product without a price.
_OUTCOMES: Final = {
    "eligible": "eligible",
    "refer": "refer",
    "need_info": "needs answers",
    "decline": "declined",
    "locked": "locked",
}
_SORTS: Final = {
    "mine": "Changed in {mine}",
    "theirs": "Changed in {theirs}",
    "clash": "Changed in both",
    "differs": "Different",
}


@dataclass(frozen=True)
class Choice:
    """One side of a difference: its text, and whether it is picked."""

    side: Side
    text: str
    picked: bool


@dataclass(frozen=True)
class Pick:
    """One difference with its two choices. ``place`` names the rows around it, ``note`` who changed it."""

    id: str
    label: str
    place: str
    note: str
    before: str
    choices: tuple[Choice, Choice]
    is_clash: bool


@dataclass(frozen=True)
class MergePage:
    """All differences, those that need a pick first."""

    clashes: tuple[Pick, ...]
    changes: tuple[Pick, ...]
    same: str

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to pick."""
        return not (self.clashes or self.changes)


@dataclass(frozen=True)
class MergeResult:
    """The result of the picks so far: what it changes in words, the products that move, and new errors."""

    summary: str
    products: tuple[tuple[str, str], ...]
    errors: tuple[str, ...]
    may_merge: bool


def build_merge(
    reading: Reading, differences: Sequence[Difference], picks: Mapping[str, Side], titles: Mapping[Side, str]
) -> MergePage:
    """Return the page of ``differences`` between the copy in ``reading`` and another one, with the titles of both."""
    shown = [_pick(reading, found, picks.get(found.id), titles) for found in differences if found.sort != "same"]
    same = sum(found.sort == "same" for found in differences)
    return MergePage(
        tuple(pick for pick in shown if pick.is_clash),
        tuple(pick for pick in shown if not pick.is_clash),
        f"{counted(same, 'change')} that both copies made in the same way" if same else "",
    )


def build_result(reading: Reading, result: SaveResult, merged: Document, *, unpicked: int) -> MergeResult:
    """Return the result of the picks so far, with the ``merged`` document. ``unpicked`` clashes have no pick."""
    changed = sum(change.cause.type == "merge" for change in result.changes)
    known = {(message.path, message.code) for message in result.before.messages}
    told = reading.visibility.messages(result.evaluation.messages, lambda: merged)
    errors = [message for message in told if message.kind == "error" and (message.path, message.code) not in known]
    parts = [f"{counted(changed, 'change')} here" if changed else "Nothing changes here"]
    if unpicked:
        parts.insert(0, f"{counted(unpicked, 'clash', 'clashes')} without a pick")
    return MergeResult(
        " · ".join(parts),
        tuple(
            (product_name(reading.catalogue, code), _moved(reading, result.before.eligibility.get(code), outcome))
            for code, outcome in result.moved.items()
        ),
        tuple(f"{reading.label(message.path)}: {message.text}" for message in errors),
        may_merge=not unpicked,
    )


def _moved(reading: Reading, before: ProductOutcome | None, after: ProductOutcome | None) -> str:
    return " → ".join(_outcome(reading, outcome) for outcome in (before, after))


def _outcome(reading: Reading, outcome: ProductOutcome | None) -> str:
    if outcome is None:
        return "not requested"
    if outcome.premium is None:
        return _OUTCOMES[outcome.outcome]
    price = money(outcome.premium, reading.catalogue.definition.currency)
    return price if outcome.outcome == "eligible" else f"{price} ({_OUTCOMES[outcome.outcome]})"


def _pick(reading: Reading, difference: Difference, picked: Side | None, titles: Mapping[Side, str]) -> Pick:
    texts = [_text(reading, difference, state) for state in (difference.base, difference.mine, difference.theirs)]
    return Pick(
        id=difference.id,
        label=_label(reading, difference),
        place=_place(reading, difference),
        note=_SORTS[difference.sort].format(mine=titles["mine"], theirs=titles["theirs"]),
        before=texts[0] if difference.sort == "clash" else "",
        choices=(Choice("mine", texts[1], picked == "mine"), Choice("theirs", texts[2], picked == "theirs")),
        is_clash=difference.sort == "clash",
    )


def _label(reading: Reading, difference: Difference) -> str:
    path = Path(difference.path)
    if difference.kind == "row":
        return reading.label(path.pool)
    if difference.kind == "question_set":
        return reading.catalogue.sets[path.code].question_set.title
    if difference.kind in ("excluded", "bypassed"):
        return product_name(reading.catalogue, path.code)
    label = reading.label(path)
    return f"{label}: confirmed" if difference.kind == "confirmations" else label


def _place(reading: Reading, difference: Difference) -> str:
    """Return the rows around a difference: ``Locations 2, Buildings 1``."""
    if difference.kind not in ("answer", "confirmations", "row"):
        return ""
    places, path = [], ""
    around = row_steps(Path(difference.path).row)
    for pool, row_id in around[:-1] if difference.kind == "row" else around:
        path = join_path(path, pool, row_id)
        row = find_container(reading.document, path)
        title = row_title(reading, reading.catalogue.pools[pool].pool, row) if isinstance(row, PoolRow) else ""
        places.append(title or f"{reading.label(pool)} {row_number(reading.document, path)}")
    return listed(places)


def _text(reading: Reading, difference: Difference, state: State) -> str:
    if difference.kind == "answer":
        return reading.visibility.answer_text(difference.path, state) if isinstance(state, Answer) else "–"
    if difference.kind == "confirmations":
        return "Confirmed" if _is_confirmed(state) else "Not confirmed"
    if isinstance(state, PoolRow):
        pool = reading.catalogue.pools[Path(difference.path).pool].pool
        return row_title(reading, pool, state) or "One row"
    if isinstance(state, DocumentQuestionSet):
        return "Added by hand"
    if difference.kind in ("excluded", "bypassed"):
        return ("Excluded" if difference.kind == "excluded" else "Bypassed") if state else "Offered"
    was_there = difference.base is not None or difference.sort == "clash"
    return "Removed" if difference.kind == "row" and was_there else "Not here"


def _is_confirmed(state: State) -> bool:
    return isinstance(state, tuple) and any(isinstance(given, Confirmation) for given in state)
