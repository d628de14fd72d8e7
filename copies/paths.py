"""Paths: the places of one copy that a change, a message or a request can name. Pure; the only module that splits them.

========================================  =============================================================
``code``                                  an answer of the document, or a pool at its top
``locations/<row id>``                    a row of a pool; pools nest: ``locations/<id>/buildings/<id>``
``locations/<row id>/code``               an answer in that row, or a pool nested in it
``question_sets/<code>``                  a question set on the document
``forced_excluded_products/<code>``       an excluded product; ``agent_bypassed_products/<code>``: a bypassed one
``copy/title``                            a field of the copy; ``application_form/reference``: one of the form
``copy.messages/<id>``                    an attached record of the copy; ``form.dispositions/<id>``: one of the form
========================================  =============================================================

Documents, changes, requests and rows hold paths as plain ``str``, because msgspec encodes no subclass of it.
``Path(text)`` reads one; its methods and the functions here return plain ``str``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

QUESTION_SETS: Final = "question_sets"
EXCLUDED: Final = "forced_excluded_products"
BYPASSED: Final = "agent_bypassed_products"
COPY: Final = "copy"
FORM: Final = "application_form"
#: First steps that are no pool's code; no pool may have such a code.
RESERVED: Final = frozenset({COPY, FORM, QUESTION_SETS, EXCLUDED, BYPASSED})


class Path(str):
    """A path with names for its parts. Equal to its text in every way, also as a key."""

    __slots__ = ()

    @property
    def code(self) -> str:
        """Return the last step: the code of an answer, pool, question set or product, the id of a row or record."""
        return self[self.rfind("/") + 1 :]

    @property
    def parent(self) -> str:
        """Return the path without its last step, "" for a path of one step."""
        return self[: max(self.rfind("/"), 0)]

    @property
    def steps(self) -> list[str]:
        """Return the steps in order."""
        return str(self).split("/")

    @property
    def row(self) -> str:
        """Return the row at the path or the innermost row around it, "" outside of rows."""
        if not self.is_answer:
            return self[:] if self.is_row else ""
        return self.parent

    @property
    def pool(self) -> str:
        """Return the code of the pool of ``row``, "" outside of rows."""
        rows = row_steps(self.row)
        return rows[-1][0] if rows else ""

    def rows_around(self) -> Iterator[str]:
        """Yield the paths of the rows around the path, outermost first; a row is not around itself."""
        steps = self.steps
        for length in range(2, len(steps), 2):
            yield "/".join(steps[:length])

    @property
    def is_answer(self) -> bool:
        """Return whether the path has the form of an answer's; the path of a pool has the same form."""
        return self.count("/") % 2 == 0

    @property
    def is_row(self) -> bool:
        """Return whether the path has the form of a row's."""
        first = self._first
        return not self.is_answer and first not in RESERVED and "." not in first

    @property
    def is_question_set(self) -> bool:
        """Return whether the path is that of a question set on the document."""
        return is_below(self, QUESTION_SETS)

    @property
    def is_exclusion(self) -> bool:
        """Return whether the path is that of an excluded product."""
        return is_below(self, EXCLUDED)

    @property
    def is_in_document(self) -> bool:
        """Return whether the path lies in the document; a field of copy or form and an attached record do not."""
        return is_in_document(self)

    @property
    def is_attached(self) -> bool:
        """Return whether the path is that of an attached record."""
        return self.kind != ""

    @property
    def kind(self) -> str:
        """Return the kind of the attached record (``messages``), "" for all else."""
        first = self._first
        return first.partition(".")[2] if len(first) < len(self) else ""

    @property
    def field_owner(self) -> str:
        """Return ``copy`` or ``application_form`` for a field of one of them, "" for all else."""
        first = self._first
        return first if first in (COPY, FORM) and len(first) < len(self) else ""

    @property
    def _first(self) -> str:
        return self.partition("/")[0]


def join_path(prefix: str, *parts: str) -> str:
    """Join ``parts`` to ``prefix`` ("" for the document): ("locations/1", "code") gives "locations/1/code"."""
    return "/".join((prefix, *parts) if prefix else parts)


def question_set_path(code: str) -> str:
    """Return the path of a question set on the document."""
    return f"{QUESTION_SETS}/{code}"


def attached_path(kind: str, identity: UUID | str, *, of_form: bool = False) -> str:
    """Return the path of an attached record: ``copy.messages/<id>``, ``form.dispositions/<id>``."""
    return f"{'form' if of_form else COPY}.{kind}/{identity}"


def lower_row_ids(path: str) -> str:
    """Return ``path`` with the ids of its rows in lower case, as they are stored; callers may use any case."""
    steps = path.split("/")
    return "/".join(step.lower() if place % 2 else step for place, step in enumerate(steps))


def with_row_ids(path: str, ids: Mapping[str, str]) -> str:
    """Return ``path`` with the ids of its rows replaced by those in ``ids``."""
    steps = path.split("/")
    return "/".join(ids.get(step, step) if place % 2 else step for place, step in enumerate(steps))


# Functions on plain text for the hot loops of a save, where a ``Path`` for each text would be too slow.


def split_path(path: str) -> tuple[str, str]:
    """Return ``path`` without its last step, and that step: ``("locations/1", "code")``."""
    parent, _, code = path.rpartition("/")
    return parent, code


def answer_code(path: str) -> str | None:
    """Return the code of the answer or pool at ``path``, None for a path of another form."""
    place = path.rfind("/")
    if place < 0:
        return path
    return None if path.count("/") % 2 else path[place + 1 :]


def split_first(path: str) -> tuple[str, str]:
    """Return the first step of ``path`` and the rest: ``("question_sets", "code")``."""
    first, _, rest = path.partition("/")
    return first, rest


def split_prefix(path: str) -> tuple[str, str]:
    """Return ``path`` up to its last slash, which stays, and the last step: ``("locations/1/", "code")``."""
    place = path.rfind("/") + 1
    return path[:place], path[place:]


def is_below(path: str, other: str) -> bool:
    """Return whether ``path`` lies inside ``other``."""
    return path.startswith(f"{other}/")


def is_in_document(path: str) -> bool:
    """Return whether the path lies in the document, as ``Path.is_in_document`` does."""
    first, slash, _ = path.partition("/")
    # Codes of pools contain no dot.
    return not slash or (first not in (COPY, FORM) and "." not in first)


def row_steps(path: str) -> list[tuple[str, str]]:
    """Return ``(pool code, row id)`` for the rows around and at ``path``, outermost first.

    A prefix ("locations/1/") may be passed as well.
    """
    steps = path.split("/")
    return list(zip(steps[::2], steps[1::2], strict=False))
