"""Base classes of the admin for read-only rows and for large tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Final
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from tenants.models import Tenant

#: The characters of an id that lists show: its time, and enough to search by.
SHORT_ID: Final = 13
#: Fields that lists cannot be filtered by, because the matches would disclose them letter by letter.
UNFILTERABLE_FIELDS: Final = frozenset(
    {
        "callback_secret", "client_secret", "document", "password", "previous_callback_secret", "previous_secret",
        "search_personal", "secret", "wrapped_key",
    }
)  # fmt: skip


class NoGuessing:
    """Refuses filters on hidden fields. A mixin for the admins of rows with such fields."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Return whether a list may be filtered by ``lookup``."""
        if UNFILTERABLE_FIELDS.intersection(lookup.split("__")):
            return False
        return bool(super().lookup_allowed(lookup, value, request))  # type: ignore[misc]


class ReadOnlyAdmin(NoGuessing, ModelAdmin):
    """The admin of read-only rows."""

    actions = None

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        # Most likely a row of another tenant; Django would say that it was deleted.
        raise Http404

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse to add rows, which are created elsewhere."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse to change rows, which are changed elsewhere."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse to delete rows."""
        return False


class PreparedChangeList(ChangeList):
    """A changelist that lets its admin load related data for all rows of a page at once."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        """Load the rows of the page, then their related data."""
        super().get_results(request)
        self.result_list = list(self.result_list)
        self.model_admin.prepare(self.result_list)


class BigTableAdmin(ReadOnlyAdmin):
    """The admin of a large table: pages without a total, in the order of an index."""

    paginator = InfinitePaginator
    show_full_result_count = False
    sortable_by: ClassVar[Sequence[str]] = ()
    list_per_page = 50
    #: Large columns that lists do not load.
    heavy_fields: ClassVar[Sequence[str]] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the changelist that calls ``prepare``."""
        return PreparedChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of the tenants in scope, in lists without the heavy columns."""
        rows = super().get_queryset(request)
        is_list = request.resolver_match is None or "object_id" not in request.resolver_match.kwargs
        return rows.defer(*self.heavy_fields) if is_list else rows

    def prepare(self, rows: list[Any]) -> None:
        """Load related data for the ``rows`` of one page: the names of their tenants."""
        names = tenant_names(row.tenant_id for row in rows)
        for row in rows:
            row.tenant_name = names.get(row.tenant_id, str(row.tenant_id))

    @display(description="Tenant")
    def tenant(self, row: Any) -> str:
        """Return the name of the row's tenant."""
        if not hasattr(row, "tenant_name"):
            self.prepare([row])
        return str(row.tenant_name)

    @display(description="ID", ordering="pk")
    def short_id(self, row: Any) -> SafeString:
        """Return the beginning of the row's id; ids are sortable by time."""
        return short_id(row.pk)


def short_id(row_id: UUID) -> SafeString:
    """Return the beginning of an id, by which a search finds it, with the whole id in its title."""
    text = str(row_id)
    return format_html('<code class="staff-id" title="{}">{}</code>', text, text[:SHORT_ID])


def number(value: int | str) -> SafeString:
    """Return a number of a list, at the right of its column."""
    return format_html('<span class="staff-number">{}</span>', f"{value:,}" if isinstance(value, int) else value)


def tenant_names(ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the names of the tenants with these ids, in one query."""
    wanted = set(ids)
    return dict(Tenant.objects.filter(pk__in=wanted).values_list("pk", "name")) if wanted else {}


def is_id(text: str) -> bool:
    """Return whether ``text`` is a complete UUID."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
