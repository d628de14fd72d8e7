"""How the admin shows what is not edited there, and tables that are too big to be counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from tenants.models import Tenant

#: Fields that nobody may filter by: whether a row is found would tell them, letter by letter.
UNTOLD_FIELDS: Final = frozenset(
    {"client_secret", "document", "password", "previous_secret", "search_personal", "secret", "wrapped_key"}
)


class NoGuessing:
    """Refuses to filter a list by what the list does not tell; mixed into admins of such rows."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Tell whether a list may be filtered by ``lookup``."""
        if UNTOLD_FIELDS.intersection(lookup.split("__")):
            return False
        return bool(super().lookup_allowed(lookup, value, request))  # type: ignore[misc]


class ReadOnlyAdmin(NoGuessing, ModelAdmin):
    """Shows rows and changes none."""

    actions = None

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: rows are made elsewhere."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: rows are changed elsewhere."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: rows are deleted elsewhere, if at all."""
        return False


class PreparedChangeList(ChangeList):
    """A changelist that lets its admin fetch what belongs to the rows of one page, all at once."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page, then what belongs to its rows."""
        super().get_results(request)
        self.result_list = list(self.result_list)
        self.model_admin.prepare(self.result_list)


class BigTableAdmin(ReadOnlyAdmin):
    """Shows a table that may be big: pages without a total, in one order that an index gives."""

    paginator = InfinitePaginator
    show_full_result_count = False
    sortable_by: ClassVar[Sequence[str]] = ()
    list_per_page = 50
    #: Columns of stored bytes, which lists have no use for.
    heavy_fields: ClassVar[Sequence[str]] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the changelist that asks ``prepare``."""
        return PreparedChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of the tenants that staff look at, without the heavy columns in lists."""
        rows = super().get_queryset(request)
        is_list = request.resolver_match is None or "object_id" not in request.resolver_match.kwargs
        return rows.defer(*self.heavy_fields) if is_list else rows

    def prepare(self, rows: list[Any]) -> None:
        """Fetch what belongs to the ``rows`` of one page: here the names of their tenants."""
        names = tenant_names(row.tenant_id for row in rows)
        for row in rows:
            row.tenant_name = names.get(row.tenant_id, str(row.tenant_id))


def tenant_names(ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the names of the tenants with these ids, in one query."""
    wanted = set(ids)
    return dict(Tenant.objects.filter(pk__in=wanted).values_list("pk", "name")) if wanted else {}


def is_id(text: str) -> bool:
    """Tell whether ``text`` is a whole UUID."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def age(since: datetime | None) -> str:
    """Return how long ago ``since`` is, in its largest unit: ``40 s``, ``12 min``, ``5 h``, ``3 days``."""
    if since is None:
        return "–"
    seconds = max(0, int((timezone.now() - since).total_seconds()))
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            amount = seconds // size
            return f"{amount} {'day' if unit == 'days' and amount == 1 else unit}"
    return f"{seconds} s"
