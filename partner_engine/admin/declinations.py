"""Declinations in the admin: filters, and a signed export of chosen records."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from forms.models import Declination
from partner_engine.admin.forms import copy_link
from partner_engine.admin.site import site
from partner_engine.admin.viewing import BigTableAdmin
from partner_engine.decline_files import FILE_HEADERS
from quoting.decline_exports import export_records
from tenants.models import User


@admin.register(Declination, site=site)
class DeclinationAdmin(BigTableAdmin):
    """The records that admitted carriers declined when somebody acted on a surplus product."""

    list_display = ("product", "line", "act", "condition", "copy", "version", "actor_label", "tenant", "created_at")
    list_filter = ("act", "line", "product", ("created_at", admin.DateFieldListFilter))
    ordering = ("-id",)
    actions = ("export",)  # type: ignore[assignment]
    fields = (
        "product", "line", "act", "actor_label", "copy", "version", "release_id", "as_of", "states", "tenant",
        "declined", "words", "condition", "requirement", "disclosures", "created_at",
    )  # fmt: skip
    readonly_fields = fields
    heavy_fields: ClassVar = ("declines", "inputs", "carriers", "tags")

    @display(description="Tenant")
    def tenant(self, declination: Any) -> str:
        """Return the tenant's name."""
        if not hasattr(declination, "tenant_name"):
            self.prepare([declination])
        return str(declination.tenant_name)

    @display(description="Copy")
    def copy(self, declination: Declination) -> SafeString:
        """Return a link to the copy."""
        return copy_link(declination.copy_id)

    @display(description="Condition", label={"met": "success", "not met": "warning"})
    def condition(self, declination: Declination) -> str:
        """Return whether the surplus lines condition was met."""
        return "met" if declination.surplus.get("is_met") else "not met"

    @display(description="Requirement")
    def requirement(self, declination: Declination) -> str:
        """Return what the surplus lines rules required, and their ids."""
        rules = ", ".join(rule["id"] for rule in declination.surplus.get("rules", ()))
        return f"{declination.surplus.get('requirement', '')}{f' ({rules})' if rules else ''}"

    @display(description="Disclosures")
    def disclosures(self, declination: Declination) -> str:
        """Return the texts that had to be shown."""
        return "\n".join(declination.surplus.get("disclosures", ())) or "–"

    @display(description="Admitted products that declined")
    def declined(self, declination: Declination) -> SafeString:
        """Return each admitted product with its reasons."""
        rows = [(product, _reasons(reasons)) for product, reasons in declination.declines.items()]
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {}</li>", rows))

    @display(description="Declined by the carrier")
    def words(self, declination: Declination) -> SafeString:
        """Return each product that its carrier declined itself, in the carrier's words."""
        rows = [(product, found.get("text", "")) for product, found in declination.carriers.items()]
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {}</li>", rows)) if rows else SafeString("–")

    @admin.action(description="Export signed file")
    def export(self, request: HttpRequest, queryset: QuerySet[Declination]) -> HttpResponse:
        """Return the chosen records as a signed file, without personal values."""
        assert isinstance(request.user, User)  # noqa: S101 - the site admits nobody else
        rows = list(queryset.defer(None).order_by("id"))
        content = export_records(rows, actor=request.user.as_actor(source="admin"))
        return HttpResponse(content, content_type="application/json", headers=FILE_HEADERS)


def _reasons(reasons: list[dict[str, Any]]) -> str:
    return "; ".join(f"{reason['text']} ({reason['rule']})" for reason in reasons)
