"""The places of one form that are a person's: the rows and the top of the form where their answers are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from copies.document import Answer, Document, walk_containers
from copies.paths import Path, is_below, join_path, split_path
from presentation.visibility import NOBODY, PUBLIC, Visibility
from rules.definition.model import CompiledCatalogue


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """The ``prefixes`` of rows ("" is the top of the form) that are the person's, and the paths of the answers that
    named them.

    Theirs are the answers there that are not public, rows below such a row included, and the named ones.
    """

    prefixes: frozenset[str]
    named: frozenset[str]
    catalogue: CompiledCatalogue

    def is_theirs(self, path: str, answer: Answer | None = None) -> bool:
        """Return whether the answer at ``path`` is the person's. An unknown question counts as personal."""
        if path in self.named:
            return True
        if not Path(path).is_answer or not self._is_inside(split_path(path)[0]):
            return False
        return Visibility(self.catalogue, NOBODY).of(path, answer) is not PUBLIC

    def _is_inside(self, prefix: str) -> bool:
        return prefix in self.prefixes or any(is_below(prefix, around) for around in self.prefixes if around)

    def answers_in(self, document: Document) -> Iterator[tuple[str, Answer]]:
        """Yield path and answer of each of their answers in ``document``."""
        for prefix, container in walk_containers(document):
            for code, answer in container.answers.items():
                path = join_path(prefix, code)
                if self.is_theirs(path, answer):
                    yield path, answer

    def is_choice(self, path: str) -> bool:
        """Return whether the answer at ``path`` is a choice, whose code is no word of the person."""
        part = self.catalogue.questions.get(split_path(path)[1])
        return part is not None and bool(part.question.choices)


def places_of(matches: Mapping[str, Mapping[str, Iterable[str]]], catalogue: CompiledCatalogue) -> Places:
    """Return the places of a form for what matched there: by prefix, the codes by how they matched."""
    named = {join_path(prefix, code) for prefix, found in matches.items() for codes in found.values() for code in codes}
    return Places(prefixes=frozenset(matches), named=frozenset(named), catalogue=catalogue)
