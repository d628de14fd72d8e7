"""Roll-outs of guarded releases: how far they are, and the orders to continue or to take back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from catalogue.models import Catalogue, RollOut
from catalogue.roll_outs import OrderRefused, Tolerance, order_back, order_continue
from decisions.roll_out_steps import UnknownTenant, compared_rows, start_guarded
from partner_engine.admin.site import site
from partner_engine.admin.viewing import ReadOnlyAdmin, is_id
from tenants.models import User

_MOST: Decimal = Decimal(100)
NOT_SETTLED: Final = (
    "Ordered, not settled yet: not all servers and databases were reached. Workers try again, at the latest each hour."
)


class GuardedPublishForm(forms.Form):
    """What staff state at the start of a guarded release."""

    first = forms.CharField(
        label="Tenants to begin with",
        required=False,
        max_length=2_000,
        help_text="Their codes in order, separated by commas or spaces. The others follow by code.",
    )
    flips_percent = forms.DecimalField(
        label="Outcomes that may differ from the forecast, in percent of a tenant's open copies",
        min_value=0,
        max_value=_MOST,
        decimal_places=2,
        initial=Tolerance().flips_percent,
    )
    premium_percent = forms.DecimalField(
        label="Premium that may differ from the forecast, in percent of a tenant's premium",
        min_value=0,
        max_value=_MOST,
        decimal_places=2,
        initial=Tolerance().premium_percent,
    )
    notes = forms.CharField(label="Notes for the release", required=False, max_length=2_000, widget=forms.Textarea)

    def start(self, catalogue: Catalogue, *, actor_id: str) -> RollOut | None:
        """Start the roll-out; None with an error of the form if a tenant is unknown. Raises ``CatalogueErrors``."""
        given = self.cleaned_data
        try:
            return start_guarded(
                catalogue,
                actor_id=actor_id,
                tolerance=Tolerance(flips_percent=given["flips_percent"], premium_percent=given["premium_percent"]),
                first=given["first"].replace(",", " ").split(),
                notes=given["notes"],
            )
        except UnknownTenant as error:
            self.add_error("first", str(error))
            return None


def warn_unsettled(request: HttpRequest, roll_out: RollOut) -> None:
    """Say on the next page if a change that was ordered is not known to all processes and databases yet."""
    roll_out.refresh_from_db()
    if not roll_out.is_settled:
        messages.warning(request, NOT_SETTLED)


@admin.register(RollOut, site=site)
class RollOutAdmin(ReadOnlyAdmin):
    """Roll-outs, newest first."""

    list_display = ("release_name", "state", "progress", "started_at", "ended_at")
    list_display_links = ("release_name",)
    list_filter = ("catalogue", "state")
    list_select_related = ("release__catalogue", "former", "catalogue")
    ordering = ("-id",)
    fields = (
        "release", "former", "state", "progress", "flips_percent", "premium_percent", "started_at", "ended_at",
        "of_tenants", "ordered",
    )  # fmt: skip
    readonly_fields = fields
    actions_detail = ("go_on", "back")
    sortable_by: ClassVar = ()

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the roll-outs with the number of their tenants."""
        return super().get_queryset(request).annotate(tenant_count=Count("tenants"))

    def has_order_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the user may order, which needs the permission to add releases."""
        return request.user.has_perm("catalogue.add_release")

    @display(description="Release")
    def release_name(self, roll_out: RollOut) -> str:
        """Return the release that goes out."""
        return str(roll_out.release)

    @display(description="Tenants that follow")
    def progress(self, roll_out: Any) -> str:
        """Return how many tenants follow the release."""
        done = roll_out.tenant_count if roll_out.state == RollOut.State.DONE else roll_out.following
        return f"{done:,} of {roll_out.tenant_count:,}"

    @display(description="Tenants")
    def of_tenants(self, roll_out: RollOut) -> SafeString:
        """Return each tenant with forecast and measured figures."""
        context = {"rows": compared_rows(roll_out), "currency": roll_out.catalogue.currency}
        return render_to_string("admin/catalogue/rollout/tenants.html", context)

    @display(description="Orders")
    def ordered(self, roll_out: RollOut) -> SafeString:
        """Return who ordered what, and when."""
        orders = list(roll_out.orders.order_by("id"))
        people = {order.actor_id for order in orders if is_id(order.actor_id)}
        names = {str(user.pk): str(user) for user in User.objects.filter(pk__in=people)} if people else {}
        rows = [(order, names.get(order.actor_id, order.actor_id)) for order in orders]
        return render_to_string("admin/catalogue/rollout/orders.html", {"rows": rows})

    @action(description="Continue", icon="play_arrow", permissions=["order"], url_path="continue")
    def go_on(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Let the tenant that left its forecast follow after all (POST); confirm first (GET)."""
        return self._order(request, object_id, order_continue, verb="Continue")

    @action(description="Take back", icon="undo", permissions=["order"], url_path="back")
    def back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take all tenants back to the former release (POST); confirm first (GET)."""
        return self._order(request, object_id, order_back, verb="Take back")

    def _order(self, request: HttpRequest, object_id: str, order: Any, *, verb: str) -> HttpResponse:
        roll_out = self._find(request, object_id)
        if request.method != "POST":
            context = {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "original": roll_out,
                "title": verb,
                "roll_out": roll_out,
                "verb": verb,
            }
            return render(request, "admin/catalogue/rollout/order.html", context)
        try:
            order(roll_out, actor_id=str(request.user.pk))
        except OrderRefused as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, roll_out, f"Ordered: {verb}.")
            messages.success(request, f"{verb}: ordered. Workers decide the copies that are concerned.")
            warn_unsettled(request, roll_out)
        return redirect("admin:catalogue_rollout_change", roll_out.pk)

    def _find(self, request: HttpRequest, object_id: str) -> Any:
        roll_out = self.get_object(request, unquote(object_id))
        if roll_out is None:
            raise Http404("There is no such roll-out.")
        if not self.has_view_permission(request, roll_out):
            raise PermissionDenied
        return roll_out
