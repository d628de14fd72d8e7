"""The part of a copy that a guest link names: all of it, some question sets, or exactly named questions. Pure.

The batch refuses every change of a guest outside of it, whatever the entry point; the pages show nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from copies.document import Container, walk_containers
from copies.paths import Path
from rules.definition.model import CompiledCatalogue


@dataclass(frozen=True, slots=True)
class GuestScope:
    """The codes of the ``question_sets`` and the paths of the single ``questions`` of a link; both empty for the whole
    copy, unless ``is_closed``: then nothing.

    A question set includes all its questions, also those that appear later, and the rows of its pool. The sets of
    nested pools must be named themselves.
    """

    question_sets: frozenset[str] = frozenset()
    questions: frozenset[str] = frozenset()
    is_closed: bool = False

    @classmethod
    def of(cls, question_sets: Iterable[str], questions: Iterable[str]) -> GuestScope:
        """Return the scope of a link with these sets and questions."""
        return cls(frozenset(question_sets), frozenset(questions))

    @property
    def is_whole(self) -> bool:
        """Return whether it is the whole copy."""
        return not (self.question_sets or self.questions or self.is_closed)

    def has_answer(self, catalogue: CompiledCatalogue, path: str) -> bool:
        """Return whether the answer at ``path`` is part of it."""
        if self is WHOLE or self.is_whole or path in self.questions:
            return True
        question = catalogue.questions.get(Path(path).code)
        return question is not None and question.set_code in self.question_sets

    def has_rows(self, catalogue: CompiledCatalogue, pool: str) -> bool:
        """Return whether rows of the pool with this code may be added, and removed with what they contain."""
        if self.is_whole:
            return True
        known = catalogue.pools.get(pool)
        return known is not None and known.set_code in self.question_sets

    def has_row(self, catalogue: CompiledCatalogue, pool: str, row: Container) -> bool:
        """Return whether a ``row`` of ``pool`` is part of it with everything in it."""
        nested = {code for _, inner in walk_containers(row) for code, rows in inner.answer_pools.items() if rows}
        return all(self.has_rows(catalogue, code) for code in (pool, *nested))

    def has(self, catalogue: CompiledCatalogue, path: str) -> bool:
        """Return whether the answer, pool or row at ``path`` is part of it."""
        place = Path(path)
        if place.is_answer and place.code not in catalogue.pools:
            return self.has_answer(catalogue, path)
        return self.has_rows(catalogue, place.code if place.is_answer else place.pool)

    def touches_row(self, catalogue: CompiledCatalogue, path: str, pool: str) -> bool:
        """Return whether something in the row at ``path``, one of ``pool``, can be part of it."""
        below = _sets_below(catalogue, pool)
        return (
            self.is_whole
            or bool(below & self.question_sets)
            or any(question.startswith(f"{path}/") for question in self.questions)
        )

    def touches_set(self, catalogue: CompiledCatalogue, code: str) -> bool:
        """Return whether something on the card of the question set ``code`` can be part of it."""
        if self.is_whole or code in self.question_sets:
            return True
        pool = catalogue.sets[code].pool
        if pool:
            below = _sets_below(catalogue, pool)
            return bool(below & self.question_sets) or any(path.startswith(f"{pool}/") for path in self.questions)
        return any(
            (question := catalogue.questions.get(path)) is not None and question.set_code == code
            for path in self.questions
        )

    def only(self, catalogue: CompiledCatalogue, paths: Iterable[str]) -> list[str]:
        """Return those of ``paths`` that are part of it."""
        return [path for path in paths if self.has(catalogue, path)]


#: The scope of everybody who is not a guest, and of a link that names nothing in particular.
WHOLE: Final = GuestScope()
#: The scope of a guest whose link is not in force.
CLOSED: Final = GuestScope(is_closed=True)


def _sets_below(catalogue: CompiledCatalogue, pool: str) -> frozenset[str]:
    """Return the codes of the sets of ``pool`` and of the pools nested in it."""
    part = catalogue.pools[pool]
    return frozenset({part.set_code}).union(*(_sets_below(catalogue, child) for child in part.children))
