"""Answers and rows in the shapes of the API, checked as a whole before anything is changed. Pure.

All steps are planned first; with a single fault none is carried out. Mutators appear here as protocols, because they
call this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeAlias

from batch.changes.orphans import Orphans
from batch.changes.submitted_values import Unchanged, read_submitted
from batch.changes.tracker import ChangeTracker, Origin
from batch.errors import (
    AnswerFault,
    InvalidAnswers,
    PoolIsFull,
    ReadOnlyAnswer,
    UnknownPart,
    UnknownPool,
    UnknownQuestion,
    UnknownRow,
)
from copies.document import AnswerValue
from copies.paths import join_path
from presentation.answers_schema import MAX_REF
from rules.definition.model import CompiledQuestion
from rules.definition.renames import renamed_parts
from rules.nearest import nearest
from rules.types.cleaning import InvalidValue

ROW_KEYS: Final = frozenset({"id", "answers", "answer_pools", "delete", "ref"})
#: The values that clear an answer.
CLEARING: Final[tuple[object, ...]] = (None, "", [])
#: The id of a row that is to be added, in the paths of its faults.
NEW_ROW: Final = "new"
#: This many faults are listed; the others are counted, so that a response is never much longer than its request.
MOST_FAULTS: Final = 100
#: Unknown codes and keys are repeated up to this length.
_SHOWN: Final = 80


#: Known codes, and their earlier ones by the present ones.
_Known: TypeAlias = tuple[tuple[str, ...], Mapping[str, str]]
NO_LABELS: Final[Mapping[str, str]] = MappingProxyType({})
#: Longer paths and pointers of faults are cut.
_LONGEST: Final = 500


class AnswerTarget(Protocol):
    """The mutator of an answer."""

    path: str

    @property
    def is_readonly(self) -> bool:
        """Return whether the answer is read-only for people."""

    def read_submitted(self, value: object, /) -> AnswerValue | Unchanged:
        """Return ``value`` cleaned, or ``UNCHANGED`` for the mask that the actor is shown. Raises ``InvalidValue``."""

    def apply_cleaned(self, value: AnswerValue, /) -> object:
        """Store the cleaned ``value``."""


class Holder(Protocol):
    """A holder of answers and pools: a changeset or a row."""

    @property
    def orphans(self) -> Orphans:
        """Return the answers and pools here that the release does not have."""

    def find_answer(self, path: str, /) -> AnswerTarget:
        """Return the mutator of an answer."""

    def find_pool(self, code: str, /) -> PoolTarget:
        """Return the mutator of a pool."""


class RowTarget(Holder, Protocol):
    """The mutator of a row."""

    path: str

    @property
    def pool_code(self) -> str:
        """Return the code of its pool."""

    def remove(self) -> None:
        """Remove the row."""


class PoolTarget(Protocol):
    """The mutator of a pool."""

    @property
    def rows(self) -> Sequence[RowTarget]:
        """Return the rows in order."""

    def find_row(self, row_id: str, /) -> RowTarget:
        """Return the row with ``row_id``. Raises ``UnknownRow``."""

    def add_empty(self) -> RowTarget:
        """Add an empty row."""


@dataclass(frozen=True, slots=True)
class Place:
    """The target of answers: the document (``pool`` "") or a row of ``pool``; ``existing`` is None for a new row."""

    pool: str
    path: str
    pointer: str
    existing: Holder | None
    open: Callable[[], Holder]


class Plan:
    """The steps that put submitted answers into a changeset, and the faults of the answers."""

    def __init__(self, tracker: ChangeTracker) -> None:
        """Made by ``plan_answers`` and ``plan_row``."""
        self._tracker = tracker
        self._steps: list[Callable[[], object]] = []
        self._faults: list[AnswerFault] = []
        self._more = 0
        self._collected: dict[tuple[str, str], _Known] = {}
        self._refs: set[str] = set()

    def carry_out(self) -> None:
        """Carry out all steps. With any fault raise ``InvalidAnswers`` with all of them and carry out none."""
        if self._faults:
            raise InvalidAnswers(self._faults, more=self._more)
        self.carry_out_valid()

    def carry_out_valid(self) -> None:
        """Carry out the steps of all values without faults: the rules then find the faults of those."""
        for step in self._steps:
            step()

    def add_place(self, place: Place, answers: object, answer_pools: object) -> None:
        """Plan ``answers`` and ``answer_pools`` for ``place``."""
        for code, value in self._items(answers, place.path, f"{place.pointer}/answers"):
            self._add_answer(place, code, value)
        for code, rows in self._items(answer_pools, place.path, f"{place.pointer}/answer_pools"):
            self._add_pool(place, code, rows)

    def _add_answer(self, place: Place, code: str, value: object) -> None:
        path, pointer = join_path(place.path, code), f"{place.pointer}/answers/{_escape(code)}"
        question = self._tracker.catalogue.questions.get(code)
        if value in CLEARING and place.existing is not None and place.existing.orphans.has_answer(code):
            self._steps.append(partial(place.existing.orphans.remove_answer, code))
            return None
        if question is None:
            text, (known, labels) = (
                "There is no question with this code. See the catalogue.",
                self._codes_of(place.pool),
            )
            return self._fault(path, pointer, UnknownQuestion.code, text, given=code, known=known, labels=labels)
        if question.pool != place.pool:
            belongs = f"to the rows of pool {question.pool!r}" if question.pool else "to the top level"
            return self._fault(path, pointer, "wrong_place", f"This question belongs {belongs}.")
        existing = place.existing.find_answer(code) if place.existing is not None else None
        try:
            if existing is not None:
                cleaned = existing.read_submitted(value)
            else:
                cleaned = read_submitted(self._tracker, question.question, path, answer=None, submitted=value)
        except InvalidValue as error:
            labels = self._choices(question, error)
            given = _unknown_choice(value, labels)
            return self._fault(path, pointer, error.code, error.text, given=given, known=tuple(labels), labels=labels)
        if isinstance(cleaned, Unchanged):
            return None
        if existing is not None and existing.is_readonly:
            return self._fault(path, pointer, ReadOnlyAnswer.code, "This answer is read-only.")
        # Not the method of a plan, which would then refer to itself: what refers to itself waits for the collector of
        # garbage, and a plan refers to the whole unit of work.
        tracker = self._tracker
        self._steps.append(
            lambda: _take(tracker, existing or place.open().find_answer(code), cleaned, Origin(path, pointer))
        )

    def _add_pool(self, place: Place, code: str, rows: object) -> None:
        path, pointer = join_path(place.path, code), f"{place.pointer}/answer_pools/{_escape(code)}"
        try:
            existing = self._existing_pool(place, code)
        except UnknownPart as error:
            if place.existing is not None and place.existing.orphans.rows(code):
                return self._remove_orphans(place.existing.orphans, code, rows, (path, pointer))
            known, labels = self._pools_of(place.pool)
            return self._fault(path, pointer, error.code, str(error), given=code, known=known, labels=labels)
        if not isinstance(rows, Sequence) or isinstance(rows, str):
            return self._fault(path, pointer, "wrong_type", "Give a list of rows.")
        most = self._tracker.catalogue.pools[code].pool.max
        present = len(existing.rows) if existing else 0
        full = f"A form has at most {most} rows here."
        if len(rows) > most + present:
            # Each present row can be named once, so too many are new: refused without a look at each.
            return self._fault(path, pointer, PoolIsFull.code, full)
        seen: set[str] = set()
        room = 0
        for position, row in enumerate(rows):
            room += self._add_row(place, code, existing, row, f"{pointer}/{position}", seen)
        if present + room > most and room > 0:
            self._fault(path, pointer, PoolIsFull.code, full)

    def _remove_orphans(self, orphans: Orphans, code: str, rows: object, place: tuple[str, str]) -> None:
        """Plan the removal of ``rows`` of the pool ``code``, which is no longer asked here; ``place`` is its path and
        pointer.
        """
        path, pointer = place
        known, orders = {row.id for row in orphans.rows(code)}, rows if isinstance(rows, list) else [rows]
        for position, row in enumerate(orders):
            row_id = row.get("id") if isinstance(row, Mapping) and row.keys() == {"id", "delete"} else None
            if not isinstance(row_id, str) or row["delete"] is not True:
                text = "This group is no longer part of the form: its rows can only be deleted, by id and delete: true."
                self._fault(path, f"{pointer}/{position}", "no_longer_asked", text)
            elif row_id not in known:
                unknown = UnknownRow(join_path(path, row_id))
                self._fault(join_path(path, row_id), f"{pointer}/{position}/id", unknown.code, str(unknown))
            else:
                known.remove(row_id)
                self._steps.append(partial(orphans.remove_row, code, row_id))

    def _existing_pool(self, place: Place, code: str) -> PoolTarget | None:
        if place.existing is not None:
            return place.existing.find_pool(code)
        pool = self._tracker.catalogue.pools.get(code)
        if pool is None or pool.pool.parent != place.pool:
            raise UnknownPool(join_path(place.path, code))
        return None

    def _add_row(
        self, place: Place, code: str, pool: PoolTarget | None, row: object, pointer: str, seen: set[str]
    ) -> int:  # fmt: skip
        """Plan one row; return by how many rows the pool grows."""
        path = join_path(place.path, code)
        if not isinstance(row, Mapping):
            self._fault(path, pointer, "wrong_type", "A row is an object with answers, answer_pools, id or delete.")
            return 0
        for key in sorted(map(str, set(row) - ROW_KEYS)):
            text = f"A row has no {key[:_SHOWN]!r}; answers go below 'answers'."
            known = tuple(sorted(ROW_KEYS))
            self._fault(path, f"{pointer}/{_escape(key)}", "unknown_key", text, given=key, known=known)
        if "id" not in row:
            if "delete" in row:
                self._fault(path, f"{pointer}/delete", "missing_id", "To delete a row give its id.")
            else:
                self._add_new_row(place, code, row, pointer)
            return 1
        found = self._find_row(pool, path, row["id"], f"{pointer}/id", seen)
        if found is None:
            return 0
        if "ref" in row:
            self._fault(found.path, f"{pointer}/ref", "ref_of_known_row", "A ref names a new row; this one has its id.")
            return 0
        if "delete" not in row:
            place_of_row = Place(code, found.path, pointer, found, lambda: found)
            self.add_place(place_of_row, row.get("answers", {}), row.get("answer_pools", {}))
            return 0
        if row["delete"] is not True or len(row) > 2:
            self._fault(
                found.path,
                f"{pointer}/delete",
                "wrong_type",
                "To delete a row give its id and delete: true, nothing else.",
            )
            return 0
        self._steps.append(found.remove)
        return -1

    def _add_new_row(self, place: Place, code: str, row: Mapping[str, Any], pointer: str) -> None:
        add = cache(lambda: place.open().find_pool(code).add_empty())
        self._steps.append(add)
        if "ref" in row:
            self._name_row(row["ref"], add, join_path(place.path, code, NEW_ROW), f"{pointer}/ref")
        new = Place(code, join_path(place.path, code, NEW_ROW), pointer, None, add)
        self.add_place(new, row.get("answers", {}), row.get("answer_pools", {}))

    def _name_row(self, ref: object, add: Callable[[], RowTarget], path: str, pointer: str) -> None:
        """Plan to note which row is the new one that the caller names ``ref``."""
        if not isinstance(ref, str) or not 1 <= len(ref) <= MAX_REF:
            self._fault(path, pointer, "wrong_type", f"A ref is a text of 1 to {MAX_REF} characters.")
        elif ref in self._refs:
            self._fault(path, pointer, "duplicate_ref", "Another new row of this request has the same ref.")
        else:
            self._refs.add(ref)
            refs = self._tracker.refs
            self._steps.append(lambda: refs.update({ref: add().path}))

    def _find_row(
        self, pool: PoolTarget | None, path: str, row_id: object, pointer: str, seen: set[str]
    ) -> RowTarget | None:  # fmt: skip
        if not isinstance(row_id, str):
            self._fault(path, pointer, "wrong_type", "A row's id is a text.")
            return None
        row_id = row_id.lower()
        if row_id in seen:
            self._fault(join_path(path, row_id), pointer, "duplicate_row", "This row is given twice.")
            return None
        seen.add(row_id)
        try:
            if pool is None:
                raise UnknownRow(join_path(path, row_id))
            return pool.find_row(row_id)
        except UnknownRow as error:
            self._fault(join_path(path, row_id), pointer, error.code, str(error))
            return None

    def _items(self, given: object, path: str, pointer: str) -> list[tuple[str, object]]:
        if isinstance(given, Mapping):
            return list(given.items())
        self._fault(path, pointer, "wrong_type", "Give an object with one entry per code.")
        return []

    def _choices(self, question: CompiledQuestion, error: InvalidValue) -> Mapping[str, str]:
        return self._tracker.catalogue.choices(question.question) if error.code == "unknown_choice" else {}

    def _codes_of(self, pool: str) -> _Known:
        """Return the codes of the questions of ``pool``, or of the top level."""
        return self._known("question", pool, self._tracker.catalogue.questions, lambda question: question.pool)

    def _pools_of(self, parent: str) -> _Known:
        return self._known("pool", parent, self._tracker.catalogue.pools, lambda pool: pool.pool.parent)

    def _known(self, sort: str, place: str, parts: Mapping[str, Any], place_of: Callable[[Any], str]) -> _Known:
        """Return the codes of the ``parts`` of ``place``, and the codes that these had in earlier releases.

        They are collected once, however many codes of a request are unknown.
        """
        key = (sort, place)
        if key not in self._collected:
            codes = {code: None for code, part in parts.items() if place_of(part) == place}
            renamed = renamed_parts(self._tracker.catalogue.definition)
            self._collected[key] = tuple(codes), {part.code: part.was for part in renamed if part.code in codes}
        return self._collected[key]

    def _fault(  # noqa: PLR0913 - the parts of a fault
        self,
        path: str,
        pointer: str,
        code: str,
        text: str,
        *,
        given: object = None,
        known: tuple[str, ...] = (),
        labels: Mapping[str, str] = NO_LABELS,
    ) -> None:
        """Note a fault; ``given`` is none of the ``known`` values, whose names may be in ``labels``."""
        if len(self._faults) == MOST_FAULTS:
            self._more += 1
            return
        meant = nearest(given, known, labels=labels) if known else ""
        self._faults.append(AnswerFault(path[:_LONGEST], code, text, pointer[:_LONGEST], meant, known))


def _take(tracker: ChangeTracker, mutator: AnswerTarget, cleaned: AnswerValue, origin: Origin) -> None:
    mutator.apply_cleaned(cleaned)
    tracker.origins[mutator.path] = origin


def plan_answers(
    tracker: ChangeTracker, top: Holder, *, answers: Mapping[str, object], answer_pools: Mapping[str, object]
) -> Plan:
    """Return the plan for ``answers`` and ``answer_pools`` at the ``top`` of the document."""
    plan = Plan(tracker)
    plan.add_place(Place("", "", "", top, lambda: top), answers, answer_pools)
    return plan


def plan_row(
    tracker: ChangeTracker, row: RowTarget, *, answers: Mapping[str, object], answer_pools: Mapping[str, object]
) -> Plan:
    """Return the plan for ``answers`` and ``answer_pools`` in ``row``."""
    plan = Plan(tracker)
    plan.add_place(Place(row.pool_code, row.path, "", row, lambda: row), answers, answer_pools)
    return plan


def _unknown_choice(value: object, known: Mapping[str, str]) -> object:
    """Return the choice that is unknown: ``value``, or the first of a list."""
    if isinstance(value, list):
        return next((item for item in value if item not in known), None) if all(map(_is_code, value)) else None
    return value


def _is_code(value: object) -> bool:
    return isinstance(value, str)


def _escape(token: str) -> str:
    """Escape a JSON pointer token (RFC 6901)."""
    # Nearly all are codes of the catalogue.
    return token if token.isidentifier() else token.replace("~", "~0").replace("/", "~1")
