"""The picks of a merge, and their effect on a document. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias, TypeVar

import msgspec

from copies.document import Answer, Container, Document, DocumentQuestionSet, PoolRow, find_container
from copies.merge import MINE, THEIRS, Difference, Side
from copies.paths import Path, split_path

T = TypeVar("T")
#: The pick of differences without one that are no clash: the side that changed, or mine.
Others: TypeAlias = Literal["changed", "mine"]


class UnknownDifference(Exception):
    """A pick names a difference that does not exist."""

    def __init__(self, identity: str) -> None:
        super().__init__(f"There is no difference {identity!r}.")
        self.identity = identity


class Picked(msgspec.Struct, frozen=True):
    """The side of each difference by its id, and the clashes without a pick, which stay as they are in mine."""

    sides: Mapping[str, Side]
    unpicked: tuple[Difference, ...]


def pick_sides(differences: Iterable[Difference], picks: Mapping[str, Side], *, others: Others = "changed") -> Picked:
    """Return the side of every difference. Raises ``UnknownDifference``."""
    differences = list(differences)
    unknown = picks.keys() - {difference.id for difference in differences}
    if unknown:
        raise UnknownDifference(min(unknown))
    defaults = {found.id: found.default_pick if others == "changed" else MINE for found in differences}
    sides: dict[str, Side] = {identity: picks.get(identity) or side or MINE for identity, side in defaults.items()}
    return Picked(sides, tuple(found for found in differences if found.sort == "clash" and found.id not in picks))


def steps_of(differences: Iterable[Difference], picked: Picked) -> list[Difference]:
    """Return the differences that change mine, in an order in which they can be carried out one by one: answers first,
    then the rows that go, so that a full pool has room for those that come.
    """
    steps = [found for found in differences if picked.sides[found.id] == THEIRS and found.sort != "same"]
    return sorted(steps, key=lambda found: (found.kind == "row", found.theirs is not None))


def apply_picks(mine: Document, differences: Iterable[Difference], picked: Picked) -> Document:
    """Return ``mine`` with the picks carried out; it is left as it is, and so are its sealed answers."""
    merged = _copied(mine, Document)
    for step in steps_of(differences, picked):
        _CARRY_OUT[step.kind](merged, step)
    return merged


def _copied(part: T, type_: type[T]) -> T:
    """Return a copy of ``part`` that shares nothing with it."""
    return msgspec.json.decode(msgspec.json.encode(part), type=type_)


def _take_answer(document: Document, step: Difference) -> None:
    container, code = _place(document, step.path)
    present = container.answers.get(code) or Answer()
    theirs = step.theirs if isinstance(step.theirs, Answer) else Answer()
    container.answers[code] = msgspec.structs.replace(
        theirs, active=present.active, required=present.required, readonly=present.readonly
    )


def _take_confirmations(document: Document, step: Difference) -> None:
    container, code = _place(document, step.path)
    if isinstance(step.theirs, tuple):
        container.answers[code].confirmed = step.theirs


def _take_row(document: Document, step: Difference) -> None:
    parent, row_id = split_path(step.path)
    container, pool = _place(document, parent)
    rows = container.answer_pools.setdefault(pool, [])
    if isinstance(step.theirs, PoolRow):
        rows.insert(position_of(rows, step), _copied(step.theirs, PoolRow))
    else:
        rows[:] = [row for row in rows if row.id != row_id]


def position_of(rows: list[PoolRow], step: Difference) -> int:
    """Return the position among the ``rows`` of mine for the row that comes from theirs."""
    return next((place for place, row in enumerate(rows) if row.id == step.before), len(rows))


def _take_question_set(document: Document, step: Difference) -> None:
    code = Path(step.path).code
    document.question_sets = [part for part in document.question_sets if part.code != code]
    if isinstance(step.theirs, DocumentQuestionSet):
        document.question_sets.append(msgspec.structs.replace(step.theirs))


def _take_product(document: Document, step: Difference) -> None:
    name, code = split_path(step.path)
    products: list[str] = getattr(document, name)
    products[:] = [product for product in products if product != code] + ([code] if step.theirs else [])


def _place(document: Document, path: str) -> tuple[Container, str]:
    prefix, code = split_path(path)
    container = find_container(document, prefix)
    assert container is not None  # noqa: S101 - a difference is inside of what mine has
    return container, code


_CARRY_OUT = {
    "answer": _take_answer,
    "confirmations": _take_confirmations,
    "row": _take_row,
    "question_set": _take_question_set,
    "excluded": _take_product,
    "bypassed": _take_product,
}
