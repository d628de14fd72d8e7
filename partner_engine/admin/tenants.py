"""Tenants with their databases, and API clients, whose secret is shown once."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from oauth2_provider.generators import generate_client_secret
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldBooleanWidget,
)

from catalogue.models import Catalogue
from copies.models import CopyIndex
from partner_engine.admin.account_rights import missing_for_client, missing_for_rights
from partner_engine.admin.history import WithHistory
from partner_engine.admin.site import site
from partner_engine.admin.viewing import NoGuessing
from partner_engine.agency_form import clean_logo, clean_phone, profile_of
from tenants.access import RIGHT_TEXTS
from tenants.agency_profile import change_profile
from tenants.models import ApiClient, Tenant, least_scopes
from tenants.tokens import revoke_tokens


class TenantForm(forms.ModelForm):
    """The form of a tenant, with the available databases and catalogues."""

    database = forms.ChoiceField(
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text="The database that stores its forms. It cannot be changed once the tenant has forms.",
    )
    catalogue = forms.ChoiceField(
        required=False, widget=UnfoldAdminSelectWidget(), help_text="The catalogue that its new forms use."
    )

    logo = forms.FileField(
        required=False,
        widget=UnfoldAdminFileFieldWidget(),
        help_text="PNG, JPEG or WebP, at most 1 MB. A new logo replaces the present one.",
    )
    remove_logo = forms.BooleanField(required=False, widget=UnfoldBooleanWidget(), label="Remove the logo")

    class Meta:
        model = Tenant
        fields = ("code", "name", "phone", "email", "time_zone", "database", "catalogue", "quotes_staleness")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Read-only fields are not in the form.
        database: Any = self.fields.get("database")
        if database is not None:
            own = sorted(alias for alias in connections if alias != DEFAULT_DB_ALIAS)
            database.choices = [("", "The shared database"), *((alias, alias) for alias in own)]
        catalogue: Any = self.fields.get("catalogue")
        if catalogue is not None:
            catalogue.choices = [("", "None"), *Catalogue.objects.values_list("code", "title")]

    def clean_phone(self) -> str:
        """Return the phone number as it is read."""
        return clean_phone(self.cleaned_data["phone"])

    def clean_logo(self) -> bytes | None:
        """Return the new logo as it is stored."""
        return clean_logo(self.cleaned_data["logo"])


@admin.register(Tenant, site=site)
class TenantAdmin(WithHistory, ModelAdmin):
    """Tenants. The database of a tenant with forms cannot be changed, and such a tenant cannot be deleted."""

    form = TenantForm
    list_display = ("name", "code", "database_alias", "catalogue", "time_zone", "created_at")
    search_fields = ("name", "code")
    ordering = ("name",)
    warn_unsaved_form = True
    actions = None

    def get_readonly_fields(self, request: HttpRequest, obj: Tenant | None = None) -> tuple[str, ...]:
        """Make database and code read-only once there are forms."""
        return ("code", "database") if obj is not None and _has_forms(obj) else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to delete a tenant with forms, because no foreign key protects them."""
        allowed = super().has_delete_permission(request, obj)
        return allowed and not (isinstance(obj, Tenant) and _has_forms(obj))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save the tenant with its logo."""
        super().save_model(request, obj, form, change)
        if {"logo", "remove_logo"} & set(form.changed_data):
            change_profile(obj, profile_of(form.cleaned_data))

    @display(description="Database")
    def database_alias(self, tenant: Tenant) -> str:
        """Return the name of the tenant's database."""
        return tenant.database or "shared"


def _has_forms(tenant: Tenant) -> bool:
    return CopyIndex.objects.filter(tenant_id=tenant.pk).exists()


class ApiClientForm(forms.ModelForm):
    """The form of an API client with the scopes that its tokens can have."""

    allowed_scopes = forms.MultipleChoiceField(
        choices=[(right.value, f"{text} ({right.value})") for right, text in RIGHT_TEXTS.items()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        label="Scopes",
        initial=least_scopes,
        help_text="The most that its tokens are allowed to do. Choose no more than the program needs.",
    )
    #: The signed-in member of staff.
    editor: Any = None

    def clean_allowed_scopes(self) -> list[str]:
        """Return the scopes. Raises ``ValidationError`` for added ones beyond the editor's own rights."""
        scopes: list[str] = self.cleaned_data["allowed_scopes"]
        if missing := missing_for_rights(self.editor, scopes):
            raise ValidationError(f"You cannot allow this: you lack {', '.join(missing)}.", code="beyond_own_rights")
        return scopes

    class Meta:
        model = ApiClient
        fields = ("name", "tenant", "is_active", "is_sandbox", "allowed_scopes", "allowed_origins")
        help_texts: ClassVar = {
            "allowed_origins": "Addresses of its own pages, such as https://quotes.example.com, that may call the API "
            "from a browser. One per line; empty for none."
        }


@admin.register(ApiClient, site=site)
class ApiClientAdmin(WithHistory, NoGuessing, ModelAdmin):
    """API clients. The secret is generated here, shown once, and stored as a hash."""

    form = ApiClientForm
    list_display = ("name", "client_id", "tenant", "is_active", "is_sandbox", "created")
    list_select_related = ("tenant",)
    list_filter = ("tenant", "is_active", "is_sandbox")
    search_fields = ("name", "client_id")
    ordering = ("name",)
    actions = None
    actions_detail = ("new_secret",)

    def get_fields(self, request: HttpRequest, obj: ApiClient | None = None) -> tuple[str, ...]:
        """Return the fields. The client id exists only after the client is added."""
        own = ("name", "tenant", "is_active", "is_sandbox", "allowed_scopes", "allowed_origins")
        return own if obj is None else ("client_id", *own, "created")

    def get_readonly_fields(self, request: HttpRequest, obj: ApiClient | None = None) -> tuple[str, ...]:
        """Make the client id and the tenant of an existing client read-only."""
        return () if obj is None else ("client_id", "tenant", "created")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[Any]:
        """Return the form, which knows its editor."""
        form = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (form,), {"editor": request.user})

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse clients with more rights than one's own: their secret would give them."""
        return super().has_change_permission(request, obj) and not self._is_above(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse clients with more rights than one's own."""
        return super().has_delete_permission(request, obj) and not self._is_above(request, obj)

    def _is_above(self, request: HttpRequest, obj: Any) -> bool:
        return isinstance(obj, ApiClient) and bool(missing_for_client(request.user, obj))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Generate the secret of a new client. The row stores its hash, the request the secret for the response."""
        if not change:
            obj.client_secret = request.new_client_secret = generate_client_secret()  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Show the new secret once."""
        return self._show(request, obj, request.new_client_secret)  # type: ignore[attr-defined]

    @action(description="New secret", icon="key", permissions=["change"], url_path="new-secret")
    def new_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for confirmation, then replace the secret, and revoke the client's tokens."""
        client: Any = self.get_object(request, object_id)
        if client is None:
            raise Http404("There is no such API client.")
        if not self.has_change_permission(request, client):
            raise PermissionDenied
        if request.method != "POST":
            return self._show(request, client, "")
        secret = generate_client_secret()
        with transaction.atomic():
            client.client_secret = secret
            client.save(update_fields=["client_secret", "updated"])
            revoke_tokens(client)
        self.log_change(request, client, "Created a new secret.")
        return self._show(request, client, secret)

    def _show(self, request: HttpRequest, client: ApiClient, secret: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": client,
            "title": "API client",
            "client": client,
            "secret": secret,
        }
        return render(request, "admin/tenants/apiclient/secret.html", context)
