"""Lists of rows that belong to copies: whom the copy insures, and the names of its products and lines."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from carriers.models import Carrier, CarrierProduct
from catalogue import releases
from catalogue.models import LineOfBusiness
from copies.models import Copy
from decisions.listing import present_rows
from forms.models import ApplicationForm
from partner_engine.admin.forms import copy_address, find_copies, insured_of, name_insureds
from partner_engine.admin.viewing import BigTableAdmin
from presentation.product_names import product_name
from rules.definition.model import CompiledCatalogue

_HEAVY: Final = ("document", "evaluation", "search_text", "search_personal")


class _CodeFilter(admin.SimpleListFilter):
    """A list filter for rows with a code. Its choices are those of the catalogues, so that no large table is read."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of ``queryset`` with the chosen code."""
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


class CarrierFilter(_CodeFilter):
    """The list filter for rows of a carrier."""

    title = parameter_name = "carrier"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the carriers by name."""
        return sorted(dict(Carrier.objects.order_by().values_list("code", "name")).items(), key=itemgetter(1))


class ProductFilter(_CodeFilter):
    """The list filter for rows of a product."""

    title = parameter_name = "product"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the codes of the products."""
        codes = CarrierProduct.objects.order_by("code").values_list("code", flat=True).distinct()
        return [(code, code) for code in codes]


class LineFilter(_CodeFilter):
    """The list filter for rows of a line of business."""

    title = parameter_name = "line"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the lines by label."""
        return sorted(dict(LineOfBusiness.objects.order_by().values_list("code", "label")).items(), key=itemgetter(1))


class OfCopyAdmin(BigTableAdmin):
    """The base class of lists whose rows belong to copies: they begin with the insured, with a link to the copy.

    The name is empty where the copy is no longer in scope.
    """

    list_display_links = ("short_id",)
    search_fields = ("id",)
    search_help_text = (
        "The beginning of a copy ID or form ID, or words from the insured's name or another indexed answer"
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows of ``queryset`` whose copies match ``search_term``."""
        if not search_term:
            return queryset, False
        return queryset.filter(copy_id__in=find_copies(search_term).values("pk")), False

    def prepare(self, rows: list[Any]) -> None:
        """Load the tenants, copies and catalogues of all rows of the page."""
        super().prepare(rows)
        ids = {row.copy_id for row in rows if row.copy_id}
        copies = present_rows(Copy.objects.filter(pk__in=ids).defer(*_HEAVY)) if ids else []
        forms = ApplicationForm.objects.filter(pk__in={copy.application_form_id for copy in copies})
        catalogues = dict(forms.order_by().values_list("pk", "catalogue")) if copies else {}
        name_insureds((copy, catalogues.get(copy.application_form_id, "")) for copy in copies)
        found: dict[Any, Any] = {copy.pk: copy for copy in copies}
        compiled = {code: _current(code) for code in set(catalogues.values())}
        for row in rows:
            row.copy_row = found.get(row.copy_id)
            row.compiled = compiled.get(catalogues.get(row.copy_row.application_form_id)) if row.copy_row else None

    @display(description="Insured")
    def insured(self, row: Any) -> str | SafeString:
        """Return whom the copy insures, with a link to the copy."""
        if not hasattr(row, "copy_row"):
            self.prepare([row])
        if row.copy_row is None:
            return "–"
        name = insured_of(row.copy_row)
        return format_html('<a class="staff-link" href="{}">{}</a>', copy_address(row.copy_id), name)

    @display(description="Product")
    def product_name(self, row: Any) -> str:
        """Return the name of the row's product; its code if the current release does not have it."""
        compiled = self._compiled(row)
        return product_name(compiled, row.product) if compiled is not None else str(row.product)

    @display(description="Line")
    def line_label(self, row: Any) -> str:
        """Return the label of the row's line; its code if the current release does not have it."""
        compiled = self._compiled(row)
        lines = compiled.definition.lines if compiled is not None else ()
        return next((line.label for line in lines if line.code == row.line), str(row.line))

    def _compiled(self, row: Any) -> CompiledCatalogue | None:
        if not hasattr(row, "compiled"):
            self.prepare([row])
        compiled: CompiledCatalogue | None = row.compiled
        return compiled


def _current(catalogue: str) -> CompiledCatalogue | None:
    try:
        return releases.current(catalogue).compiled
    except releases.NoRelease:
        return None
