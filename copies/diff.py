"""Finds the differences between two to four documents, question by question and row by row. Pure.

Documents are compared as their readers see them (docs/copies.md):

- An answer counts while its question is asked. A question that only some documents ask is a difference of visibility
  (``asked`` varies), and only where one of those documents has an answer to it.
- Rows are matched by ``copies.row_matching``; their order has no meaning. A row that a document lacks is one
  difference, whatever answers it has.
- A value that is sealed, or that the reader may not compare, is the same where it was given by the same author at the
  same time: its content is never looked at (docs/adr/0024-unreadable-is-never-compared.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from copies.document import Answer, AnswerValue, Container, Document, PoolRow
from copies.row_matching import IsComparable, align_rows, is_open, match_rows

#: The codes of the key questions of each pool.
Keys: TypeAlias = Mapping[str, Sequence[str]]


class AnswerDifference(msgspec.Struct, frozen=True, gc=False):
    """A question whose answers differ. All tuples have one place per document.

    ``paths`` are the paths of the answer, None where its row is missing; ``answers`` its answers, None where the
    question is not asked. ``is_of_visibility`` is True if the answers are the same wherever the question is asked.
    """

    paths: tuple[str | None, ...]
    answers: tuple[Answer | None, ...]
    is_of_visibility: bool = False

    @property
    def path(self) -> str:
        """Return the path in the first document that has one."""
        return _first(self.paths)


class RowDifference(msgspec.Struct, frozen=True):
    """A row of ``pool`` that some documents lack: its ``paths`` and ``rows``, None where it is missing."""

    pool: str
    paths: tuple[str | None, ...]
    rows: tuple[PoolRow | None, ...]

    @property
    def path(self) -> str:
        """Return the path in the first document that has one."""
        return _first(self.paths)


Difference: TypeAlias = AnswerDifference | RowDifference


def differences(documents: Sequence[Document], keys: Keys, *, comparable: IsComparable = is_open) -> list[Difference]:
    """Return the differences between ``documents`` (two or more) in the order of the first: answers, then rows.

    ``comparable`` returns whether the reader may compare an answer by its value. Linear in the number of answers.
    """
    return list(_Comparison(keys, comparable).between(documents, [""] * len(documents)))


def is_same_value(one: AnswerValue, other: AnswerValue) -> bool:
    """Return whether two values are the same answer: a multiple choice is a set, 5 is 5.0, and blank is
    unanswered.
    """
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and set(one) == set(other)
    return one == other or (one in (None, "", []) and other in (None, "", []))


class _Comparison:
    def __init__(self, keys: Keys, comparable: IsComparable) -> None:
        self._keys = keys
        self._comparable = comparable

    def between(self, containers: Sequence[Container | None], prefixes: Sequence[str]) -> Iterator[Difference]:
        """Yield the differences of one document or row; ``containers`` are None where the row is missing."""
        present = [container for container in containers if container is not None]
        first = present[0]
        if any(other.answers != first.answers for other in present):
            yield from self._answers(containers, prefixes)
        pools = dict.fromkeys(pool for container in present for pool in container.answer_pools)
        for pool in pools:
            yield from self._rows(pool, containers, prefixes)

    def _answers(self, containers: Sequence[Container | None], prefixes: Sequence[str]) -> Iterator[AnswerDifference]:
        present = [container.answers for container in containers if container is not None]
        first = present[0]
        codes = first if all(found.keys() == first.keys() for found in present) else _codes(present)
        for code in codes:
            one = first.get(code)
            for answers in present[1:]:
                other = answers.get(code)
                if other != one and not self._is_plainly_same(code, one, other):
                    break
            else:
                continue
            found = [answers.get(code) for answers in present]
            asked = [answer for answer in found if answer is not None and answer.active]
            if not any(answer.is_answered for answer in asked):
                continue
            varies = any(not self._is_same(code, asked[0], other) for other in asked[1:])
            if varies or len(asked) < len(found):
                yield AnswerDifference(
                    paths=_paths(containers, prefixes, code),
                    answers=tuple(_asked(container, code) for container in containers),
                    is_of_visibility=not varies,
                )

    def _is_plainly_same(self, code: str, one: Answer | None, other: Answer | None) -> bool:
        """Return whether two answers are the same as they stand; False leaves it open. Most answers end here."""
        return (
            one is not None
            and other is not None
            and one.value == other.value
            and one.value.__class__ is other.value.__class__
            and one.active
            and other.active
            and one.sealed is None
            and other.sealed is None
            and self._comparable(code, one)
            and self._comparable(code, other)
        )

    def _is_same(self, code: str, one: Answer, other: Answer) -> bool:
        if one.is_answered != other.is_answered:
            return False
        if not one.is_answered:
            return True
        is_readable = one.sealed is None and other.sealed is None
        if is_readable and self._comparable(code, one) and self._comparable(code, other):
            return is_same_value(one.value, other.value)
        return one.updated_at is not None and (one.updated_at, one.answered_by) == (other.updated_at, other.answered_by)

    def _rows(
        self, pool: str, containers: Sequence[Container | None], prefixes: Sequence[str]
    ) -> Iterator[Difference]:  # fmt: skip
        key = self._keys.get(pool, ())
        sides = [container.answer_pools.get(pool, ()) if container is not None else () for container in containers]
        if len(sides) == 2:
            groups: Sequence[tuple[PoolRow | None, ...]] = match_rows(
                sides[0], sides[1], key, comparable=self._comparable
            )
        else:
            groups = align_rows(sides, key, comparable=self._comparable)
        added = []
        for rows in groups:
            if rows[0] is not None and all(row == rows[0] for row in rows):
                continue
            below = [
                f"{prefix}{pool}/{row.id}/" if row is not None else ""
                for prefix, row in zip(prefixes, rows, strict=True)
            ]
            is_missing = [
                row is None and container is not None for row, container in zip(rows, containers, strict=True)
            ]
            if any(is_missing) and any(row is not None and is_row_asked(row) for row in rows):
                paths = tuple(path[:-1] or None for path in below)
                added.append(RowDifference(pool, paths, rows))
            if sum(row is not None for row in rows) > 1:
                yield from self.between(rows, below)
        yield from added


def is_row_asked(row: PoolRow) -> bool:
    """Return whether a row is part of the form: it is new, or one of its questions or of the rows in it is asked."""
    answers = row.answers.values()
    nested = [inner for rows in row.answer_pools.values() for inner in rows]
    return not (answers or nested) or any(answer.active for answer in answers) or any(map(is_row_asked, nested))


def _codes(found: Sequence[Mapping[str, Answer]]) -> dict[str, None]:
    return dict.fromkeys(code for answers in found for code in answers)


def _asked(container: Container | None, code: str) -> Answer | None:
    answer = None if container is None else container.answers.get(code)
    return answer if answer is not None and answer.active else None


def _paths(containers: Sequence[Container | None], prefixes: Sequence[str], code: str) -> tuple[str | None, ...]:
    return tuple(
        None if container is None else f"{prefix}{code}" for container, prefix in zip(containers, prefixes, strict=True)
    )


def _first(paths: Sequence[str | None]) -> str:
    return next(path for path in paths if path is not None)
