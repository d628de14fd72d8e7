"""A document as far as the rules read it: what people and times left in it is not decoded. Pure.

The rules decide it like a ``Document``; nothing is ever stored from it.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from copies.document import SCHEMA_VERSION, AnswerValue, Proposal


class NarrowConfirmation(msgspec.Struct, gc=False):
    """A ``Confirmation`` without its author and its time."""

    code: str


class NarrowAnswer(msgspec.Struct, kw_only=True, gc=False):
    """An ``Answer`` without its author and its times."""

    value: AnswerValue = None
    sealed: bytes | None = None
    mask: str = ""
    tag: str = ""
    active: bool = True
    required: str = ""
    readonly: bool = False
    confirmed: tuple[NarrowConfirmation, ...] = ()
    proposed: Proposal | None = None

    @property
    def is_answered(self) -> bool:
        """Return whether there is a value, as of an ``Answer``."""
        return self.sealed is not None or self.value not in (None, "", [])

    def is_confirmed(self, code: str) -> bool:
        """Return whether a person has confirmed the value in spite of the warning ``code``."""
        return any(confirmation.code == code for confirmation in self.confirmed)


class NarrowRow(msgspec.Struct, kw_only=True):
    """A ``PoolRow`` of narrow answers."""

    id: str
    lineage: str | None = None
    answers: dict[str, NarrowAnswer] = msgspec.field(default_factory=dict)
    answer_pools: dict[str, list[NarrowRow]] = msgspec.field(default_factory=dict)


class NarrowQuestionSet(msgspec.Struct, kw_only=True):
    """A ``DocumentQuestionSet`` without its author."""

    code: str
    remove_if_ineligible: bool = True
    completed_at: datetime | None = None


class NarrowDocument(msgspec.Struct, kw_only=True):
    """A ``Document`` of narrow parts."""

    schema_version: int = SCHEMA_VERSION
    answers: dict[str, NarrowAnswer] = msgspec.field(default_factory=dict)
    answer_pools: dict[str, list[NarrowRow]] = msgspec.field(default_factory=dict)
    question_sets: list[NarrowQuestionSet] = msgspec.field(default_factory=list)
    forced_excluded_products: list[str] = msgspec.field(default_factory=list)
    agent_bypassed_products: list[str] = msgspec.field(default_factory=list)
    last_premiums: dict[str, int] = msgspec.field(default_factory=dict)
