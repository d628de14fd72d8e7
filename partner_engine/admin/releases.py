"""The published releases of catalogues, read-only, with their differences."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.views import ChangeList

from catalogue.models import Release
from catalogue.releases import get, read_definition
from catalogue.reports import describe_parts
from decisions.runs import describe_runs
from decisions.shadow import count_shadow_rules
from partner_engine.admin.site import site
from partner_engine.admin.viewing import PreparedChangeList, ReadOnlyAdmin, is_id
from partner_engine.definition_comparison import compare
from tenants.models import User


@admin.register(Release, site=site)
class ReleaseAdmin(ReadOnlyAdmin):
    """Releases, newest of each catalogue first."""

    list_display = ("catalogue", "number", "published_at", "published_by", "notes", "id")
    list_display_links = ("catalogue", "number")
    list_select_related = ("catalogue",)
    list_filter = ("catalogue",)
    ordering = ("catalogue", "-number")
    fields = (
        "catalogue",
        "number",
        "id",
        "published_at",
        "published_by",
        "notes",
        "checksum",
        "decided",
        "holds",
        "shadow_rules",
        "differences",
    )
    readonly_fields = fields
    show_full_result_count = False
    sortable_by: ClassVar = ()

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the releases without their content, which is loaded when it is shown."""
        return super().get_queryset(request).defer("content")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the changelist that calls ``prepare``."""
        return PreparedChangeList

    def prepare(self, rows: list[Any]) -> None:
        """Load the names of the publishers of ``rows``."""
        people = {row.published_by_id for row in rows if is_id(row.published_by_id)}
        names = {str(user.pk): str(user) for user in User.objects.filter(pk__in=people)} if people else {}
        for row in rows:
            row.publisher = names.get(row.published_by_id, row.published_by_id)

    @display(description="Published by")
    def published_by(self, release: Any) -> str:
        """Return the name of the publisher, which can be a command."""
        if not hasattr(release, "publisher"):
            self.prepare([release])
        return str(release.publisher)

    @display(description="Open copies decided anew")
    def decided(self, release: Release) -> str:
        """Return the progress of the runs that this release started, with their duration."""
        return describe_runs(release.pk) or "none waited"

    @display(description="Contents")
    def holds(self, release: Release) -> str:
        """Return the parts of the release as text."""
        return describe_parts(read_definition(release))

    @display(description="Shadow rules")
    def shadow_rules(self, release: Release) -> SafeString:
        """Return how often each rule without effect would have fired for the open copies."""
        counts = count_shadow_rules(release.pk, get(release.pk).compiled)
        rows = [
            (name, count, round(100 * count.fired / count.decided) if count.decided else 0)
            for name, count in counts.items()
        ]
        return render_to_string("admin/catalogue/shadow.html", {"rows": rows})

    @display(description="Changes since the previous release")
    def differences(self, release: Release) -> SafeString:
        """Return the differences from the previous release."""
        before = (
            Release.objects.filter(catalogue=release.catalogue_id, number__lt=release.number)
            .order_by("-number")
            .first()
        )
        found = compare(read_definition(before) if before else None, read_definition(release))
        return render_to_string("admin/catalogue/differences.html", {"differences": found})
