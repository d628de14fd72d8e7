"""The document of one copy: answers, answer pools, question sets and exclusions, as plain structs.

Pure: knows no database, no catalogue and no rules. Only the mutators of the batch change documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, TypeAlias

import msgspec

from copies.paths import Path, join_path, row_steps, split_path

SCHEMA_VERSION: Final = 1

#: The values of answers: text (also dates as ISO 8601, ZIP, NAICS), a number, yes or no, several choice codes, or
#: nothing.
AnswerValue: TypeAlias = str | int | float | bool | list[str] | None


class AnsweredBy(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The author of an answer: ``type`` is user, api_client, guest, rule, process or import; ``source`` is the entry
    point (web, api).
    """

    type: str
    id: str = ""
    source: str = ""


class Confirmation(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A person's word that an answer is right in spite of the warning ``code``, until the value changes."""

    code: str
    by: AnsweredBy
    at: datetime


#: The kinds of sources of proposed values, and the id of a proposal that a renewal made.
RENEWAL_SOURCE: Final = "renewal"


class ProposalSource(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The origin of a proposed value: ``type`` is document or model, ``name`` that of the file or model, ``locator``
    the place in it, such as a page; ``confidence`` is from 0 to 1, None if the source states none.
    """

    type: str
    name: str
    locator: str = ""
    confidence: float | None = None


class Proposal(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A value that waits for a person's word: of an earlier term, or with a ``source`` of a document or model. Until
    then it is no answer, and the rules do not read it.

    ``tag`` is the sensitivity under which it was answered at ``answered_at``, or proposed ``by`` somebody at ``at``. A
    sealed value is never proposed.
    """

    value: AnswerValue
    answered_at: datetime | None = None
    tag: str = ""
    id: str = ""
    source: ProposalSource | None = None
    by: AnsweredBy | None = None
    at: datetime | None = None

    @property
    def key(self) -> str:
        """Return the id by which a person confirms this proposal and no later one at the same place."""
        return self.id or RENEWAL_SOURCE

    @property
    def origin(self) -> str:
        """Return the source in words, without any value: ``acord.pdf, page 2 (92% sure)``."""
        if self.source is None:
            return "an earlier term"
        place = f", {self.source.locator}" if self.source.locator else ""
        sure = "" if self.source.confidence is None else f" ({self.source.confidence:.0%} sure)"
        return f"{self.source.name}{place}{sure}"


# Thousands of these are decoded at a time and none refers back: the garbage collector need not track them.
class Answer(msgspec.Struct, omit_defaults=True, kw_only=True, gc=False):
    """The state of one question on one document.

    A visible question has an entry even while unanswered (``value`` None). A hidden question that was answered keeps
    its value with ``active`` False.
    A sensitive (``spi``) value is never in ``value``: ``sealed`` holds its ciphertext and ``mask`` its public form.
    ``tag`` is the sensitivity of the question when it was answered: the value stays as confidential as it was then.
    ``proposed`` is what a renewal, a document or a model proposes, until a person confirms or dismisses it.
    ``erased_at`` is the moment at which the value was erased for good, until the question is answered anew.
    """

    value: AnswerValue = None
    sealed: bytes | None = None
    mask: str = ""
    tag: str = ""
    active: bool = True
    required: str = ""
    readonly: bool = False
    display_type: str = "public"
    answered_by: AnsweredBy | None = None
    confirmed: tuple[Confirmation, ...] = ()
    proposed: Proposal | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    erased_at: datetime | None = None

    @property
    def is_answered(self) -> bool:
        """Return whether there is a value, plain or sealed; empty text and an empty list are no values."""
        return self.sealed is not None or self.value not in (None, "", [])

    @property
    def is_erased(self) -> bool:
        """Return whether the value was erased, and none was given since."""
        return self.erased_at is not None and not self.is_answered

    def is_confirmed(self, code: str) -> bool:
        """Return whether a person has confirmed the value in spite of the warning ``code``."""
        return any(confirmation.code == code for confirmation in self.confirmed)


class PoolRow(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One row of an answer pool. ``id`` is a UUID text, the same in all copies of a form.

    A cloned form has row ids of its own. ``lineage`` is the id of the row that a row was cloned from, through all
    clones back to the first; None for a row that was not cloned.
    """

    id: str
    answers: dict[str, Answer] = msgspec.field(default_factory=dict)
    answer_pools: dict[str, list[PoolRow]] = msgspec.field(default_factory=dict)
    created_at: datetime | None = None
    lineage: str | None = None


class DocumentQuestionSet(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A question set on one document (AFQS), with its author and its state."""

    code: str
    added_by: AnsweredBy
    remove_if_ineligible: bool = True
    completed_at: datetime | None = None
    created_at: datetime | None = None


class Document(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The answers, question sets and excluded products of one copy, question sets in the order of the catalogue.

    ``last_premiums`` are the premiums of the term before by product, in a renewal.
    """

    schema_version: int = SCHEMA_VERSION
    answers: dict[str, Answer] = msgspec.field(default_factory=dict)
    answer_pools: dict[str, list[PoolRow]] = msgspec.field(default_factory=dict)
    question_sets: list[DocumentQuestionSet] = msgspec.field(default_factory=list)
    forced_excluded_products: list[str] = msgspec.field(default_factory=list)
    agent_bypassed_products: list[str] = msgspec.field(default_factory=list)
    last_premiums: dict[str, int] = msgspec.field(default_factory=dict)


def row_lineage(row: PoolRow) -> str:
    """Return the id that ``row`` and all its clones have in common."""
    return row.lineage or row.id


#: Where answers live: the document itself, or one row of a pool.
Container: TypeAlias = Document | PoolRow


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
    """Return the document ("") or the row at ``prefix`` (``pool/<row id>[/pool/<row id>]``), None for all else."""
    if not prefix:
        return document
    return None if Path(prefix).is_answer else _walk_to_row(document, row_steps(prefix))


def find_answer(document: Document, path: str) -> Answer | None:
    """Return the answer at ``path``, None for a missing one."""
    prefix, code = split_path(path)
    container = find_container(document, prefix)
    return None if container is None else container.answers.get(code)


def row_number(document: Document, path: str) -> int:
    """Return the number of the row at ``path`` among the rows of its pool, counted from 1; 0 for a missing row."""
    *around, (pool, row_id) = row_steps(path)
    container = _walk_to_row(document, around)
    rows = container.answer_pools.get(pool, ()) if container else ()
    return next((number for number, row in enumerate(rows, 1) if row.id == row_id), 0)


def _walk_to_row(document: Document, steps: Sequence[tuple[str, str]]) -> Container | None:
    container: Container = document
    for pool, row_id in steps:
        row = next((row for row in container.answer_pools.get(pool, ()) if row.id == row_id), None)
        if row is None:
            return None
        container = row
    return container
