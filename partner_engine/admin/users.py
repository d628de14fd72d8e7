"""Users, groups of staff permissions, and failed sign-ins."""

from __future__ import annotations

from typing import Any, Final

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from partner_engine.admin.site import site
from partner_engine.admin.viewing import NoGuessing, ReadOnlyAdmin
from tenants.access import Role
from tenants.backends import forget_attempts
from tenants.models import User

#: The fields that grant any permission. Only superusers may change them.
_POWERS: Final = ("is_superuser", "groups", "user_permissions")


class NewUserForm(UserCreationForm):
    """The form of a new user. The password can be set later."""

    class Meta:
        model = User
        fields = ("email", "full_name", "role", "tenant")

    def clean_email(self) -> str:
        """Return the address in lower case, because addresses are compared without case."""
        return str(self.cleaned_data["email"]).lower()


class ExistingUserForm(UserChangeForm):
    """The form of an existing user. The password is changed on a page of its own."""

    class Meta:
        model = User
        fields = "__all__"

    def clean_email(self) -> str:
        """Return the address in lower case, because addresses are compared without case."""
        return str(self.cleaned_data["email"]).lower()


@admin.register(User, site=site)
class PersonAdmin(NoGuessing, UserAdmin, ModelAdmin):
    """Agents, tenant administrators, and staff."""

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
        """Allow only superusers to grant permissions."""
        times = ("last_login", "date_joined")
        return times if request.user.is_superuser else (*times, *_POWERS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow only superusers to change a superuser, whose password would grant all permissions."""
        allowed = super().has_change_permission(request, obj)
        return allowed and not self._is_above(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow only superusers to delete a superuser."""
        return super().has_delete_permission(request, obj) and not self._is_above(request, obj)

    def _is_above(self, request: HttpRequest, obj: Any) -> bool:
        return isinstance(obj, User) and obj.is_superuser and not request.user.is_superuser

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Limit access to the admin to the role of staff."""
        obj.is_staff = obj.role == Role.STAFF
        obj.is_superuser = obj.is_superuser and obj.is_staff
        super().save_model(request, obj, form, change)


@admin.register(Group, site=site)
class StaffGroupAdmin(GroupAdmin, ModelAdmin):
    """Groups of staff permissions. Only superusers can change them."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow only superusers to grant permissions."""
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow only superusers to grant permissions."""
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow only superusers to remove groups."""
        return bool(request.user.is_superuser)


@admin.register(AccessAttempt, site=site)
class FailedSignInAdmin(ReadOnlyAdmin):
    """Failed sign-ins by user name and address. Deleting one ends its lockout."""

    list_display = ("username", "ip_address", "failures_since_start", "lock_state", "attempt_time")
    ordering = ("-attempt_time",)
    search_fields = ("username", "ip_address")
    fields = ("username", "ip_address", "failures_since_start", "lock_state", "attempt_time", "path_info", "user_agent")
    readonly_fields = fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow deleting, which ends a lockout, by permission."""
        return super(ReadOnlyAdmin, self).has_delete_permission(request, obj)

    def delete_model(self, request: HttpRequest, obj: AccessAttempt) -> None:
        """Delete the attempt, and its count in the limit of sign-ins."""
        super().delete_model(request, obj)
        forget_attempts(obj.username or "", str(obj.ip_address))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[AccessAttempt]) -> None:
        """Delete several attempts in the same way."""
        for attempt in queryset:
            self.delete_model(request, attempt)

    @display(description="State", label={"locked out": "danger", "can try again": "default"})
    def lock_state(self, attempt: AccessAttempt) -> str:
        """Return whether the user name is locked out now."""
        is_fresh = attempt.attempt_time >= timezone.now() - settings.AXES_COOLOFF_TIME
        return (
            "locked out"
            if is_fresh and attempt.failures_since_start >= settings.AXES_FAILURE_LIMIT
            else "can try again"
        )
