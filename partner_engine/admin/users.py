"""People who sign in, groups of staff permissions, and sign-ins that failed."""

from __future__ import annotations

from typing import Any, Final

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from partner_engine.admin.site import site
from partner_engine.admin.viewing import NoGuessing, ReadOnlyAdmin
from tenants.access import Role
from tenants.models import User

#: Whoever gives these gives everything; only superusers do.
_POWERS: Final = ("is_superuser", "groups", "user_permissions")


class NewUserForm(UserCreationForm):
    """A new user; the password may be left to be set later."""

    class Meta:
        model = User
        fields = ("email", "full_name", "role", "tenant")

    def clean_email(self) -> str:
        """Return the address as it is compared: without case."""
        return str(self.cleaned_data["email"]).lower()


class ExistingUserForm(UserChangeForm):
    """A user as they are; the password is changed on a page of its own."""

    class Meta:
        model = User
        fields = "__all__"

    def clean_email(self) -> str:
        """Return the address as it is compared: without case."""
        return str(self.cleaned_data["email"]).lower()


@admin.register(User, site=site)
class PersonAdmin(NoGuessing, UserAdmin, ModelAdmin):
    """Users: agents and administrators of tenants, and staff. Staff rights come by role, groups and permissions."""

    form = ExistingUserForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "full_name", "role", "tenant", "is_active", "last_login")
    list_select_related = ("tenant",)
    list_filter = ("role", "is_active", "tenant")
    search_fields = ("email", "full_name")
    ordering = ("email",)
    filter_horizontal = ("groups", "user_permissions")
    actions = None
    fieldsets = (
        (None, {"fields": ("email", "password", "full_name", "role", "tenant", "is_active")}),
        ("Staff permissions", {"fields": _POWERS}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "full_name", "role", "tenant", "usable_password", "password1", "password2")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Let only superusers give powers."""
        times = ("last_login", "date_joined")
        return times if request.user.is_superuser else (*times, *_POWERS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody below a superuser touch one: setting their password would make them one."""
        allowed = super().has_change_permission(request, obj)
        return allowed and not self._is_above(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody below a superuser delete one."""
        return super().has_delete_permission(request, obj) and not self._is_above(request, obj)

    def _is_above(self, request: HttpRequest, obj: Any) -> bool:
        return isinstance(obj, User) and obj.is_superuser and not request.user.is_superuser

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Open the admin to the role of staff alone."""
        obj.is_staff = obj.role == Role.STAFF
        obj.is_superuser = obj.is_superuser and obj.is_staff
        super().save_model(request, obj, form, change)


@admin.register(Group, site=site)
class StaffGroupAdmin(GroupAdmin, ModelAdmin):
    """Groups: bundles of permissions for staff. Only superusers change them."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let only superusers give powers."""
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let only superusers give powers."""
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let only superusers take powers."""
        return bool(request.user.is_superuser)


@admin.register(AccessAttempt, site=site)
class FailedSignInAdmin(ReadOnlyAdmin):
    """Failed sign-ins by name and address; deleting one lets the name try again from there."""

    list_display = ("username", "ip_address", "failures_since_start", "lock_state", "attempt_time")
    ordering = ("-attempt_time",)
    search_fields = ("username", "ip_address")
    fields = ("username", "ip_address", "failures_since_start", "lock_state", "attempt_time", "path_info", "user_agent")
    readonly_fields = fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let those unlock who have the permission to delete."""
        return super(ReadOnlyAdmin, self).has_delete_permission(request, obj)

    @display(description="State", label={"locked out": "danger", "can try again": "default"})
    def lock_state(self, attempt: AccessAttempt) -> str:
        """Return whether the name is locked out now."""
        is_fresh = attempt.attempt_time >= timezone.now() - settings.AXES_COOLOFF_TIME
        return (
            "locked out"
            if is_fresh and attempt.failures_since_start >= settings.AXES_FAILURE_LIMIT
            else "can try again"
        )
