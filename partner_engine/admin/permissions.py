"""Producer licenses and carrier appointments of the tenant that staff have chosen."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from catalogue import releases
from partner_engine.admin.drafts import DraftFields
from partner_engine.admin.site import site
from partner_engine.admin.viewing import PreparedChangeList, tenant_names
from quoting.models import CarrierAppointment, DatedPermission, ProducerLicense
from rules.definition.catalogue import CatalogueDefinition
from tenants.current_tenant import current_scope
from tenants.models import Tenant, User


class PermissionForm(forms.ModelForm):
    """The form of a license or appointment, whose codes must be in the tenant's catalogue."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        scope = current_scope()
        if self.instance.tenant_id is None and scope is not None and scope.tenant is not None:
            self.instance.tenant_id = scope.tenant.id

    @property
    def definition(self) -> CatalogueDefinition | None:
        """Return the catalogue of the row's tenant, None without a published one."""
        tenant = Tenant.objects.filter(pk=self.instance.tenant_id).first()
        try:
            return releases.current(tenant.catalogue, tenant_id=tenant.pk).compiled.definition if tenant else None
        except releases.NoRelease:
            return None

    def clean_lines(self) -> list[str]:
        """Check the codes of lines."""
        return self._checked("lines", [line.code for line in self.definition.lines] if self.definition else None)

    def _checked(self, name: str, known: Collection[str] | None) -> Any:
        value = self.cleaned_data[name]
        codes = [value] if isinstance(value, str) else value or []
        unknown = [code for code in codes if known is not None and code not in known]
        if unknown:
            raise ValidationError(f"{', '.join(unknown)}: not in the catalogue of this tenant.", code="unknown_code")
        return value

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            # The form leaves out the tenant, and with it Django would leave out the constraints that name it.
            try:
                self.instance.validate_constraints()
            except ValidationError as error:
                self._update_errors(error)  # type: ignore[attr-defined]


class LicenseForm(PermissionForm):
    """The form of a producer license."""

    user_id = forms.TypedChoiceField(
        label="User",
        coerce=UUID,
        empty_value=None,
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text="The user who holds it. Leave empty for the whole agency.",
    )

    class Meta:
        model = ProducerLicense
        fields = ("user_id", "state", "lines", "number", "valid_from", "valid_until")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        users = User.objects.filter(tenant_id=self.instance.tenant_id).order_by("email")
        field: Any = self.fields.get("user_id")
        if field is not None:
            field.choices = [("", "The whole agency"), *((user.pk, str(user)) for user in users)]


class AppointmentForm(PermissionForm):
    """The form of a carrier appointment."""

    class Meta:
        model = CarrierAppointment
        fields = ("carrier", "states", "lines", "products", "producer_code", "valid_from", "valid_until")

    def clean_carrier(self) -> str:
        """Check the carrier's code."""
        known = [carrier.code for carrier in self.definition.carriers] if self.definition else None
        return str(self._checked("carrier", known))

    def clean_products(self) -> list[str]:
        """Check that the products are those of the carrier."""
        carrier, definition = self.cleaned_data.get("carrier"), self.definition
        own = [product.code for product in definition.products if product.carrier == carrier] if definition else None
        products: list[str] = self._checked("products", own)
        return products


class PermissionAdmin(DraftFields, ModelAdmin):
    """The base class of both lists. A row is added for the tenant that is chosen in the header."""

    form: Any = PermissionForm
    warn_unsaved_form = True
    list_per_page = 100
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether a row may be added: only for a chosen tenant."""
        scope = current_scope()
        return bool(scope and scope.tenant) and super().has_add_permission(request)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PreparedChangeList]:
        """Return the changelist that calls ``prepare``."""
        return PreparedChangeList

    def prepare(self, rows: list[Any]) -> None:
        """Load the names of the tenants of ``rows``."""
        names = tenant_names(row.tenant_id for row in rows)
        for row in rows:
            row.tenant_name = names.get(row.tenant_id, str(row.tenant_id))

    @display(description="Tenant")
    def tenant(self, row: DatedPermission) -> str:
        """Return the tenant's name."""
        return str(getattr(row, "tenant_name", ""))


@admin.register(ProducerLicense, site=site)
class ProducerLicenseAdmin(PermissionAdmin):
    """Producer licenses."""

    form = LicenseForm
    list_display = ("number", "state", "lines", "valid_from", "valid_until", "tenant")
    list_filter = ("state", ("valid_until", admin.DateFieldListFilter))
    search_fields = ("number", "state")


@admin.register(CarrierAppointment, site=site)
class CarrierAppointmentAdmin(PermissionAdmin):
    """Carrier appointments."""

    form = AppointmentForm
    list_display = ("producer_code", "carrier", "states", "lines", "products", "valid_from", "valid_until", "tenant")
    list_filter: ClassVar = ("carrier", ("valid_until", admin.DateFieldListFilter))
    search_fields = ("producer_code", "carrier")
