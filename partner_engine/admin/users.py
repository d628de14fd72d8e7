"""Users, groups of staff permissions, and failed sign-ins."""

from __future__ import annotations

from typing import Any, Final

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import mark_safe
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from batch.errors import LooksSensitive, NoReason, WrongValue
from batch.reveal import clean_reason
from partner_engine.account_orders import invite, report_edited_account
from partner_engine.admin.account_confirmations import END_OF_SESSIONS, INVITATION, VIEW, ConfirmedOrder
from partner_engine.admin.account_rights import missing_for_role, missing_for_user
from partner_engine.admin.change_notes import change_note
from partner_engine.admin.history import WithHistory
from partner_engine.admin.sessions import sessions_of_user
from partner_engine.admin.site import site
from partner_engine.admin.user_list import UserList
from partner_engine.admin.viewing import NoGuessing, ReadOnlyAdmin
from partner_engine.viewing_as import begin_view, may_view_as
from tenants.access import Role
from tenants.backends import forget_attempts
from tenants.models import User

#: The fields that grant any permission. Only superusers may change them.
_POWERS: Final = ("is_superuser", "groups", "user_permissions")
_CHANGE_PASSWORD: Final = mark_safe(
    'Only a hash is stored, so nobody can look it up. <a class="staff-link" href="../password/">Change the password</a>'
)


class WithinOwnRights:
    """Refuses a role with more rights than the editor has. A mixin for the forms of users."""

    #: The signed-in member of staff.
    editor: Any = None

    def clean_role(self) -> str:
        """Return the role. Raises ``ValidationError`` for one beyond the editor's own rights."""
        role = str(self.cleaned_data["role"])  # type: ignore[attr-defined]
        if missing := missing_for_role(self.editor, role):
            raise ValidationError(
                f"You cannot give this role: you lack {', '.join(missing)}.", code="beyond_own_rights"
            )
        return role


class NewUserForm(WithinOwnRights, UserCreationForm):
    """The form of a new user. Without a password the user gets an invitation by mail."""

    class Meta:
        model = User
        fields = ("email", "full_name", "role", "tenant")

    def clean_email(self) -> str:
        """Return the address in lower case, because addresses are compared without case."""
        return str(self.cleaned_data["email"]).lower()


class ExistingUserForm(WithinOwnRights, UserChangeForm):
    """The form of an existing user. The password is changed on a page of its own."""

    class Meta:
        model = User
        fields = "__all__"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "password" in self.fields:
            self.fields["password"].help_text = _CHANGE_PASSWORD

    def clean_email(self) -> str:
        """Return the address in lower case, because addresses are compared without case."""
        return str(self.cleaned_data["email"]).lower()


@admin.register(User, site=site)
class PersonAdmin(UserList, WithHistory, NoGuessing, UserAdmin, ModelAdmin):
    """Agents, tenant administrators, and staff."""

    form = ExistingUserForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    filter_horizontal = ("groups", "user_permissions")
    actions = None
    actions_detail = ("view_as", "send_invitation", "sessions", "end_sessions")
    fieldsets = (
        (None, {"fields": ("email", "password", "full_name", "role", "tenant", "is_active")}),
        ("Staff permissions", {"fields": _POWERS}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "full_name", "role", "tenant", "usable_password", "password1", "password2")}),
    )

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """Return the note for the history: each changed field before and after, also groups and permissions."""
        usual = super().construct_change_message(request, form, formsets, add)
        return usual if add else change_note(form, formsets or ()) or usual

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Allow only superusers to grant permissions."""
        times = ("last_login", "date_joined")
        return times if request.user.is_superuser else (*times, *_POWERS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse accounts with more rights than one's own: their password would give them."""
        allowed = super().has_change_permission(request, obj)
        return allowed and not self._is_above(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse accounts with more rights than one's own."""
        return super().has_delete_permission(request, obj) and not self._is_above(request, obj)

    def _is_above(self, request: HttpRequest, obj: Any) -> bool:
        return isinstance(obj, User) and bool(missing_for_user(request.user, obj))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[Any]:
        """Return the form, which knows its editor."""
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"editor": request.user})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Limit access to the admin to the role of staff; report changes of the account, and invite new users."""
        before = User.objects.filter(pk=obj.pk).first()
        obj.is_staff = obj.role == Role.STAFF
        obj.is_superuser = obj.is_superuser and obj.is_staff
        super().save_model(request, obj, form, change)
        if before is not None:
            report_edited_account(request, before, form.changed_data)
        elif not obj.has_usable_password():
            invite(request, obj)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Change the password, and report it to the user."""
        before = self.get_object(request, unquote(id))
        response: HttpResponse = super().user_change_password(request, id, form_url)
        if before is not None and User.objects.exclude(password=before.password).filter(pk=before.pk).exists():
            report_edited_account(request, before, ["password"])
        return response

    @action(description="Send an invitation", icon="mail", permissions=["change"], url_path="invite")
    def send_invitation(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send a link by which the user chooses a password."""
        return self._order(request, object_id, INVITATION)

    @action(description="End all sessions", icon="logout", permissions=["change"], url_path="end-sessions")
    def end_sessions(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Sign the user out everywhere."""
        return self._order(request, object_id, END_OF_SESSIONS)

    @action(description="Sessions", icon="devices", permissions=["change"], url_path="sessions")
    def sessions(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the sessions of the user, which end one by one or together."""
        user: Any = self.get_object(request, object_id)
        if user is None:
            raise Http404("There is no such user.")
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        return sessions_of_user(request, user, {**self.admin_site.each_context(request), "opts": self.opts})

    def has_view_as_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the product can be viewed as a user."""
        return may_view_as(request)

    @action(description="View as this user", icon="visibility", permissions=["view_as"], url_path="view-as")
    def view_as(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a reason (GET), then show the product as this user sees it (POST)."""
        user: Any = self.get_object(request, object_id)
        if user is None or user.tenant is None or not user.is_active:
            raise Http404("There is no such active user of a tenant.")
        if not may_view_as(request):
            raise PermissionDenied
        if request.method != "POST":
            return self._ask(request, user, VIEW)
        try:
            reason = clean_reason(request.POST.get("reason", ""))
        except (NoReason, WrongValue, LooksSensitive) as error:
            return self._ask(request, user, VIEW, problem=str(error))
        begin_view(request, user, reason=reason)
        self.log_change(request, user, f"Viewed the product as this user: {reason}")
        return redirect("web:forms")

    def _ask(self, request: HttpRequest, user: User, order: ConfirmedOrder, *, problem: str = "") -> HttpResponse:
        """Show the page that asks for confirmation of ``order``."""
        own = {"opts": self.opts, "original": user, "title": str(user), "problem": problem}
        context = {**self.admin_site.each_context(request), **own, **order.context(user)}
        return render(request, "admin/tenants/user/confirm.html", context, status=422 if problem else 200)

    def _order(self, request: HttpRequest, object_id: str, order: ConfirmedOrder) -> HttpResponse:
        """Ask for confirmation (GET), then execute ``order`` for the user (POST)."""
        user: Any = self.get_object(request, object_id)
        if user is None:
            raise Http404("There is no such user.")
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        if request.method != "POST" or order.execute is None:
            return self._ask(request, user, order)
        order.execute(request, user)
        self.log_change(request, user, order.done)
        messages.success(request, order.done)
        return redirect("admin:tenants_user_change", user.pk)


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
