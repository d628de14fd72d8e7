"""The scope of the admin: chosen in the header, stored in the session, applied by the tenant middleware."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from partner_engine.tenant_middleware import CHOSEN_DATABASE, CHOSEN_TENANT
from tenants.current_tenant import current_scope
from tenants.models import Tenant

#: The permissions of which each shows rows of tenants by name.
_SHOWS_TENANTS: Final = (
    "tenants.view_tenant",
    "tenants.change_tenant",
    "tenants.view_user",
    "tenants.change_user",
    "tenants.view_apiclient",
    "forms.view_applicationform",
    "forms.view_declination",
    "forms.view_quoterequest",
    "copies.view_copy",
    "copies.view_sensitivereveal",
    "operations.view_batchoperation",
    "actions.view_outboxaction",
    "webhooks.view_webhookendpoint",
    "webhooks.view_webhookdelivery",
    "quoting.view_producerlicense",
    "quoting.view_carrierappointment",
    "decisions.view_decisionrun",
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One available scope. ``value`` is the form value that selects it."""

    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ShownScope:
    """The current scope and all choices."""

    label: str
    choices: tuple[Choice, ...]


def shown_scope(request: HttpRequest) -> ShownScope:
    """Return the scope of the request and all choices: each tenant, or all tenants of one database.

    Staff who may see no tenants' data, neither tenants nor forms, get no choice and no names.
    """
    if not _sees_tenants(request):
        return ShownScope("", ())
    scope = current_scope()
    tenant_id, alias = (
        (scope.tenant.id if scope and scope.tenant else None),
        (scope.alias if scope else DEFAULT_DB_ALIAS),
    )
    databases = [Choice(f"database:{name}", _all_in(name), tenant_id is None and name == alias) for name in connections]
    tenants = [
        Choice(f"tenant:{pk}", f"{name} (database {database})" if database else name, pk == tenant_id)
        for pk, name, database in Tenant.objects.order_by("name").values_list("pk", "name", "database")
    ]
    choices = (*databases, *tenants)
    return ShownScope(next((choice.label for choice in choices if choice.is_chosen), ""), choices)


@require_POST
def choose_scope(request: HttpRequest) -> HttpResponse:
    """Store the choice ``tenant:<id>`` or ``database:<alias>`` in the session and redirect to the page before."""
    if not _sees_tenants(request):
        raise PermissionDenied
    kind, _, name = request.POST.get("scope", "").partition(":")
    if kind == "tenant" and _is_tenant(name):
        request.session[CHOSEN_TENANT] = name
    elif kind == "database" and name in connections:
        request.session.pop(CHOSEN_TENANT, None)
        request.session[CHOSEN_DATABASE] = name
    else:
        return HttpResponseBadRequest("There is no such tenant or database.")
    target = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return redirect(target if is_ours else reverse("admin:index"))


def _sees_tenants(request: HttpRequest) -> bool:
    return any(map(request.user.has_perm, _SHOWS_TENANTS))


def _is_tenant(text: str) -> bool:
    try:
        return Tenant.objects.filter(pk=UUID(text)).exists()
    except ValueError:
        return False


def _all_in(alias: str) -> str:
    return "All tenants of the shared database" if alias == DEFAULT_DB_ALIAS else f"All tenants of database {alias}"
