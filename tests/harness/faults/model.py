"""A form as plain dictionaries: the expected result of the batch API for any order of calls. Pure."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from copies.document import Container, Document

#: ``{"answers": {code: value}, "houses": [{"id", "answers", "fences": [{"id", "answers"}]}]}``
Picture: TypeAlias = dict[str, Any]

#: The limits of houses and fences in the kennel catalogue.
MOST_HOUSES, MOST_FENCES = 3, 5


@dataclass
class ModelCopy:
    """One copy: its present state, and its state at each version."""

    title: str
    picture: Picture = field(default_factory=lambda: {"answers": {}, "houses": []})
    version: int = 0
    is_locked: bool = False
    is_deleted: bool = False
    is_base: bool = False
    lock_reason: str = ""
    copied_from: tuple[UUID, int] | None = None
    touched: int = 0
    #: How often a secret answer was given: the same one again is a change, so that nobody learns that it is the same.
    secrets_given: int = 0
    history: dict[int, Picture] = field(default_factory=dict)

    def clone(self, title: str, *, version: int | None = None) -> ModelCopy:
        """Return a new copy of this one, or of an earlier ``version`` of it, not saved yet."""
        return ModelCopy(title, copy.deepcopy(self.picture if version is None else self.history[version]))

    def version_at(self, place: int | None) -> int | None:
        """Return the saved version at ``place`` of the history, None without a place."""
        return None if place is None else list(self.history)[place % len(self.history)]

    def state(self) -> tuple[Any, ...]:
        """Return all that a save can change."""
        flags = (self.is_locked, self.lock_reason, self.is_deleted, self.is_base)
        return copy.deepcopy((self.title, self.picture, flags, self.secrets_given))

    def saved(self, before: tuple[Any, ...] | None, moment: int) -> bool:
        """Count a save after ``before`` (None for the first); return whether there was anything to write."""
        if before == self.state():
            return False
        self.version, self.touched = self.version + 1, moment
        self.history[self.version] = copy.deepcopy(self.picture)
        return True

    def put_back(self, version: int, row_id: str, position: int) -> None:
        """Restore a house of an earlier version, unless it exists."""
        if all(house["id"] != row_id for house in self.picture["houses"]):
            earlier = next(house for house in self.history[version]["houses"] if house["id"] == row_id)
            self.picture["houses"].insert(position, copy.deepcopy(earlier))

    def earlier_houses(self) -> list[tuple[int, str]]:
        """Return version and id of the removed houses, or of all earlier ones if none was removed."""
        present = {house["id"] for house in self.picture["houses"]}
        known = [(version, house["id"]) for version, then in self.history.items() for house in then["houses"]]
        return [found for found in known if found[1] not in present] or known

    @property
    def is_full(self) -> bool:
        """Return whether no further house fits."""
        return len(self.picture["houses"]) == MOST_HOUSES


def take(answers: dict[str, Any], code: str, value: Any) -> None:
    """Store an answer in ``answers``; None and an empty list remove it."""
    if value in (None, []):
        answers.pop(code, None)
    else:
        answers[code] = value


def picture_of(document: Document) -> Picture:
    """Return the stored state for comparison; a sealed answer is represented by the four digits of its mask."""
    return {
        "answers": _answers(document),
        "houses": [
            {"id": house.id, "answers": _answers(house), "fences": _rows(house, "fences")}
            for house in document.answer_pools.get("houses", ())
        ],
    }


def _rows(container: Container, pool: str) -> list[Picture]:
    return [{"id": row.id, "answers": _answers(row)} for row in container.answer_pools.get(pool, ())]


def _answers(container: Container) -> dict[str, Any]:
    return {
        code: answer.value if answer.sealed is None else answer.mask[-4:]
        for code, answer in container.answers.items()
        if answer.is_answered
    }
