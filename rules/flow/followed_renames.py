"""Moves the answers and rows of a document to the codes that later releases gave to their questions. Pure.

Nothing is lost: what has no certain new place stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from copies.document import Answer, AnswerValue, Container, Document
from copies.paths import join_path
from rules.definition.renames import Renames


class Resealing(Protocol):
    """Opens and seals the sensitive answers of one copy, whose ciphertext is bound to their path."""

    def seal(self, path: str, value: AnswerValue) -> bytes:
        """Return the ciphertext of ``value`` for ``path``."""

    def reveal(self, path: str, answer: Answer) -> AnswerValue:
        """Return the plain value of ``answer``."""


def follow_renames(document: Document, releases: Iterable[Renames], *, sealing: Resealing | None = None) -> None:
    """Move everything in ``document`` to the codes after ``releases``, one after the other.

    Without ``sealing``, sealed answers move unopened and cannot be opened at their new path: for documents that are
    only searched.
    """
    for renames in releases:
        for part in document.question_sets:
            new = renames.sets.get(part.code, part.code)
            if all(other.code != new for other in document.question_sets):
                part.code = new
        _Follower(renames, sealing).container(document, "", before="", after="")


class _Follower:
    """Follows the renames of one release."""

    def __init__(self, renames: Renames, sealing: Resealing | None) -> None:
        self._renames = renames
        self._sealing = sealing

    def container(self, container: Container, pool: str, *, before: str, after: str) -> None:
        """Rename in ``container``, a row of ``pool`` or the document (""), whose path changes to ``after``."""
        moved = self._answers(container, pool)
        for code, answer in container.answers.items():
            paths = join_path(before, moved.get(code, code)), join_path(after, code)
            self._choices(answer, code, paths) if self._renames.homes.get(code) == pool else self._reseal(answer, paths)
        renamed = self._pools(container, pool)
        for code, rows in container.answer_pools.items():
            is_known = self._renames.parents.get(code) == pool
            for row in rows:
                paths = join_path(before, renamed.get(code, code), row.id), join_path(after, code, row.id)
                # Nothing is renamed in rows that are no longer asked, but their own path may be another.
                self.container(row, code if is_known else f"/{code}", before=paths[0], after=paths[1])

    def _answers(self, container: Container, pool: str) -> dict[str, str]:
        """Rename the answers; return the old codes by their new ones."""
        moved = {}
        for old in [old for old in container.answers if old in self._renames.questions]:
            new = self._renames.questions[old]
            known = container.answers.get(new.code)
            if new.pool == pool and (known is None or not known.is_answered):
                container.answers[new.code] = container.answers.pop(old)
                moved[new.code] = old
        return moved

    def _pools(self, container: Container, pool: str) -> dict[str, str]:
        """Rename the pools; return the old codes by their new ones."""
        renamed = {}
        for old in [old for old in container.answer_pools if old in self._renames.pools]:
            new = self._renames.pools[old]
            if new.pool == pool and not container.answer_pools.get(new.code):
                container.answer_pools[new.code] = container.answer_pools.pop(old)
                renamed[new.code] = old
        return renamed

    def _choices(self, answer: Answer, code: str, paths: tuple[str, str]) -> None:
        """Rename the choices in the answer to the question ``code``, and reseal it."""
        choices = self._renames.choices.get(code)
        if not choices:
            self._reseal(answer, paths)
        elif answer.sealed is None:
            answer.value = _renamed(answer.value, choices)
        elif self._sealing is not None:
            value = _renamed(self._sealing.reveal(paths[0], answer), choices)
            answer.sealed = self._sealing.seal(paths[1], value)

    def _reseal(self, answer: Answer, paths: tuple[str, str]) -> None:
        before, after = paths
        if before != after and answer.sealed is not None and self._sealing is not None:
            answer.sealed = self._sealing.seal(after, self._sealing.reveal(before, answer))


def _renamed(value: AnswerValue, choices: Mapping[str, str]) -> AnswerValue:
    if isinstance(value, list):
        return list(dict.fromkeys(choices.get(item, item) for item in value))
    return choices.get(value, value) if isinstance(value, str) else value
