"""Carrier packages in the admin: the imports so far, an import with a preview, and the trusted publishers."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from unfold.admin import ModelAdmin
from unfold.decorators import action

from catalogue.models import PackageImport, PackagePublisher
from catalogue.packages.files import PackageFile, read_package_file
from catalogue.packages.importing import PackageRefused, import_package
from catalogue.reports import without_repetitions
from partner_engine.admin.catalogue import CatalogueFileForm
from partner_engine.admin.site import site
from partner_engine.admin.uploads import counts_uploads
from partner_engine.admin.viewing import ReadOnlyAdmin
from partner_engine.definition_comparison import compare
from rules.definition.faults import CatalogueErrors

_TEMPLATE: Final = "admin/catalogue/packageimport/import.html"


@admin.register(PackagePublisher, site=site)
class PackagePublisherAdmin(ModelAdmin):
    """Publishers whose packages may be imported. This installation trusts its own packages without an entry."""

    list_display = ("name", "public_key")
    search_fields = ("name",)


@admin.register(PackageImport, site=site)
class PackageImportAdmin(ReadOnlyAdmin):
    """Imported packages, newest first."""

    list_display = ("carrier", "version", "catalogue", "publisher", "imported_at", "imported_by_id")
    list_display_links = ("carrier", "version")
    list_select_related = ("catalogue",)
    list_filter = ("catalogue", "carrier")
    actions_list = ("import_package",)

    def has_import_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the user may replace parts of a draft."""
        return request.user.has_perm("catalogue.change_catalogue")

    @action(description="Import a package", icon="upload", permissions=["import"], url_path="import")
    @counts_uploads
    def import_package(self, request: HttpRequest) -> HttpResponse:
        """Show what a package would change, or why it is refused. After a confirmation, import it."""
        form = CatalogueFileForm(request.POST or None, request.FILES or None)
        form.fields["file"].label = "Carrier package (YAML)"
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Import a carrier package",
            "form": form,
        }
        text = request.POST.get("text", "")
        if not text and request.method == "POST" and form.is_valid():
            text = form.cleaned_data["file"]
        if text:
            try:
                return self._import(request, read_package_file(text), context | {"text": text})
            except CatalogueErrors as error:
                shown, more = without_repetitions(error.faults)
                context |= {"faults": shown, "more": more, "fault_count": len(error.faults)}
            except PackageRefused as error:
                context["refusal"] = str(error)
        return render(request, _TEMPLATE, context)

    def _import(self, request: HttpRequest, file: PackageFile, context: dict[str, Any]) -> HttpResponse:
        package, is_confirmed = file.package, "confirm" in request.POST
        imported = import_package(
            file,
            catalogue_code=package.package.catalogue,
            actor_id=str(request.user.pk),
            dry_run=not is_confirmed,
        )
        if not is_confirmed:
            preview = {
                "package": package,
                "imported": imported,
                "warnings": imported.warnings,
                "differences": compare(imported.before, imported.after),
            }
            return render(request, _TEMPLATE, context | preview)
        name = f"{package.carrier.name}, version {package.package.version}"
        self.log_change(request, imported.catalogue, f"Imported the carrier package {name}.")
        messages.success(request, f"Imported {name}. It is a draft until the catalogue is published.")
        return redirect("admin:catalogue_catalogue_change", imported.catalogue.pk)
