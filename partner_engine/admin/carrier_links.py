"""The links to carriers in the admin: settings with their secrets, a test call, and the state of their circuits."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from redis.exceptions import RedisError
from structlog.contextvars import get_contextvars
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget

from carriers.links.errors import LinkError
from carriers.links.inspection import BreakerView, breaker_views, reset_breaker
from carriers.links.link import CallContext
from carriers.links.link_secrets import PREFIX, rotate_callback_secret, set_secret
from carriers.links.loop import run
from carriers.links.selectors import link_of
from carriers.links.transport import carrier_guard
from carriers.links.trial import Step, make_test_call
from carriers.models import Carrier, CarrierLink
from partner_engine.admin.drafts import InCatalogueForm
from partner_engine.admin.forms import CatalogueFilter
from partner_engine.admin.history import WithHistory
from partner_engine.admin.site import site
from partner_engine.admin.staff import staff_actor
from partner_engine.admin.viewing import NoGuessing, PreparedChangeList
from tenants.current_tenant import current_scope
from webhooks.ssrf import RefusedAddress

TEST: Final = "carriers.test_carrierlink"
RESET: Final = "carriers.reset_breaker"
#: The longest that staff wait for one request of a test call, in seconds.
TEST_SECONDS: Final = 8.0
#: The tenant of a test call that belongs to none: the traffic log leaves it out.
_NO_TENANT: Final = UUID(int=0)
_CIRCUITS: Final = {"closed": "success", "paused": "info", "probing": "warning", "open": "danger", "unknown": "default"}

log = structlog.get_logger("partner_engine.audit")


class LinkForm(InCatalogueForm):
    """The form of a link. Stored secrets are never shown; an empty input keeps them."""

    new_client_secret = forms.CharField(
        label="Client secret",
        required=False,
        max_length=500,
        widget=UnfoldAdminPasswordWidget({"autocomplete": "new-password"}),
        help_text="Leave empty to keep the present one.",
    )
    new_callback_secret = forms.CharField(
        label="Callback secret",
        required=False,
        max_length=500,
        widget=UnfoldAdminPasswordWidget({"autocomplete": "new-password"}),
        help_text="Begins with whsec_. The present one stays valid for 24 hours. Leave empty to keep it.",
    )

    class Meta:
        model: ClassVar[Any] = CarrierLink
        fields = "__all__"

    def clean_base_url(self) -> str:
        """Check the address as every call does. Raises ``ValidationError``."""
        address = str(self.cleaned_data["base_url"])
        try:
            carrier_guard().check_url(address)
        except RefusedAddress as error:
            raise ValidationError(str(error)) from error
        if urlsplit(address).query:
            raise ValidationError("The address must not contain a part after '?'.")
        return address

    def clean_new_callback_secret(self) -> str:
        """Check the format of the callback secret. Raises ``ValidationError``."""
        secret = str(self.cleaned_data["new_callback_secret"])
        try:
            is_valid = not secret or len(base64.b64decode(secret.removeprefix(PREFIX), validate=True)) >= 16
        except binascii.Error:
            is_valid = False
        if not is_valid or (secret and not secret.startswith(PREFIX)):
            raise ValidationError("Enter whsec_ and at least 16 random bytes in base64.")
        return secret

    def clean(self) -> dict[str, Any]:
        """Check carrier, time limits, and that a secret is not sent to another address."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        catalogue, carrier = given.get("catalogue"), given.get("carrier")
        if catalogue and carrier and not Carrier.objects.filter(catalogue=catalogue, code=carrier).exists():
            known = ", ".join(Carrier.objects.filter(catalogue=catalogue).values_list("code", flat=True)) or "none yet"
            self.add_error("carrier", f"There is no carrier {carrier!r} in this catalogue. Its carriers are: {known}.")
        if (given.get("slow_seconds") or 0) > (given.get("timeout_seconds") or 0):
            self.add_error("slow_seconds", "A call ends at its time limit. Enter a smaller number here.")
        if "base_url" in self.changed_data and not given.get("new_client_secret"):
            self.add_error("new_client_secret", "Enter the client secret, because it will be sent to a new address.")
        return given


@admin.register(CarrierLink, site=site)
class CarrierLinkAdmin(WithHistory, NoGuessing, ModelAdmin):
    """Links to carriers with the state of their circuit breakers."""

    form = LinkForm
    list_display = ("carrier", "whose", "link_state", "circuit", "base_url", "mode", "catalogue")
    list_filter = (CatalogueFilter, "is_enabled", "mode")
    list_select_related = ("tenant",)
    search_fields = ("carrier", "base_url")
    ordering = ("catalogue", "carrier")
    show_full_result_count = False
    warn_unsaved_form = True
    compressed_fields = False
    actions = ("close_circuit",)
    change_form_outer_before_template = "admin/carriers/carrierlink/test_call.html"
    fieldsets = (
        (None, {"fields": (("catalogue", "carrier"), "tenant", ("is_enabled", "mode"))}),
        (
            "Address",
            {
                "fields": (
                    "base_url", "is_simulator", "portal_url", "client_id", "new_client_secret", "new_callback_secret",
                )
            },
        ),
        (
            "Limits",
            {
                "fields": (
                    ("timeout_seconds", "connect_seconds"), ("slow_seconds", "per_minute"), "most_in_flight",
                )
            },
        ),
    )  # fmt: skip

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PreparedChangeList]:
        """Return the changelist that calls ``prepare``."""
        return PreparedChangeList

    def prepare(self, rows: list[Any]) -> None:
        """Load the breakers of the rows of one page at once."""
        views: dict[str, BreakerView] = {}
        try:
            views = breaker_views(row.base_url for row in rows)
        except RedisError:
            pass  # Their state is unknown.
        for row in rows:
            row.breaker = views.get(row.base_url)

    def get_readonly_fields(self, request: HttpRequest, obj: CarrierLink | None = None) -> tuple[str, ...]:
        """Make whose link it is read-only once it exists: its secrets are bound to that."""
        return () if obj is None else ("catalogue", "carrier", "tenant")

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the test call."""
        own = path("<uuid:link_id>/test/", self.admin_site.admin_view(self.test_call), name="carriers_carrierlink_test")
        return [own, *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Seal the secrets that were entered, and store the link."""
        client_secret = form.cleaned_data["new_client_secret"]
        callback_secret = form.cleaned_data["new_callback_secret"]
        if client_secret:
            set_secret(obj, "client_secret", client_secret)
        if callback_secret:
            rotate_callback_secret(obj, callback_secret)
        super().save_model(request, obj, form, change)
        self._note(request, "changed" if change else "added", obj)

    def has_reset_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may close circuits."""
        return bool(request.user.has_perm(RESET))

    @admin.action(description="Close the circuit", permissions=["reset"])
    def close_circuit(self, request: HttpRequest, queryset: QuerySet[CarrierLink]) -> None:
        """Close the circuits of the chosen links, so that their carriers are called at once."""
        chosen = list(queryset)
        try:
            for link in chosen:
                reset_breaker(link.base_url)
                self._note(request, "circuit_closed", link)
        except RedisError:
            self.message_user(request, "Redis is not responding. Nothing was changed.", messages.ERROR)
            return
        self.message_user(request, f"Circuits closed: {len(chosen)}.", messages.SUCCESS)

    def test_call(self, request: HttpRequest, link_id: UUID) -> HttpResponse:
        """Make a test call and show its steps in place. Raises ``PermissionDenied`` and ``Http404``."""
        if not request.user.has_perm(TEST):
            raise PermissionDenied
        row = CarrierLink.objects.filter(pk=link_id).first() if request.method == "POST" else None
        if row is None:
            raise Http404("There is no such link.")
        self._note(request, "tested", row)
        context = {"steps": _tested(row), "original": row, "title": f"Test call: {row}"}
        template = "steps" if request.headers.get("HX-Request") else "tested"
        page = f"admin/carriers/carrierlink/{template}.html"
        return render(request, page, {**self.admin_site.each_context(request), **context})

    @display(description="Tenant")
    def whose(self, link: CarrierLink) -> str:
        """Return the tenant whose link it is."""
        return link.tenant.name if link.tenant else "all tenants"

    @display(description="State", label={"on": "success", "off": "default"})
    def link_state(self, link: CarrierLink) -> str:
        """Return whether the link is turned on."""
        return "on" if link.is_enabled else "off"

    @display(description="Circuit", label=_CIRCUITS)
    def circuit(self, link: Any) -> tuple[str, str]:
        """Return the state of the link's circuit breaker, with its figures."""
        breaker: BreakerView | None = link.breaker
        return ("unknown", "unknown") if breaker is None else (breaker.state, _circuit_text(breaker))

    def _note(self, request: HttpRequest, what: str, link: CarrierLink) -> None:
        actor = staff_actor(request)
        log.info(f"audit.carrier_link_{what}", link=str(link.pk), carrier=link.carrier, actor_id=actor.id)


def _circuit_text(breaker: BreakerView) -> str:
    figures = {
        "open": f"next call in {breaker.opens_probe_in:.0f} s",
        "paused": f"for {breaker.paused_for:.0f} s, as the carrier requested",
        "probing": "one call is being tried",
        "closed": f"{breaker.failures} failures" if breaker.failures else "",
    }
    in_flight = f"{breaker.in_flight} in flight" if breaker.in_flight else ""
    return ", ".join(filter(None, (breaker.state, figures[breaker.state], in_flight)))


def _tested(row: CarrierLink) -> list[Step]:
    """Return the steps of a test call. It is logged for the tenant of the link, or the chosen one."""
    scope = current_scope()
    chosen = scope.tenant.id if scope is not None and scope.tenant is not None else _NO_TENANT
    context = CallContext(tenant_id=row.tenant_id or chosen, correlation_id=get_contextvars().get("correlation_id", ""))
    try:
        link = link_of(row)
    except LinkError as error:
        return [Step(title="Settings", is_good=False, text=str(error), milliseconds=0)]
    return run(make_test_call(replace(link, timeout_seconds=min(link.timeout_seconds, TEST_SECONDS)), context=context))
