"""The document of one copy: answers, answer pools, question sets and exclusions, as plain structs.

Pure: knows no database, no catalogue and no rules. Whoever changes a document does it through the batch's mutators.
A path names one place in it: ``code``, or ``locations/<row id>/buildings/<row id>/code`` inside answer pools.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final, TypeAlias

import msgspec

SCHEMA_VERSION: Final = 1

#: What an answer can hold: text (also dates as ISO 8601, ZIP, NAICS), a number, yes or no, several choice codes, or
#: nothing.
AnswerValue: TypeAlias = str | int | float | bool | list[str] | None


class AnsweredBy(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Who gave an answer: ``type`` is user, api_client, guest, rule, process or import; ``source`` is the door (web,
    api).
    """

    type: str
    id: str = ""
    source: str = ""


# Thousands of these are decoded at a time and none refers back: the garbage collector need not look at them.
class Answer(msgspec.Struct, omit_defaults=True, kw_only=True, gc=False):
    """One question's state on one document.

    A visible question has an entry even while unanswered (``value`` None). A hidden one that was answered keeps its
    value with ``active`` False.
    A sensitive (``spi``) value is never in ``value``: ``sealed`` holds its ciphertext and ``mask`` what may be shown.
    """

    value: AnswerValue = None
    sealed: bytes | None = None
    mask: str = ""
    active: bool = True
    required: str = ""
    readonly: bool = False
    display_type: str = "public"
    answered_by: AnsweredBy | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def is_answered(self) -> bool:
        """Tell whether a value, open or sealed, is held (empty text and an empty list count as none)."""
        return self.sealed is not None or self.value not in (None, "", [])


class PoolRow(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One row of an answer pool. ``id`` is a UUID text that survives copying, import and cloning."""

    id: str
    answers: dict[str, Answer] = msgspec.field(default_factory=dict)
    answer_pools: dict[str, list[PoolRow]] = msgspec.field(default_factory=dict)
    created_at: datetime | None = None


class DocumentQuestionSet(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A question set as it stands on one document (AFQS)."""

    code: str
    added_by: AnsweredBy
    remove_if_ineligible: bool = True
    completed_at: datetime | None = None
    created_at: datetime | None = None


class Document(msgspec.Struct, omit_defaults=True, kw_only=True):
    """All that is answered on one copy; ``question_sets`` are in the order of the catalogue."""

    schema_version: int = SCHEMA_VERSION
    answers: dict[str, Answer] = msgspec.field(default_factory=dict)
    answer_pools: dict[str, list[PoolRow]] = msgspec.field(default_factory=dict)
    question_sets: list[DocumentQuestionSet] = msgspec.field(default_factory=list)
    forced_excluded_products: list[str] = msgspec.field(default_factory=list)
    agent_bypassed_products: list[str] = msgspec.field(default_factory=list)


#: Where answers live: the document itself, or one row of a pool.
Container: TypeAlias = Document | PoolRow


def join_path(prefix: str, *parts: str) -> str:
    """Join ``parts`` to ``prefix`` ("" for the document itself): ``join_path("locations/1", "code") ==
    "locations/1/code"``.
    """
    return "/".join((prefix, *parts) if prefix else parts)


def walk_containers(container: Container, prefix: str = "") -> Iterator[tuple[str, Container]]:
    """Yield ``(prefix, container)`` for the document and every row below it, parents first."""
    yield prefix, container
    for pool, rows in container.answer_pools.items():
        for row in rows:
            yield from walk_containers(row, join_path(prefix, pool, row.id))


def walk_answers(document: Document) -> Iterator[tuple[str, Answer]]:
    """Yield ``(path, answer)`` for every answer of ``document``."""
    for prefix, container in walk_containers(document):
        for code, answer in container.answers.items():
            yield join_path(prefix, code), answer


def find_container(document: Document, prefix: str) -> Container | None:
    """Return the document ("") or the row that ``prefix`` (``pool/<row id>[/pool/<row id>]``) names, or None."""
    container: Container = document
    parts = prefix.split("/") if prefix else []
    if len(parts) % 2:
        return None
    for pool, row_id in zip(parts[::2], parts[1::2], strict=True):
        row = next((row for row in container.answer_pools.get(pool, ()) if row.id == row_id), None)
        if row is None:
            return None
        container = row
    return container
