"""The company sign-ins of tenants: their issuer, client, and mail domains."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminPasswordWidget

from carriers.links.transport import carrier_guard
from partner_engine.admin.account_rights import missing_for_role
from partner_engine.admin.history import WithHistory
from partner_engine.admin.site import site
from partner_engine.admin.viewing import NoGuessing
from partner_engine.company_issuer import set_secret
from tenants.access import Role
from tenants.models import CompanySignIn
from webhooks.ssrf import RefusedAddress

_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


class CompanySignInForm(forms.ModelForm):
    """The form of a company sign-in. The stored secret is never shown; an empty input keeps it."""

    new_client_secret = forms.CharField(
        label="Client secret",
        required=False,
        max_length=500,
        widget=UnfoldAdminPasswordWidget({"autocomplete": "new-password"}),
        help_text="Leave empty to keep the present one.",
    )

    class Meta:
        model: ClassVar[Any] = CompanySignIn
        exclude = ("client_secret",)  # noqa: DJ006 - the secret alone

    def clean_issuer(self) -> str:
        """Check the address as every request does. Raises ``ValidationError``."""
        address = str(self.cleaned_data["issuer"]).rstrip("/")
        try:
            carrier_guard().check_url(address)
        except RefusedAddress as error:
            raise ValidationError(str(error)) from error
        if urlsplit(address).query:
            raise ValidationError("The address must not contain a part after '?'.")
        return address

    def clean_mail_domains(self) -> list[str]:
        """Return the domains in lower case; each is one tenant's alone. Raises ``ValidationError``."""
        domains = sorted({str(domain).strip().lower() for domain in self.cleaned_data["mail_domains"]})
        for domain in domains:
            if not _DOMAIN.fullmatch(domain):
                raise ValidationError(f"{domain!r} is not a domain, such as agency.example.")
        taken = CompanySignIn.objects.filter(mail_domains__overlap=domains).exclude(pk=self.instance.pk)
        if taken.exists():
            raise ValidationError("Another tenant has one of these domains.")
        return domains

    def clean(self) -> dict[str, Any]:
        """Check that there is a secret, and that the present one is not sent to another address."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if not given.get("new_client_secret") and ("issuer" in self.changed_data or not self.instance.client_secret):
            self.add_error("new_client_secret", "Enter the client secret of this issuer.")
        return given


@admin.register(CompanySignIn, site=site)
class CompanySignInAdmin(WithHistory, NoGuessing, ModelAdmin):
    """Company sign-ins. An issuer can sign in every user of its tenant, administrators too: who chooses it has their
    rights.
    """

    form = CompanySignInForm
    list_display = ("tenant", "issuer", "is_enabled", "is_required", "adds_accounts")
    list_select_related = ("tenant",)
    search_fields = ("issuer", "tenant__name")
    warn_unsaved_form = True
    fieldsets = (
        (None, {"fields": ("tenant", "issuer", "client_id", "new_client_secret", "mail_domains")}),
        ("Who signs in", {"fields": ("is_enabled", "is_required", "adds_accounts", "session_minutes")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse staff with fewer rights than a tenant administrator."""
        return super().has_add_permission(request) and not _is_beyond(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse staff with fewer rights than a tenant administrator."""
        return super().has_change_permission(request, obj) and not _is_beyond(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse staff with fewer rights than a tenant administrator."""
        return super().has_delete_permission(request, obj) and not _is_beyond(request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Seal the secret, then save."""
        if form.cleaned_data["new_client_secret"]:
            set_secret(obj, form.cleaned_data["new_client_secret"])
        super().save_model(request, obj, form, change)


def _is_beyond(request: HttpRequest) -> bool:
    """Return whether a tenant administrator has rights that the signed-in member of staff lacks."""
    return bool(missing_for_role(request.user, Role.TENANT_ADMIN))
