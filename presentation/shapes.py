"""What the API returns, as structs: the one source of the JSON, of its types and of its OpenAPI schema. Pure.

The functions turn records into shapes; nothing is looked up, and ``visibility`` decides what is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from copies.changes import Cause, Change
from copies.document import Answer, AnsweredBy, Document, PoolRow
from forms.states import State
from presentation.visibility import Visibility
from rules.flow.evaluation import Evaluation, Message, Needed, ProductOutcome, Reason


class By(msgspec.Struct, frozen=True):
    """Who did something: ``type`` is user, api_client, guest, staff, rule, process or system; ``source`` the door (web,
    api, admin, job).
    """

    type: str
    id: str
    source: str


class AnswerShape(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. ``sensitive`` and ``masked`` stand only at sensitive ones; ``required`` is "quote", "bind" or ""."""

    value: str | float | bool | list[str] | None
    active: bool
    required: Literal["quote", "bind", ""]
    readonly: bool
    answered_by: By | None
    updated_at: datetime | None
    sensitive: Literal["pii", "spi"] | UnsetType = UNSET
    masked: bool | UnsetType = UNSET


class RowShape(msgspec.Struct, frozen=True):
    """One row of an answer pool. Its id survives copying, import and cloning."""

    id: str
    answers: dict[str, AnswerShape]
    answer_pools: dict[str, list[RowShape]]


class QuestionSetShape(msgspec.Struct, frozen=True):
    """A question set on the copy. ``completed_at`` is null while something is needed in it."""

    code: str
    added_by: By
    completed_at: datetime | None
    remove_if_ineligible: bool


class AdjustmentShape(msgspec.Struct, frozen=True):
    """A value that the carrier rates (``rated``) in place of the answer at ``path`` (``asked``)."""

    path: str
    asked: str | float | bool | list[str] | None
    rated: str | float | bool
    rule: str


class OutcomeShape(msgspec.Struct, frozen=True):
    """One product's outcome.

    ``premium`` is whole units of the catalogue's currency a year; ``missing`` are the paths that would decide.
    """

    outcome: Literal["eligible", "refer", "need_info", "decline", "locked"]
    premium: int | None
    bindable: bool
    reasons: list[Reason]
    missing: list[str]
    adjustments: list[AdjustmentShape]


class ChangeShape(msgspec.Struct, frozen=True, kw_only=True):
    """One change at ``path``; ``active`` and ``required`` stand only where they changed. Sensitive values are masks."""

    path: str
    before: str | float | bool | list[str] | None
    after: str | float | bool | list[str] | None
    cause: Cause
    active: bool | UnsetType = UNSET
    required: str | UnsetType = UNSET


class CopyShape(msgspec.Struct, frozen=True, kw_only=True):
    """A copy with everything on it.

    ``release`` is the id of the catalogue release that it was evaluated with, ``as_of`` the evaluation date.
    """

    id: str
    application_form_id: str
    title: str
    version: int
    state: State
    catalogue: str
    as_of: date
    release: int
    owner_id: str | None
    locked_at: datetime | None
    deleted_at: datetime | None
    last_touched_by_user_at: datetime | None
    created_at: datetime
    updated_at: datetime
    answers: dict[str, AnswerShape]
    answer_pools: dict[str, list[RowShape]]
    question_sets: list[QuestionSetShape]
    forced_excluded_products: list[str]
    agent_bypassed_products: list[str]
    eligibility: dict[str, OutcomeShape]
    needed: Needed
    messages: list[Message]


class ChangesShape(msgspec.Struct, frozen=True, kw_only=True):
    """What a save changed. ``eligibility`` holds only the products that moved; null stands for one that is no longer
    asked for.
    """

    id: str
    application_form_id: str
    version: int
    dry_run: bool
    changes: list[ChangeShape]
    eligibility: dict[str, OutcomeShape | None]
    needed: Needed
    messages: list[Message]


class NeededShape(msgspec.Struct, frozen=True, kw_only=True):
    """What is still to be answered or mended, as paths, at ``version``."""

    version: int
    needed: Needed
    messages: list[Message]


class CopySummary(msgspec.Struct, frozen=True, kw_only=True):
    """A copy in a list: who is insured, which lines, how much is needed before a quote, outcome and premium per
    product.
    """

    id: str
    title: str
    version: int
    state: State
    insured: str | None
    lines: list[str]
    needed: int
    outcomes: dict[str, str]
    premiums: dict[str, int]
    owner_id: str | None
    locked_at: datetime | None
    deleted_at: datetime | None
    last_touched_by_user_at: datetime | None
    created_at: datetime
    updated_at: datetime


class FormSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A form in a list, with the copy that a person touched last."""

    id: str
    catalogue: str
    as_of: date | None
    created_at: datetime
    copy: CopySummary


class FormPage(msgspec.Struct, frozen=True):
    """A page of forms; ``next`` is the address of the next page."""

    results: list[FormSummary]
    next: str | None


class SearchHit(msgspec.Struct, frozen=True):
    """A copy that was found, and its form; a higher ``score`` fits better. Scores compare within one search alone."""

    score: int
    form: FormSummary


class SearchPage(msgspec.Struct, frozen=True):
    """A page of what was found, the best first; ``next`` is the address of the next page."""

    results: list[SearchHit]
    next: str | None


class FormShape(msgspec.Struct, frozen=True, kw_only=True):
    """A form with its copies in short, and in whole the ``copy`` that the id in the address means."""

    id: str
    catalogue: str
    as_of: date | None
    created_at: datetime
    copies: list[CopySummary]
    copy: CopyShape


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One saved version of a copy: who saved it, when, through which door, and what changed."""

    version: int
    created_at: datetime
    by: By
    label: str
    release: int | None
    correlation_id: str
    changes: list[ChangeShape]


class HistoryPage(msgspec.Struct, frozen=True):
    """A page of versions, the newest first; ``next`` is the address of the next page."""

    results: list[Revision]
    next: str | None


class TenantShape(msgspec.Struct, frozen=True):
    """The tenant that the caller works for."""

    id: str
    code: str
    name: str
    time_zone: str
    catalogue: str


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls, for which tenant, with which rights."""

    type: str
    id: str
    label: str
    source: str
    rights: list[str]
    tenant: TenantShape


def answers(given: Mapping[str, Answer], visibility: Visibility) -> dict[str, AnswerShape]:
    """Return the shape of a container's answers by code."""
    return {code: _answer(code, answer, visibility) for code, answer in given.items()}


def rows(given: Mapping[str, Iterable[PoolRow]], visibility: Visibility) -> dict[str, list[RowShape]]:
    """Return the shape of a container's pools by code, rows in order."""
    return {
        pool: [RowShape(row.id, answers(row.answers, visibility), rows(row.answer_pools, visibility)) for row in found]
        for pool, found in given.items()
    }


def question_sets(document: Document) -> list[QuestionSetShape]:
    """Return the shape of the question sets on ``document``."""
    return [
        QuestionSetShape(found.code, _by(found.added_by), found.completed_at, found.remove_if_ineligible)
        for found in document.question_sets
    ]


def outcome(given: ProductOutcome, visibility: Visibility) -> OutcomeShape:
    """Return the shape of one product's outcome."""
    return OutcomeShape(
        outcome=given.outcome,
        premium=given.premium,
        bindable=given.bindable,
        reasons=list(given.reasons),
        missing=list(given.missing),
        adjustments=[
            AdjustmentShape(found.path, visibility.shown(found.path, found.asked), found.rated, found.rule)
            for found in given.adjustments
        ],
    )


def eligibility(evaluation: Evaluation, visibility: Visibility) -> dict[str, OutcomeShape]:
    """Return the shape of every product's outcome."""
    return {product: outcome(found, visibility) for product, found in evaluation.eligibility.items()}


def changes(given: Iterable[Change], visibility: Visibility) -> list[ChangeShape]:
    """Return the shape of ``given``."""
    return [
        ChangeShape(
            path=change.path,
            before=visibility.shown(change.path, change.before),
            after=visibility.shown(change.path, change.after),
            cause=change.cause,
            active=UNSET if change.active is None else change.active,
            required=UNSET if change.required is None else change.required,
        )
        for change in given
    ]


def _answer(code: str, answer: Answer, visibility: Visibility) -> AnswerShape:
    sensitivity = visibility.of(code, answer).tag
    required: Any = answer.required
    return AnswerShape(
        value=visibility.answer(code, answer),
        active=answer.active,
        required=required,
        readonly=answer.readonly,
        answered_by=_by(answer.answered_by) if answer.answered_by else None,
        updated_at=answer.updated_at,
        sensitive=sensitivity or UNSET,
        masked=visibility.hides(code, answer) if sensitivity else UNSET,
    )


def _by(by: AnsweredBy) -> By:
    return By(by.type, by.id, by.source)
