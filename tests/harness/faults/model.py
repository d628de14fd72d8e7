"""A form as plain dictionaries: what the batch API must come to, whatever order of calls leads there. Pure."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from copies.document import Container, Document

#: ``{"answers": {code: value}, "houses": [{"id", "answers", "fences": [{"id", "answers"}]}]}``
Picture: TypeAlias = dict[str, Any]

#: How many houses and fences the catalogue of the kennels allows.
MOST_HOUSES, MOST_FENCES = 3, 5


@dataclass
class ModelCopy:
    """One copy: how it stands, and how it stood at each version."""

    title: str
    picture: Picture = field(default_factory=lambda: {"answers": {}, "houses": []})
    version: int = 0
    is_locked: bool = False
    is_deleted: bool = False
    touched: int = 0
    history: dict[int, Picture] = field(default_factory=dict)

    def clone(self, title: str) -> ModelCopy:
        """Return a new copy of this one, not saved yet."""
        return ModelCopy(title, copy.deepcopy(self.picture))

    def state(self) -> tuple[Any, ...]:
        """Return all that a save can change."""
        return copy.deepcopy((self.title, self.picture, self.is_locked, self.is_deleted))

    def saved(self, before: tuple[Any, ...] | None, moment: int) -> bool:
        """Count a save on from ``before`` (None for the first); return whether there was anything to write."""
        if before == self.state():
            return False
        self.version, self.touched = self.version + 1, moment
        self.history[self.version] = copy.deepcopy(self.picture)
        return True

    def put_back(self, version: int, row_id: str, position: int) -> None:
        """Put a house of an earlier version back, unless it is there."""
        if all(house["id"] != row_id for house in self.picture["houses"]):
            earlier = next(house for house in self.history[version]["houses"] if house["id"] == row_id)
            self.picture["houses"].insert(position, copy.deepcopy(earlier))

    def earlier_houses(self) -> list[tuple[int, str]]:
        """Return version and id of the houses that are gone, of all earlier ones where none is."""
        present = {house["id"] for house in self.picture["houses"]}
        known = [(version, house["id"]) for version, then in self.history.items() for house in then["houses"]]
        return [found for found in known if found[1] not in present] or known

    @property
    def is_full(self) -> bool:
        """Return whether no further house fits."""
        return len(self.picture["houses"]) == MOST_HOUSES


def take(answers: dict[str, Any], code: str, value: Any) -> None:
    """Put an answer into ``answers``; None and an empty list take it away."""
    if value in (None, []):
        answers.pop(code, None)
    else:
        answers[code] = value


def picture_of(document: Document) -> Picture:
    """Return the picture of what is stored; a sealed answer shows the four digits that its mask does."""
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
