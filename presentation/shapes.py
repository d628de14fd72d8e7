"""The response shapes of the API, as structs: the one source of the JSON, its types and its OpenAPI schema. Pure.

The functions convert records into shapes; they load nothing, and ``visibility`` decides which values are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from copies.changes import Cause, Change
from copies.document import RENEWAL_SOURCE, Answer, AnsweredBy, Document, PoolRow, Proposal
from forms.states import State
from presentation.gates import Gate
from presentation.listed_values import ActorType, one_of
from presentation.needed_counts import NeededCounts
from presentation.visibility import Visibility
from rules.definition.model import CompiledCatalogue
from rules.flow.evaluation import Evaluation, Message, Needed, ProductOutcome, Reason


# Thousands of these are made for a response and none refers back: the garbage collector need not track them.
class By(msgspec.Struct, frozen=True, gc=False):
    """An actor: ``type`` is user, api_client, guest, staff, rule, process or system; ``source`` is the entry point
    (web, api, admin, job).
    """

    type: ActorType
    id: str
    source: str


class ConfirmationShape(msgspec.Struct, frozen=True):
    """A warning that a person has confirmed: its code, the person and the time."""

    code: str
    by: By
    at: datetime


class ProposalSourceShape(msgspec.Struct, frozen=True):
    """The origin of a proposed value: a document or model by ``name``, with the place in it and its confidence from 0
    to 1, or the renewal that proposes the answer of the term before.
    """

    type: Literal["document", "model", "renewal"]
    name: str
    locator: str
    confidence: float | None


class ProposalShape(msgspec.Struct, frozen=True):
    """A value that waits for a confirmation: its ``id``, where it comes from, and who proposed it when; for an answer
    of the term before when it was given. Personal values are masked.
    """

    value: str | float | bool | list[str] | None
    answered_at: datetime | None
    id: str
    source: ProposalSourceShape
    by: By | None
    at: datetime | None


class AnswerShape(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One answer. Only sensitive answers have ``sensitive`` and ``masked``, only answers with confirmed warnings
    ``confirmed``; ``required`` is "quote", "bind" or "". ``proposed`` is present while a renewal, a document or a model
    proposes a value: until a person confirms it, the answer is as before. An answer that was erased for good has
    ``erased`` (true) and ``erased_at`` until the question is answered anew; its value is null.
    """

    value: str | float | bool | list[str] | None
    active: bool
    required: Literal["quote", "bind", ""]
    readonly: bool
    answered_by: By | None
    updated_at: datetime | None
    sensitive: Literal["pii", "spi"] | UnsetType = UNSET
    masked: bool | UnsetType = UNSET
    confirmed: list[ConfirmationShape] | UnsetType = UNSET
    proposed: ProposalShape | UnsetType = UNSET
    erased: bool | UnsetType = UNSET
    erased_at: datetime | UnsetType = UNSET


class RowShape(msgspec.Struct, frozen=True):
    """One row of an answer pool. Its id is the same in all copies of a form. A cloned form has row ids of its own;
    ``lineage`` is the same in a row and all its clones.
    """

    id: str
    answers: dict[str, AnswerShape]
    answer_pools: dict[str, list[RowShape]]
    lineage: str


class QuestionSetShape(msgspec.Struct, frozen=True):
    """A question set on the copy. ``completed_at`` is null while answers are needed in it."""

    code: str
    added_by: By
    completed_at: datetime | None
    remove_if_ineligible: bool


class QuestionSetList(msgspec.Struct, frozen=True):
    """The question sets on the copy at ``version``, in the order of the catalogue."""

    version: int
    question_sets: list[QuestionSetShape]


class AdjustmentShape(msgspec.Struct, frozen=True):
    """A value that the carrier rates (``rated``) instead of the answer at ``path`` (``asked``)."""

    path: str
    asked: str | float | bool | list[str] | None
    rated: str | float | bool
    rule: str


class OutcomeShape(msgspec.Struct, frozen=True):
    """The outcome of one product.

    ``premium`` is in whole units of the catalogue's currency per year; it is null until everything that it is computed
    from is known. ``missing`` lists the paths that the outcome depends on, ``missing_for_price`` those that only the
    premium still needs; ``priced_by_carrier`` marks a product without a formula. ``bindable`` is true beside a premium
    of a bindable rate once nothing is needed to quote. The ``effect`` of a reason is decline, refer, adjust, or base
    for a base check. ``last_premium`` is the premium of the term before, in a renewal.
    """

    outcome: Literal["eligible", "refer", "need_info", "decline", "locked"]
    premium: int | None
    bindable: bool
    reasons: list[Reason]
    missing: list[str]
    adjustments: list[AdjustmentShape]
    missing_for_price: list[str]
    priced_by_carrier: bool
    last_premium: int | UnsetType = UNSET


class ChangeShape(msgspec.Struct, frozen=True, kw_only=True):
    """One change at ``path``; ``active``, ``required``, ``confirmed`` (the codes of the confirmed warnings) and
    ``proposed`` (the source of a proposed value, "" once nothing is proposed) are present only if they changed.
    Sensitive values are masked.
    """

    path: str
    before: str | float | bool | list[str] | None
    after: str | float | bool | list[str] | None
    cause: Cause
    active: bool | UnsetType = UNSET
    required: str | UnsetType = UNSET
    confirmed: list[str] | UnsetType = UNSET
    proposed: str | UnsetType = UNSET


class DerivedShape(msgspec.Struct, frozen=True):
    """A computed value that the catalogue shows; null while it is not known or not part of the form."""

    value: str | float | bool | None
    label: str


class CopiedFrom(msgspec.Struct, frozen=True):
    """The copy and the version of it that a copy was made from."""

    id: str
    version: int


class CopyShape(msgspec.Struct, frozen=True, kw_only=True):
    """A whole copy.

    ``is_base`` marks the copy with which the form's other copies are compared; ``copied_from`` is null for a copy that
    was started without answers. ``locked_by`` (a name) and ``lock_reason`` come with ``locked_at``. ``release`` is the
    id of the catalogue release of its evaluation, ``as_of`` the evaluation date. ``external_id`` and ``metadata`` are
    those of its form; ``test`` marks a test form.
    """

    id: str
    application_form_id: str
    external_id: str | None
    metadata: dict[str, str]
    test: bool
    title: str
    version: int
    state: State
    catalogue: str
    as_of: date
    release: int
    owner_id: str | None
    is_base: bool
    copied_from: CopiedFrom | None
    locked_at: datetime | None
    locked_by: str | None
    lock_reason: str | None
    deleted_at: datetime | None
    last_touched_by_user_at: datetime | None
    created_at: datetime
    updated_at: datetime
    answers: dict[str, AnswerShape]
    derived: dict[str, DerivedShape]
    answer_pools: dict[str, list[RowShape]]
    question_sets: list[QuestionSetShape]
    forced_excluded_products: list[str]
    agent_bypassed_products: list[str]
    eligibility: dict[str, OutcomeShape]
    gates: dict[str, Gate]
    needed: Needed
    needed_counts: NeededCounts
    messages: list[Message]


class RowRef(msgspec.Struct, frozen=True):
    """A new row: its ``id``, and its ``path`` in the copy."""

    id: str
    path: str


class CopyWithRefsShape(CopyShape, frozen=True, kw_only=True):
    """The copy of a new form whose rows have a ``ref`` in the request; ``refs`` are the rows by it."""

    refs: dict[str, RowRef]


class Receipt(msgspec.Struct, frozen=True):
    """The response to a write whose caller may not read forms (right ``forms:read``): the copy and its version, and new
    rows by the ``ref`` of the request, if it has any.
    """

    id: str
    version: int
    refs: dict[str, RowRef] | UnsetType = UNSET


class ChangesShape(msgspec.Struct, frozen=True, kw_only=True):
    """The changes of a save. ``eligibility`` contains only the products whose outcome or premium changed; null means
    that the product is no longer requested.
    """

    id: str
    application_form_id: str
    version: int
    dry_run: bool
    changes: list[ChangeShape]
    eligibility: dict[str, OutcomeShape | None]
    needed: Needed
    needed_counts: NeededCounts
    messages: list[Message]


class ChangesWithRefsShape(ChangesShape, frozen=True, kw_only=True):
    """The changes of a save whose new rows have a ``ref`` in the request; ``refs`` are the rows by it."""

    refs: dict[str, RowRef]


class RevertShape(ChangesShape, frozen=True, kw_only=True):
    """The changes of a revert. ``reverted_to`` is the version whose answers the copy has now; ``refused`` are the paths
    of answers of then that the present release refuses: they are stored, reported by messages, and price nothing.
    ``not_restored`` are sensitive answers whose key was erased: they are as before the revert.
    """

    reverted_to: int
    refused: list[str]
    not_restored: list[str]


class NeededShape(msgspec.Struct, frozen=True, kw_only=True):
    """The paths of the answers and rows that are missing or need fixing, at ``version``."""

    version: int
    needed: Needed
    needed_counts: NeededCounts
    messages: list[Message]


class CopySummary(msgspec.Struct, frozen=True, kw_only=True):
    """A copy in a list: the insured, the lines, the number of answers needed for a quote, outcome and premium per
    product. ``missing_for_price`` is the number of paths that a premium still needs, per product.
    """

    id: str
    title: str
    version: int
    state: State
    insured: str | None
    lines: list[str]
    needed: int
    needed_counts: NeededCounts
    outcomes: dict[str, str]
    premiums: dict[str, int]
    missing_for_price: dict[str, int]
    priced_by_carrier: list[str]
    owner_id: str | None
    is_base: bool
    copied_from: CopiedFrom | None
    locked_at: datetime | None
    locked_by: str | None
    lock_reason: str | None
    deleted_at: datetime | None
    last_touched_by_user_at: datetime | None
    created_at: datetime
    updated_at: datetime


class FormSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A form in a list, with the copy that a person changed last. ``deleted_at`` is null unless the form is deleted."""

    id: str
    external_id: str | None
    metadata: dict[str, str]
    test: bool
    catalogue: str
    as_of: date | None
    created_at: datetime
    deleted_at: datetime | None
    copy: CopySummary


class FormPage(msgspec.Struct, frozen=True):
    """A page of forms; ``next`` is the URL of the next page."""

    results: list[FormSummary]
    next: str | None


class SearchHit(msgspec.Struct, frozen=True):
    """A matching copy and its form. A higher ``score`` is a better match, within the same search only."""

    score: int
    form: FormSummary


class SearchPage(msgspec.Struct, frozen=True):
    """A page of matching copies, best first; ``next`` is the URL of the next page."""

    results: list[SearchHit]
    next: str | None


class FormShape(msgspec.Struct, frozen=True, kw_only=True):
    """A form with a summary of each copy, and in full the ``copy`` that the id in the path means.

    ``state`` is ``deleted`` with ``deleted_at``, else derived from the copies: ``locked`` if all are, else the best of
    those that are open.
    """

    id: str
    external_id: str | None
    metadata: dict[str, str]
    test: bool
    state: State
    catalogue: str
    as_of: date | None
    created_at: datetime
    deleted_at: datetime | None
    copies: list[CopySummary]
    copy: CopyShape


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One saved version of a copy: its actor, time, cause and changes, with the products whose outcome or premium
    changed. The cause is the actor, ``release`` or ``day`` where the copy was decided anew by itself, ``merge`` with
    the other copy and its version, ``undo_merge``, ``undo_save`` or ``revert`` with the number of the version,
    ``operation`` or ``undo_operation`` with the id of the batch operation.

    ``before`` are the outcomes and premiums that the products in ``eligibility`` had until then; ``chain`` is the
    version's link in the hash chain, hexadecimal.
    """

    version: int
    created_at: datetime
    by: By
    label: str
    release: int | None
    cause: Cause
    correlation_id: str
    changes: list[ChangeShape]
    eligibility: dict[str, OutcomeShape | None]
    before: dict[str, OutcomeShape | None]
    chain: str


class HistoryHead(msgspec.Struct, frozen=True, kw_only=True):
    """The last link of a copy's hash chain. Its keeper can prove later that nothing before it was altered."""

    copy_id: str
    version: int
    chain: str
    created_at: datetime


class HistoryPage(msgspec.Struct, frozen=True):
    """A page of versions, newest first; ``next`` is the URL of the next page."""

    results: list[Revision]
    next: str | None


class TenantShape(msgspec.Struct, frozen=True):
    """The tenant of the caller."""

    id: str
    code: str
    name: str
    time_zone: str
    catalogue: str


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """The caller with its tenant and rights."""

    type: ActorType
    id: str
    label: str
    source: str
    rights: list[str]
    tenant: TenantShape


class UserShape(msgspec.Struct, frozen=True):
    """A user of the tenant."""

    id: str
    name: str
    role: Annotated[str, one_of("agent", "tenant_admin")]


class UserPage(msgspec.Struct, frozen=True):
    """A page of users; ``next`` is the URL of the next page."""

    results: list[UserShape]
    next: str | None


def answers(by_code: Mapping[str, Answer], visibility: Visibility) -> dict[str, AnswerShape]:
    """Return the shapes of a container's answers by code."""
    is_public = visibility.is_public
    return {
        code: _public_answer(answer) if is_public(code, answer) else _answer(code, answer, visibility)
        for code, answer in by_code.items()
    }


def derived(
    catalogue: CompiledCatalogue, document: Document, evaluation: Evaluation, visibility: Visibility
) -> dict[str, DerivedShape]:
    """Return the computed values that the catalogue shows, by code, as the reader may see them."""
    return {
        part.code: DerivedShape(
            visibility.derived(catalogue, document, part.code, evaluation.derived.get(part.code)),
            part.label or part.code,
        )
        for part in catalogue.definition.derived
        if part.show
    }


def rows(pools: Mapping[str, Iterable[PoolRow]], visibility: Visibility) -> dict[str, list[RowShape]]:
    """Return the shapes of a container's pools by code, rows in order."""
    return {
        pool: [
            RowShape(
                row.id, answers(row.answers, visibility), rows(row.answer_pools, visibility), row.lineage or row.id
            )
            for row in pool_rows
        ]
        for pool, pool_rows in pools.items()
    }


def question_sets(document: Document) -> list[QuestionSetShape]:
    """Return the shapes of the question sets on ``document``."""
    return [
        QuestionSetShape(on_copy.code, _by(on_copy.added_by), on_copy.completed_at, on_copy.remove_if_ineligible)
        for on_copy in document.question_sets
    ]


def outcome(
    evaluated: ProductOutcome, visibility: Visibility, *, last_premium: int | UnsetType = UNSET
) -> OutcomeShape:
    """Return the shape of one product's outcome, in a renewal with its premium of the term before."""
    return OutcomeShape(
        outcome=evaluated.outcome,
        premium=evaluated.premium,
        bindable=evaluated.bindable,
        reasons=list(evaluated.reasons),
        missing=list(evaluated.missing),
        adjustments=[
            AdjustmentShape(
                found.path, visibility.shown(found.path, found.asked, tag=found.tag), found.rated, found.rule
            )
            for found in evaluated.adjustments
        ],
        missing_for_price=list(evaluated.missing_for_price),
        priced_by_carrier=evaluated.priced_by_carrier,
        last_premium=last_premium,
    )


def eligibility(
    evaluation: Evaluation, visibility: Visibility, *, last_premiums: Mapping[str, int]
) -> dict[str, OutcomeShape]:
    """Return the shape of every product's outcome by code."""
    return {
        product: outcome(evaluated, visibility, last_premium=last_premiums.get(product, UNSET))
        for product, evaluated in evaluation.eligibility.items()
    }


def changes(changes_: Iterable[Change], visibility: Visibility) -> list[ChangeShape]:
    """Return the shapes of a list of changes."""
    return [_change(change, visibility) for change in changes_]


def _change(change: Change, visibility: Visibility) -> ChangeShape:
    before, after = visibility.change(change)
    return ChangeShape(
        path=change.path,
        before=before,
        after=after,
        cause=change.cause,
        active=UNSET if change.active is None else change.active,
        required=UNSET if change.required is None else change.required,
        confirmed=UNSET if change.confirmed is None else list(change.confirmed),
        proposed=UNSET if change.proposed is None else change.proposed,
    )


def _public_answer(answer: Answer) -> AnswerShape:
    """Return the shape of a public answer as ``_answer`` does, in a fifth of the time: most answers are public."""
    by = answer.answered_by
    required: Any = answer.required
    return AnswerShape(
        value=answer.value,
        active=answer.active,
        required=required,
        readonly=answer.readonly,
        answered_by=_by(by) if by else None,
        updated_at=answer.updated_at,
    )


def _answer(code: str, answer: Answer, visibility: Visibility) -> AnswerShape:
    level = visibility.of(code, answer)
    sensitivity = level.tag
    required: Any = answer.required
    return AnswerShape(
        value=visibility.answer_of_level(level, answer),
        active=answer.active,
        required=required,
        readonly=answer.readonly,
        answered_by=_by(answer.answered_by) if answer.answered_by else None,
        updated_at=answer.updated_at,
        sensitive=sensitivity or UNSET,
        masked=visibility.hides_level(level, answer) if sensitivity else UNSET,
        confirmed=[ConfirmationShape(item.code, _by(item.by), item.at) for item in answer.confirmed] or UNSET,
        proposed=proposal(code, answer.proposed, visibility) if answer.proposed is not None else UNSET,
        erased=answer.is_erased or UNSET,
        erased_at=answer.erased_at if answer.is_erased and answer.erased_at else UNSET,
    )


def proposal(code: str, proposed: Proposal, visibility: Visibility) -> ProposalShape:
    """Return the shape of a proposed value of the question ``code``."""
    source = proposed.source
    kind: Any = source.type if source else RENEWAL_SOURCE
    return ProposalShape(
        value=visibility.answer(code, Answer(value=proposed.value, tag=proposed.tag)),
        answered_at=proposed.answered_at,
        id=proposed.key,
        source=ProposalSourceShape(
            kind,
            source.name if source else "",
            source.locator if source else "",
            source.confidence if source else None,
        ),
        by=_by(proposed.by) if proposed.by else None,
        at=proposed.at,
    )


def _by(by: AnsweredBy) -> By:
    return By(by.type, by.id, by.source)
