"""Reads of quote requests for pages and API: of one copy, and over all forms. Code that writes loads them through the
batch.

A quote whose last day is over is shown as expired at once, whenever that is recorded (``quoting.expiry``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When

from batch.changes.mutators.quote_requests import QuoteRequestRow
from copies.models import Copy
from forms.models import ApplicationForm, QuoteRequest, Subjectivity
from forms.status_order import VALID
from quoting.expiry import today_at
from quoting.refusals import UnknownQuoteRequest
from tenants.models import Tenant

if TYPE_CHECKING:
    from typing import TypedDict

    from django_stubs_ext import WithAnnotations

    class ShownState(TypedDict):
        """The column that the selectors of this module add."""

        shown_state: str

    ShownRequest: TypeAlias = WithAnnotations[QuoteRequest, ShownState]


def shown_state_of(row: QuoteRequestRow | QuoteRequest, today: date) -> str:
    """Return the state that is shown: expired from the day after the last one on."""
    is_over = row.state in VALID and row.valid_until is not None and row.valid_until < today
    return "expired" if is_over else row.state


def list_quote_requests(copy_id: UUID, *, tenant: Tenant) -> QuerySet[ShownRequest]:
    """Return the requests of one copy, with ``shown_state``."""
    return _shown(QuoteRequest.objects.filter(copy_id=copy_id), tenant)


def list_all_quote_requests(
    *,
    tenant: Tenant,
    states: Collection[str] = (),
    carrier: str = "",
    product: str = "",
    tests: bool | None = None,
) -> QuerySet[ShownRequest]:
    """Return the requests of all copies that are not deleted, of forms that are not archived, with ``shown_state``;
    empty filters filter nothing. ``tests`` gives only those of test forms, or only the others.
    """
    form = ApplicationForm.objects.filter(id=OuterRef("application_form_id"), deleted_at=None)
    if tests is not None:
        form = form.filter(is_test=tests)
    copy = Copy.objects.filter(Exists(form), id=OuterRef("copy_id"), deleted_at=None)
    rows = _shown(QuoteRequest.objects.filter(Exists(copy)), tenant)
    if states:
        rows = rows.filter(shown_state__in=list(states))
    if carrier:
        rows = rows.filter(carrier=carrier)
    return rows.filter(product=product) if product else rows


def access_quote_request(request_id: UUID, *, tenant: Tenant) -> ShownRequest:
    """Return one request of the tenant in scope, with ``shown_state``. Raises ``UnknownQuoteRequest``."""
    found = list_all_quote_requests(tenant=tenant).filter(id=request_id).first()
    if found is None:
        raise UnknownQuoteRequest
    return found


def copy_of_request(request_id: UUID) -> UUID:
    """Return the copy of a quote request of the tenant in scope. Raises ``UnknownQuoteRequest``."""
    found = QuoteRequest.objects.filter(id=request_id).only("copy_id").first()
    if found is None:
        raise UnknownQuoteRequest
    copy_id: UUID = found.copy_id
    return copy_id


def subjectivities_of(request_ids: Iterable[UUID]) -> dict[UUID, list[Subjectivity]]:
    """Return the subjectivities in force by quote request, those to be done first. One query."""
    rows = Subjectivity.objects.filter(quote_request_id__in=list(request_ids), closed_at=None)
    found: dict[UUID, list[Subjectivity]] = {}
    for row in rows.order_by(F("done_at").asc(nulls_first=True), F("due_on").asc(nulls_last=True), "created_at"):
        found.setdefault(row.quote_request_id, []).append(row)
    return found


def _shown(rows: QuerySet[QuoteRequest], tenant: Tenant) -> QuerySet[Any]:
    is_over = Q(state__in=VALID, valid_until__lt=today_at(tenant))
    state = Case(When(is_over, then=Value("expired")), default=F("state"), output_field=CharField())
    return rows.annotate(shown_state=state)
