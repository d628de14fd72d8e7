"""Feature flags: their rules, who gets a feature and why, and the history of their changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import structlog
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models.functions import Lower
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.views import ChangeList

from partner_engine.admin.history import WithHistory
from partner_engine.admin.site import site
from partner_engine.admin.viewing import PreparedChangeList
from tenants.flag_rules import FlagState, Owner, count_on
from tenants.flags import FLAGS
from tenants.models import ApiClient, Flag, Tenant, User

logger = structlog.get_logger("partner_engine.audit")

#: The most users and API clients of one tenant that the page counts.
MOST_COUNTED: Final = 5_000
#: The fields of a state, in the order of the rules, with their labels in the history.
_LABELS: Final = {
    "is_on": "switched on",
    "denied": "denied users",
    "denied_tenants": "denied tenants",
    "allowed": "allowed users",
    "allowed_groups": "allowed groups",
    "tenants": "tenants",
    "everyone": "everyone",
    "percent": "percent",
}


@admin.register(Flag, site=site)
class FlagAdmin(WithHistory, ModelAdmin):
    """Flags, with the page that shows who gets a feature."""

    list_display = ("name", "feature", "rollout", "modified")
    search_fields = ("name", "note")
    ordering = ("name",)
    actions = None
    actions_detail = ("audience",)
    warn_unsaved_form = True
    filter_horizontal = ("denied_users", "denied_tenants", "users", "groups", "tenants")
    fieldsets = (
        (None, {"fields": ("name", "is_on", "note")}),
        ("1. Deny list", {"fields": ("denied_users", "denied_tenants")}),
        ("2. Allow list", {"fields": ("users", "groups")}),
        ("3. Tenants", {"fields": ("tenants",)}),
        ("4. Everyone, else a percentage", {"fields": ("everyone", "percent")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Flag | None = None) -> tuple[str, ...]:
        """Make the name of a stored flag read-only: code asks for it."""
        return ("name",) if obj is not None else ()

    @display(description="What is on with it")
    def feature(self, flag: Flag) -> str:
        """Return what the product does with the flag."""
        return FLAGS.get(flag.name, "Nothing asks for this flag.")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the changelist that calls ``prepare``."""
        return PreparedChangeList

    def prepare(self, rows: list[Any]) -> None:
        """Load the rules of the ``rows`` of one page."""
        states = Flag.read_states()
        for row in rows:
            row.known = states.get(row.name)

    @display(description="Rollout")
    def rollout(self, flag: Flag) -> str:
        """Return the flag's rules in a few words."""
        return summary_of(flag.state())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Note the rules before the change, for its history."""
        request.flag_before = Flag.read_states().get(obj.name)  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> str:
        """Return the differences of the rules as the text of the history, and log them for the audit."""
        after = Flag.read_states()[form.instance.name]
        changes = list(_changes(request.flag_before, after))  # type: ignore[attr-defined]
        logger.info(
            "audit.flag_changed", flag=after.name, changes=changes, actor_id=str(request.user.pk), source="admin"
        )
        return "; ".join(changes) or "No rule changed."

    @action(description="Who gets it", icon="group", permissions=["view"], url_path="audience")
    def audience(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show who gets the feature and why: counts by tenant, and the verdict on one user or API client."""
        flag: Any = self.get_object(request, object_id)
        if flag is None:
            raise Http404("There is no such flag.")
        if not self.has_view_permission(request, flag):
            raise PermissionDenied
        state, tried = flag.state(), request.GET.get("who", "").strip()
        person = _find(tried) if tried else None
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": flag,
            "title": f"Who gets {flag.name!r}",
            "flag": flag,
            "summary": summary_of(state),
            "rows": [_row(tenant, state) for tenant in Tenant.objects.order_by("name")],
            "tried": tried,
            "person": person,
            "verdict": flag.explain(person) if person is not None else None,
        }
        return render(request, "admin/tenants/flag/audience.html", context)


def summary_of(state: FlagState) -> str:
    """Return the rules of a flag in a few words, the strongest first."""
    if not state.is_on:
        return "off for all"
    denied, allowed = len(state.denied) + len(state.denied_tenants), len(state.allowed) + len(state.allowed_groups)
    parts = [
        f"{denied} denied" if denied else "",
        f"{allowed} allowed" if allowed else "",
        f"{len(state.tenants)} tenant{'s' if len(state.tenants) > 1 else ''}" if state.tenants else "",
        {True: "everyone", False: "nobody else", None: ""}[state.everyone],
        f"{state.percent.normalize():f}%" if state.everyone is None and state.percent else "",
    ]
    return ", ".join(part for part in parts if part) or "off: no rule turns it on"


def _changes(before: FlagState | None, after: FlagState) -> Iterator[str]:
    """Yield the rules that differ; people and tenants by id, because a name is no proof."""
    first = before or FlagState(name=after.name)
    if before is None:
        yield "added"
    for field, label in _LABELS.items():
        was, now = getattr(first, field), getattr(after, field)
        if isinstance(now, frozenset):
            yield from (f"{label}: added {one}" for one in sorted(map(str, now - was)))
            yield from (f"{label}: removed {one}" for one in sorted(map(str, was - now)))
        elif was != now:
            yield f"{label}: {_shown(was)} to {_shown(now)}"


def _shown(value: object) -> str:
    if value is None:
        return "unknown"
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def _find(text: str) -> User | ApiClient | None:
    """Return the user with this email address, or the API client with this client id."""
    user = User.objects.alias(address=Lower("email")).filter(address=text.lower()).first()
    return user or ApiClient.objects.filter(client_id=text).first()


def _row(tenant: Tenant, state: FlagState) -> dict[str, Any]:
    """Return how many users and API clients of a tenant get the feature, and by which rules."""
    users = [
        Owner(id=str(user.pk), tenant_id=tenant.pk, groups=frozenset(group.pk for group in user.groups.all()))
        for user in User.objects.filter(tenant=tenant, is_active=True).prefetch_related("groups")[:MOST_COUNTED]
    ]
    clients = [
        Owner(id=str(key), tenant_id=tenant.pk)
        for key in ApiClient.objects.filter(tenant=tenant).values_list("pk", flat=True)[:MOST_COUNTED]
    ]
    rules = count_on(state, [*users, *clients])
    return {
        "tenant": tenant,
        "users": f"{sum(count_on(state, users).values())} of {len(users)}",
        "clients": f"{sum(count_on(state, clients).values())} of {len(clients)}",
        "why": ", ".join(f"{rule} ({count})" for rule, count in rules.items()) or "–",
    }
