"""What the check flow concludes about one document: the structs that are stored beside it and shown to everyone.

Pure.
"""

from __future__ import annotations

from datetime import date
from typing import Final, Literal, TypeAlias

import msgspec

#: The edition of the rules' own program, to be raised with each change of what it concludes or says of equal answers
#: under one release; what an older edition concluded is then not built upon.
EDITION: Final = 1
Outcome: TypeAlias = Literal["eligible", "refer", "need_info", "decline", "locked"]


class Reason(msgspec.Struct, frozen=True):
    """Why a product came out as it did: a product rule's id, or the base check ``state``, ``class`` or a rate table's
    own.
    """

    rule: str
    text: str


class Adjustment(msgspec.Struct, frozen=True):
    """A value that the carrier rates instead of the answer at ``path``; the answer itself stays."""

    path: str
    asked: str | int | float | bool | list[str] | None
    rated: str | int | float | bool
    rule: str


class ProductOutcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """One product's outcome.

    ``premium`` is whole dollars a year; ``missing`` are the paths whose answers would decide.
    """

    outcome: Outcome
    premium: int | None = None
    bindable: bool = False
    reasons: tuple[Reason, ...] = ()
    missing: tuple[str, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something said at a place of the form: ``code`` is the rule id or the validator's name."""

    kind: Literal["error", "warn", "message", "task"]
    path: str
    code: str
    text: str


class Needed(msgspec.Struct, frozen=True):
    """Paths of what is still to be answered or mended before quoting, and before binding (which includes the former's
    rest).
    """

    quote: tuple[str, ...] = ()
    bind: tuple[str, ...] = ()


class Evaluation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the rules concluded; equal documents under one release and date give equal evaluations.

    ``edition`` is the program's; 0 is of none: nothing was concluded yet.
    """

    release: int
    as_of: date
    edition: int = 0
    derived: dict[str, str | float | bool | None] = msgspec.field(default_factory=dict)
    eligibility: dict[str, ProductOutcome] = msgspec.field(default_factory=dict)
    needed: Needed = Needed()
    messages: tuple[Message, ...] = ()


class AnswerState(msgspec.Struct, frozen=True):
    """The visibility and requirement that the rules want for one answer, where it differs from the document."""

    path: str
    active: bool
    required: str
    readonly: bool = False


class Refusal(msgspec.Struct, frozen=True):
    """A fault of one value by itself: such an answer is refused when it is given, and is an error message when it turns
    bad later.
    """

    path: str
    code: str
    text: str


class FlowResult(msgspec.Struct, frozen=True):
    """What one run of the check flow asks to be done: ``states`` and the question sets to add and remove, and the
    evaluation.

    ``dropped`` are paths of entries that are neither visible nor answered. An applied result, run again, is empty but
    for ``evaluation``.
    """

    evaluation: Evaluation
    states: tuple[AnswerState, ...] = ()
    dropped: tuple[str, ...] = ()
    added_sets: tuple[str, ...] = ()
    removed_sets: tuple[str, ...] = ()
    completed_sets: tuple[str, ...] = ()
    reopened_sets: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
