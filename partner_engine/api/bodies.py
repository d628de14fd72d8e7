"""The request bodies and query parameters of the resources, as structs. Pure."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from batch.changes.mutators.application_form import MAX_EXTERNAL_ID
from batch.changes.mutators.copy_fields import MAX_TITLE
from batch.changes.proposals import MAX_LOCATOR, MAX_NAME
from forms.states import State
from forms.status_order import QuoteStep
from partner_engine.api.http.input import Body, Query
from partner_engine.api.http.schema_components import reference
from presentation.answers_schema import MAX_REF

Title = Annotated[str, Meta(max_length=MAX_TITLE)]
Code = Annotated[str, Meta(max_length=64)]
#: Orders of the list of forms; those by ``last_touched`` are not stable while forms are touched.
Order = Literal["created", "-created", "updated", "-updated", "last_touched", "-last_touched"]


class RowInput(Body, frozen=True, kw_only=True):
    """A row: new without ``id``; with it a change of that row, or its removal if ``delete`` is true. ``ref`` names a
    new row in the request and in ``refs`` of the response. The batch validates it, so that all errors are reported at
    once.
    """

    id: str | UnsetType = UNSET
    answers: dict[str, str | float | bool | list[str] | None] | UnsetType = UNSET
    answer_pools: dict[str, list[RowInput]] | UnsetType = UNSET
    delete: Literal[True] | UnsetType = UNSET
    ref: Annotated[str, Meta(min_length=1, max_length=MAX_REF)] | UnsetType = UNSET


#: The id of a form in the partner's system, and the partner's own texts by key: null removes a text.
ExternalId = Annotated[str, Meta(max_length=MAX_EXTERNAL_ID)]
Metadata = Annotated[dict[str, Annotated[str, Meta(max_length=500)] | None], Meta(max_length=100)]
UserId = Annotated[str, Meta(max_length=64)]


#: Answers by code of their question, and rows by code of their pool. Only the description has their types: the batch
#: checks them, so that all errors are reported at once.
AnswersInput = Annotated[
    dict[str, Any],
    Meta(
        description="Answers by the code of their question; null clears an answer.",
        extra_json_schema={
            "additionalProperties": {
                "anyOf": [
                    {"type": "string"},
                    {"type": "number"},
                    {"type": "boolean"},
                    {"type": "array", "items": {"type": "string"}},
                    {"type": "null"},
                ]
            }
        },
    ),
]
PoolsInput = Annotated[
    dict[str, Any],
    Meta(
        description="Rows by the code of their pool.",
        extra_json_schema={"additionalProperties": {"type": "array", "items": reference(RowInput)}},
    ),
]


class NewForm(Body, frozen=True, kw_only=True):
    """A new application form.

    ``as_of`` (right ``forms:as_of``) is the evaluation date, by default the tenant's current date. ``catalogue``
    defaults to the tenant's. ``external_id`` is the form's id in the caller's system, unique within the tenant;
    ``metadata`` are up to 50 texts by key; ``owner_id`` is the user who owns the form's copy.
    """

    answers: AnswersInput = {}
    answer_pools: PoolsInput = {}
    title: Title = ""
    as_of: date | None = None
    catalogue: Code | None = None
    external_id: ExternalId | None = None
    metadata: Metadata = {}
    owner_id: UserId | None = None


class FormChange(Body, frozen=True, kw_only=True):
    """A change of the form's own fields: ``external_id`` (null for none), the texts of ``metadata`` by key (null
    removes one, the others stay), and the user who owns the copy that the id means (null for nobody).
    """

    external_id: ExternalId | None | UnsetType = UNSET
    metadata: Metadata = {}
    owner_id: UserId | None | UnsetType = UNSET


class NewCopy(Body, frozen=True, kw_only=True):
    """A new copy of a form. ``from_copy`` names the copy to start from, by default the one that the form's id means,
    and ``from_version`` an earlier version of it. An ``empty`` copy starts without answers. ``owner_id`` is the user
    who owns the copy.
    """

    title: Title = ""
    from_copy: Annotated[str, Meta(max_length=64)] | None = None
    from_version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    empty: bool = False
    owner_id: UserId | None = None


class CloneInput(Body, frozen=True, kw_only=True):
    """A clone: within the tenant with all copies, with ``renewal`` for the next term, with ``tenant`` (the code of
    another tenant; right ``forms:clone_to_tenants``) of one copy only.
    """

    tenant: Code | None = None
    renewal: bool = False


class CopyChange(Body, frozen=True, kw_only=True):
    """A change of the copy's own fields: its title, or the id of the user who owns it (null for nobody)."""

    title: Title | UnsetType = UNSET
    owner_id: UserId | None | UnsetType = UNSET


class LockInput(Body, frozen=True, kw_only=True):
    """The reason of a lock, which everybody who is refused by it is shown."""

    reason: Annotated[str, Meta(max_length=200)] = ""


class AnswersChange(Body, frozen=True, kw_only=True):
    """Many answers and rows in one save. A null value clears the answer."""

    answers: AnswersInput = {}
    answer_pools: PoolsInput = {}


class ConfirmationInput(Body, frozen=True, kw_only=True):
    """A warning to confirm: the path and the code of its message."""

    path: Annotated[str, Meta(min_length=1, max_length=500)]
    code: Annotated[str, Meta(min_length=1, max_length=100)]


class SourceInput(Body, frozen=True, kw_only=True):
    """The origin of proposed values: a document by the name of its file, or a model by its own name."""

    type: Literal["document", "model"]
    name: Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]


class ProposedValueInput(Body, frozen=True, kw_only=True):
    """A value to propose for the answer at ``path``, with the place in the source (``page 2``) and a confidence from 0
    to 1. The batch checks the value, so that all errors are reported at once.
    """

    path: Annotated[str, Meta(min_length=1, max_length=500)]
    value: str | float | bool | list[str]
    locator: Annotated[str, Meta(max_length=MAX_LOCATOR)] = ""
    confidence: Annotated[float, Meta(ge=0, le=1)] | None = None


class NewProposals(Body, frozen=True, kw_only=True):
    """Values of one source to propose; each replaces an earlier proposal at its place."""

    source: SourceInput
    proposals: Annotated[list[ProposedValueInput], Meta(min_length=1, max_length=500)]


class PickInput(Body, frozen=True, kw_only=True):
    """A proposal that a person has read: its path and its id."""

    path: Annotated[str, Meta(min_length=1, max_length=500)]
    id: Annotated[str, Meta(min_length=1, max_length=64)]


class PickedProposals(Body, frozen=True, kw_only=True):
    """The proposals to confirm or dismiss, all of them or none."""

    proposals: Annotated[list[PickInput], Meta(min_length=1, max_length=500)]


class RevealInput(Body, frozen=True, kw_only=True):
    """A sensitive answer to reveal, the purpose, and the reason in words; both are recorded in the ledger."""

    path: Annotated[str, Meta(min_length=1, max_length=500)]
    purpose: Literal["carrier", "insured", "correction", "claim", "audit", "legal", "support"]
    reason: Annotated[str, Meta(min_length=10, max_length=500)]


class RevertInput(Body, frozen=True, kw_only=True):
    """The version to take a copy back to: as its next version, or ``into`` a new copy with this ``title``."""

    version: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    into: Literal["new_copy"] | None = None
    title: Title = ""


class ReadQuery(Query, frozen=True, kw_only=True):
    """The past state of a copy to read: at a version, or at a moment (ISO 8601 with offset)."""

    at_version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    at: Annotated[datetime, Meta(tz=True)] | None = None

    @property
    def is_past(self) -> bool:
        """Return whether a past state is requested."""
        return self.at_version is not None or self.at is not None

    @property
    def moment(self) -> datetime | None:
        """Return ``at`` to the end of the named millisecond: programs cut the microseconds of the times they read."""
        if self.at is None or self.at.microsecond % 1_000:
            return self.at
        return self.at.replace(microsecond=self.at.microsecond + 999)


class CompareQuery(Query, frozen=True, kw_only=True, rename={"with_": "with"}):
    """The copies to compare with: ids, each with ``@<version>`` for an earlier version, separated by commas; and the
    version of the copy itself, by default the present one.
    """

    with_: Annotated[str, Meta(min_length=1, max_length=300)]
    version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None


class DryRunQuery(Query, frozen=True, kw_only=True):
    """``dry_run=true`` reports the effects of the request and writes nothing."""

    dry_run: bool = False


class ChangesQuery(Query, frozen=True, kw_only=True):
    """The version after which changes are listed."""

    since: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0


class PageQuery(Query, frozen=True, kw_only=True):
    """A page of a copy's records, newest first."""

    cursor: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 25


class ExplainQuery(ReadQuery, frozen=True, kw_only=True):
    """The target to explain: a product, question path, question set, derived value, message or premium."""

    target: Annotated[str, Meta(min_length=1, max_length=300)]


class CatalogueQuery(Query, frozen=True, kw_only=True):
    """The catalogue to read, by default the tenant's."""

    code: Code = ""


class FormsQuery(Query, frozen=True, kw_only=True):
    """Filters, search, order and page of the list of forms."""

    q: Annotated[str, Meta(max_length=200)] = ""
    state: State | None = None
    quotes: QuoteStep | None = None
    line: Code = ""
    owner: Annotated[str, Meta(max_length=64)] = ""
    external_id: ExternalId = ""
    updated_since: Annotated[datetime, Meta(tz=True)] | None = None
    test: bool | None = None
    deleted: bool = False
    order: Order = "-created"
    cursor: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 25


class UsersQuery(Query, frozen=True, kw_only=True):
    """A page of the tenant's users."""

    cursor: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 25


class SearchQuery(Query, frozen=True, kw_only=True):
    """Words to search for, filters and page."""

    q: Annotated[str, Meta(min_length=1, max_length=200)]
    state: State | None = None
    quotes: QuoteStep | None = None
    line: Code = ""
    owner: Annotated[str, Meta(max_length=64)] = ""
    updated_since: Annotated[datetime, Meta(tz=True)] | None = None
    test: bool | None = None
    cursor: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 25


class NaicsQuery(Query, frozen=True, kw_only=True):
    """Words or the first digits of a code; ``zip`` (five digits) and ``employees`` influence the ranking."""

    q: Annotated[str, Meta(min_length=1, max_length=100)]
    zip: Annotated[str, Meta(pattern=r"^([0-9]{5})?$")] = ""
    employees: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None


class AppetiteQuery(Query, frozen=True, kw_only=True):
    """Any part of a form's ``answers`` and ``answer_pools``, as JSON. ``catalogue`` is by default the tenant's."""

    answers: Annotated[str, Meta(max_length=4_000)] = "{}"
    answer_pools: Annotated[str, Meta(max_length=4_000)] = "{}"
    catalogue: Code = ""


class AppetiteTableQuery(Query, frozen=True, kw_only=True):
    """Industries by the first digits of their codes, in one state or in all. ``catalogue`` is by default the
    tenant's.
    """

    industry: Annotated[str, Meta(pattern=r"^[0-9]{2,6}$")]
    state: Code = ""
    catalogue: Code = ""
