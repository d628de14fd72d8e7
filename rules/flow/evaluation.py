"""The result of the check flow for one document: structs that are stored with the document and shown to all readers.
Pure.
"""

from __future__ import annotations

from datetime import date
from typing import Final, Literal, TypeAlias

import msgspec

#: The edition of this program. Raise it with every change of results or texts for equal answers under one release: a
#: partial run builds only on evaluations of the same edition.
EDITION: Final = 3
Outcome: TypeAlias = Literal["eligible", "refer", "need_info", "decline", "locked"]
#: The effect of a reason: that of its product rule, or ``base`` for a base check, which declines.
Effect: TypeAlias = Literal["decline", "refer", "adjust", "base"]


class Reason(msgspec.Struct, frozen=True):
    """A reason of a product's outcome: a product rule's id, or the base check ``state``, ``class`` or a rate table's
    own. A declined product also lists what would have referred or adjusted it.
    """

    rule: str
    text: str
    effect: Effect = "decline"


class Adjustment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A value that the carrier rates instead of the answer at ``path``; the answer itself stays. ``tag`` is the
    sensitivity under which the answer was given.
    """

    path: str
    asked: str | int | float | bool | list[str] | None
    rated: str | int | float | bool
    rule: str
    tag: str = ""


class ProductOutcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """One product's outcome.

    ``premium`` is in whole dollars a year, and never shown before all its inputs are known; ``missing`` are the paths
    of the answers and pools that would decide the outcome, ``missing_for_price`` those that only the premium still
    needs. ``bindable`` is True for a premium of a bindable rate once nothing is needed to quote. ``priced_by_carrier``
    marks a product without a formula.
    """

    outcome: Outcome
    premium: int | None = None
    bindable: bool = False
    reasons: tuple[Reason, ...] = ()
    missing: tuple[str, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    missing_for_price: tuple[str, ...] = ()
    priced_by_carrier: bool = False


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message at a place of the form; ``code`` is the rule id or the validator's name."""

    kind: Literal["error", "warn", "message", "task"]
    path: str
    code: str
    text: str


class Needed(msgspec.Struct, frozen=True):
    """Paths that still need an answer or a correction before quoting, and before binding (which includes the rest of
    the first).
    """

    quote: tuple[str, ...] = ()
    bind: tuple[str, ...] = ()


class Evaluation(msgspec.Struct, frozen=True, omit_defaults=True):
    """The result of the rules; equal documents under one release and date have equal evaluations.

    ``edition`` is that of the program; 0 means that nothing has been evaluated yet. ``undecided`` are the questions
    whose visibility is unknown, each with the paths that would decide it.
    """

    release: int
    as_of: date
    edition: int = 0
    derived: dict[str, str | float | bool | None] = msgspec.field(default_factory=dict)
    eligibility: dict[str, ProductOutcome] = msgspec.field(default_factory=dict)
    needed: Needed = Needed()
    messages: tuple[Message, ...] = ()
    undecided: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)


class AnswerState(msgspec.Struct, frozen=True):
    """The visibility and requirement of one answer according to the rules, where it differs from the document."""

    path: str
    active: bool
    required: str
    readonly: bool = False


class Refusal(msgspec.Struct, frozen=True):
    """An error of one value by itself: a new answer is refused; an older one gets an error message."""

    path: str
    code: str
    text: str


class FlowResult(msgspec.Struct, frozen=True):
    """The result of one run: the evaluation, the ``states`` to set, and the question sets to add and remove.

    ``dropped`` are paths of entries that are neither visible nor answered. After the result is applied, a second run
    returns only ``evaluation``.
    """

    evaluation: Evaluation
    states: tuple[AnswerState, ...] = ()
    dropped: tuple[str, ...] = ()
    added_sets: tuple[str, ...] = ()
    removed_sets: tuple[str, ...] = ()
    completed_sets: tuple[str, ...] = ()
    reopened_sets: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
