"""The list of users in the admin: who can sign in, who is locked out, and who has a second factor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.decorators import display
from unfold.views import ChangeList

from partner_engine.admin.viewing import PreparedChangeList
from tenants.access import Role
from tenants.models import User

#: The states of users, with the admin's colors.
ACTIVE: Final = "Active"
LOCKED_OUT: Final = "Locked out"
INACTIVE: Final = "Inactive"
_STATUS_LABELS: Final = {ACTIVE: "success", LOCKED_OUT: "danger", INACTIVE: "default"}


class PersonStatusFilter(admin.SimpleListFilter):
    """The list filter for users who can sign in, are locked out, or are inactive."""

    title = parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the states."""
        return [("active", ACTIVE), ("locked-out", LOCKED_OUT), ("inactive", INACTIVE)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the users in the chosen state."""
        chosen = self.value()
        if chosen == "inactive":
            return queryset.filter(is_active=False)
        if chosen not in ("active", "locked-out"):
            return queryset
        locked = Q(address__in=_lock_outs().values("address"))
        people = queryset.filter(is_active=True).alias(address=Lower("email"))
        return people.filter(locked if chosen == "locked-out" else ~locked)


class SecondFactorFilter(admin.SimpleListFilter):
    """The list filter for users with or without a second factor."""

    title = "second factor"
    parameter_name = "second_factor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return both choices."""
        return [("yes", "With"), ("no", "Without")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the users with the choice."""
        has_one = Exists(TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True))
        chosen = {"yes": has_one, "no": ~has_one}.get(self.value() or "")
        return queryset.filter(chosen) if chosen is not None else queryset


class UserList:
    """The columns, filters and searches of the list. A mixin for the admin of users."""

    list_display: Any = ("name", "email", "role_word", "tenant", "status", "second_factor", "last_login", "date_joined")
    list_display_links: Any = ("name", "email")
    list_select_related: Any = ("tenant",)
    list_filter: Any = ("role", PersonStatusFilter, SecondFactorFilter, "tenant")
    search_fields: Any = ("email", "full_name")
    search_help_text: Any = "A name or an email address"
    ordering: Any = ("email",)
    show_full_result_count = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the changelist that calls ``prepare``."""
        return PreparedChangeList

    def prepare(self, rows: list[Any]) -> None:
        """Load which of the users of one page are locked out, and which have a second factor."""
        locked = _locked_out([row.email for row in rows])
        devices = TOTPDevice.objects.filter(user__in=rows, confirmed=True)
        protected = set(devices.values_list("user_id", flat=True))
        for row in rows:
            row.is_locked_out, row.has_second_factor = row.email in locked, row.pk in protected

    @display(description="Name", ordering="full_name")
    def name(self, user: User) -> str:
        """Return the full name, else the address."""
        return user.display_name

    @display(description="Role", ordering="role")
    def role_word(self, user: User) -> str:
        """Return the role in words."""
        return "Administrator" if user.role == Role.TENANT_ADMIN else user.get_role_display()

    @display(description="Status", label=_STATUS_LABELS)
    def status(self, user: Any) -> str:
        """Return whether the user can sign in."""
        if not user.is_active:
            return INACTIVE
        return LOCKED_OUT if user.is_locked_out else ACTIVE

    @display(description="Second factor", boolean=True)
    def second_factor(self, user: Any) -> bool:
        """Return whether the sign-in needs a second factor."""
        return bool(user.has_second_factor)


def _lock_outs() -> QuerySet[AccessAttempt]:
    """Return the attempts that lock a user name out now, with the name in lower case as ``address``."""
    return AccessAttempt.objects.filter(
        failures_since_start__gte=settings.AXES_FAILURE_LIMIT,
        attempt_time__gte=timezone.now() - settings.AXES_COOLOFF_TIME,
    ).annotate(address=Lower("username"))


def _locked_out(emails: Sequence[str]) -> set[str]:
    """Return those of ``emails``, which are in lower case, that are locked out."""
    return set(_lock_outs().filter(address__in=emails).values_list("address", flat=True))
