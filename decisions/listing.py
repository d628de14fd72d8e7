"""Lists of copies that never show an older decision than a read of the copy.

A copy that waits for its run is decided while it is listed, and nothing is stored (docs/adr/0025). A filter by state
decides the waiting copies first, up to ``MOST_DECIDED``; beyond that it lets them through, and ``present_rows`` drops
those of the page that are in another state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from batch.storage.summary import summarise
from catalogue import releases
from catalogue.selectors import list_published_catalogues
from copies.codec import UnreadableDocument
from copies.models import Copy
from decisions.decide_many import flow_of
from decisions.stored_copies import Waiting, read_waiting
from decisions.waiting import is_present, list_waiting, today_at, with_waiting
from encryption.envelope import DecryptionFailed
from encryption.key_ring import KeyServiceUnavailable
from forms.selectors import in_state as in_stored_state
from forms.selectors import list_used_catalogues, state_of_copy
from forms.states import State
from forms.status_order import QuoteStep
from forms.worklist import at_step
from presentation.visibility import Reader, Visibility
from tenants.access import Actor
from tenants.current_tenant import current_scope, use_tenant
from tenants.models import Tenant

C = TypeVar("C", bound=Copy)
#: Waiting copies that a filter by state decides; a list stays fast while a large run is on its way.
MOST_DECIDED: Final = 300


def present_rows(rows: Iterable[C], *, state: State | None = None) -> list[C]:
    """Return ``rows`` with the summaries of their present decisions; with ``state`` only those in that state."""
    shown = list(rows)
    waiting = _waiting_rows(shown)
    for tenant_id, ids in waiting.items():
        tenant = Tenant.objects.get(pk=tenant_id)
        with use_tenant(tenant):
            summaries = present_summaries(ids, tenant=tenant)
        for row in shown:
            row.summary = summaries.get(row.pk, row.summary)
    return shown if state is None else [row for row in shown if state_of_copy(row) == state]


class InvalidOwner(ValueError):
    """The owner to filter by is no user's id."""

    def __init__(self) -> None:
        super().__init__("owner must be a user's id, or `me` for a signed-in user.")


class HiddenLines(ValueError):
    """The reader may not see the lines of some forms, so that a filter would reveal them."""

    def __init__(self) -> None:
        super().__init__("You may not see the lines of all forms, so forms cannot be filtered by line.")


class Filters(Protocol):
    """The filters of a list; empty and None filter nothing."""

    @property
    def line(self) -> str:
        """Return the code of a line of business."""

    @property
    def owner(self) -> str:
        """Return a user's id, or ``me``."""

    @property
    def quotes(self) -> QuoteStep | None:
        """Return how far the quotes are."""


def filter_copies(copies: QuerySet[C], filters: Filters, *, state: State | None, actor: Actor) -> QuerySet[C]:
    """Return ``copies`` in ``state`` that match ``filters``. Raises ``InvalidOwner`` and ``HiddenLines``."""
    if state is not None:
        copies = in_state(copies, state)
    if filters.quotes is not None:
        copies = at_step(copies, filters.quotes, today=_today())
    if filters.line:
        if _hides_lines(Reader.for_actor(actor)):
            raise HiddenLines
        copies = copies.filter(summary__lines__contains=[filters.line])
    if filters.owner:
        try:
            # API clients own no copies: their ids are not user ids.
            copies = copies.filter(owner_id=UUID(actor.id if filters.owner == "me" else filters.owner))
        except ValueError as error:
            raise InvalidOwner from error
    return copies


def in_state(copies: QuerySet[C], state: State) -> QuerySet[C]:
    """Narrow ``copies`` to those in ``state`` by their present decisions.

    While very many copies wait, the result has all of them too: pass its rows through ``present_rows`` with ``state``.
    """
    groups = [] if state in ("deleted", "locked") else list_waiting(_tenants_in_scope(), alias=_alias())
    if not groups:
        return in_stored_state(copies, state)
    is_open = with_waiting(copies.filter(deleted_at=None, locked_at=None), groups)
    ids = list(is_open.filter(waits=True).order_by().values_list("pk", "tenant_id")[: MOST_DECIDED + 1])
    if len(ids) > MOST_DECIDED:
        return is_open.filter(Q(waits=True) | Q(summary__standing=state))
    matching = []
    for tenant in Tenant.objects.filter(pk__in={tenant_id for _, tenant_id in ids}):
        own = [copy_id for copy_id, tenant_id in ids if tenant_id == tenant.pk]
        with use_tenant(tenant):
            summaries = present_summaries(own, tenant=tenant)
            stored = dict(Copy.objects.filter(pk__in=set(own) - summaries.keys()).values_list("pk", "summary"))
        matching += [pk for pk, summary in (stored | summaries).items() if summary.get("standing") == state]
    return is_open.filter(Q(pk__in=matching) | Q(waits=False, summary__standing=state))


def present_summaries(copy_ids: Sequence[UUID], *, tenant: Tenant) -> dict[UUID, dict[str, Any]]:
    """Return the summaries of these copies under the current release today; those that keep their decision and those
    that cannot be decided are left out. The tenant must be in scope.
    """
    found = read_waiting(Q(pk__in=copy_ids), tenant=tenant, today=today_at(tenant), limit=len(copy_ids))
    summaries = {}
    for waiting in found:
        if not waiting.is_ended and (summary := _summary(waiting)) is not None:
            summaries[waiting.copy.id] = summary
    return summaries


def _summary(waiting: Waiting) -> dict[str, Any] | None:
    try:
        release = releases.current(waiting.catalogue)
        document, result = flow_of(waiting.copy, release)
    except (releases.NoRelease, UnreadableDocument, DecryptionFailed, KeyServiceUnavailable):
        return None
    return summarise(release.compiled, document, result.evaluation)


def _waiting_rows(rows: Sequence[Copy]) -> Mapping[UUID, list[UUID]]:
    """Return the ids of the rows whose stored decision may be an older one, by tenant."""
    is_of_present = cache(is_present)
    scope = current_scope()
    if scope is not None and scope.tenant is not None:
        today = today_at(scope.tenant)
        present_day = cache(lambda tenant_id: today)
    else:
        tenants = Tenant.objects.in_bulk({row.tenant_id for row in rows})
        present_day = cache(lambda tenant_id: today_at(tenants[tenant_id]))
    found: dict[UUID, list[UUID]] = {}
    for row in rows:
        if row.locked_at is not None or row.deleted_at is not None:
            continue
        mark = row.decided_release_id
        is_current = mark is not None and is_of_present(mark, row.decided_edition, row.tenant_id)
        if not is_current or row.decided_on not in (None, present_day(row.tenant_id)):
            found.setdefault(row.tenant_id, []).append(row.pk)
    return found


def _hides_lines(reader: Reader) -> bool:
    """Return whether the question for the lines is hidden from the reader in a catalogue of the forms in scope."""
    codes = [code for code, _ in list_published_catalogues(first="")]
    hiding = [code for code in codes if _hides_lines_of(code, reader)]
    return bool(hiding) and list_used_catalogues(hiding).exists()


def _hides_lines_of(code: str, reader: Reader) -> bool:
    scope = current_scope()
    tenant = scope.tenant if scope is not None else None
    try:
        catalogue = releases.current(code, tenant_id=tenant.pk if tenant else None).compiled
    except releases.NoRelease:
        return True
    return Visibility(catalogue, reader).hides(catalogue.definition.lines_question)


def _today() -> date:
    scope = current_scope()
    return today_at(scope.tenant) if scope is not None and scope.tenant is not None else timezone.now().date()


def _tenants_in_scope() -> list[Tenant]:
    scope = current_scope()
    if scope is not None and scope.tenant is not None:
        return [scope.tenant]
    return [tenant for tenant in Tenant.objects.all() if tenant.database_alias == _alias()]


def _alias() -> str:
    scope = current_scope()
    return scope.alias if scope is not None else "default"
