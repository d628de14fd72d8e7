"""Saved mappings of imports in the admin: staff read them, and delete what nobody at the tenant can delete."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from operations.imports.errors import MappingNotFound
from operations.imports.stored_mappings import delete_mapping
from operations.models import ImportMapping
from partner_engine.admin.site import site
from partner_engine.admin.viewing import BigTableAdmin
from tenants.models import Tenant

_DELETE = "operations.delete_importmapping"


@admin.register(ImportMapping, site=site)
class ImportMappingAdmin(BigTableAdmin):
    """Saved mappings by name."""

    list_display = ("name", "catalogue", "by", "created_at", "tenant")
    ordering = ("name", "id")
    heavy_fields: ClassVar = ("mapping",)
    #: Only deleting, which the site offers for every list.
    actions = ()  # type: ignore[assignment]
    fields = ("name", "catalogue", "mapping", "by", "created_at", "tenant")
    readonly_fields = fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user may delete mappings."""
        return bool(request.user.has_perm(_DELETE))

    def delete_model(self, request: HttpRequest, obj: ImportMapping) -> None:
        """Delete one mapping; one that is gone already is no error."""
        tenant = Tenant.objects.get(pk=obj.tenant_id)
        try:
            delete_mapping(obj.pk, tenant=tenant, actor=request.actor)  # type: ignore[attr-defined]
        except MappingNotFound:
            return

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ImportMapping]) -> None:
        """Delete the chosen mappings."""
        for mapping in queryset:
            self.delete_model(request, mapping)

    @display(description="By")
    def by(self, mapping: ImportMapping) -> str:
        """Return who saved it."""
        return mapping.created_by_label or f"{mapping.created_by_type} {mapping.created_by_id}"
