"""The accounts of a tenant as its administrators manage them: list, invitations, roles, and who may sign in.

Nobody changes their own account here, gives a role with more rights than their own, or changes an account that has
more. An account of another tenant is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django_otp.plugins.otp_totp.models import TOTPDevice

from partner_engine.account_erasure import is_erased
from partner_engine.account_orders import end_sessions_of, invite, report_edited_account
from tenants.access import ROLE_RIGHTS, Actor, Role
from tenants.limits import check
from tenants.limits.check import Subject
from tenants.limits.scopes import ACCOUNT_MAILS
from tenants.models import Tenant, User

#: The roles at a tenant, and their names on the page.
ROLES: Final = {Role.AGENT: "Agent", Role.TENANT_ADMIN: "Administrator"}
NAME_LENGTH: Final = 200
ADDRESS_LENGTH: Final = 254


class OrderRefused(Exception):
    """The order cannot be carried out; the sentence says why, ``field`` names the faulty input."""

    def __init__(self, text: str, *, field: str = "", status: int = 422) -> None:
        super().__init__(text)
        self.field = field
        self.status = status


@dataclass(frozen=True, kw_only=True, slots=True)
class Colleague:
    """An account in the list. ``is_invited`` marks one whose password was never chosen."""

    id: UUID
    name: str
    email: str
    role: str
    role_name: str
    last_sign_in: datetime | None
    has_factor: bool
    is_active: bool
    is_invited: bool
    is_oneself: bool
    may_edit: bool


def list_accounts(tenant: Tenant, *, actor: Actor) -> list[Colleague]:
    """Return all accounts of the tenant but erased ones, active ones first."""
    factor = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
    users = User.objects.filter(tenant=tenant).annotate(has_factor=Exists(factor))
    ordered = users.order_by("-is_active", "full_name", "email")
    return [_colleague(user, actor) for user in ordered if not is_erased(user)]


def _colleague(user: User, actor: Actor) -> Colleague:
    return Colleague(
        id=user.pk,
        name=user.display_name,
        email=user.email,
        role=user.role,
        role_name=ROLES[Role(user.role)],
        last_sign_in=user.last_login,
        has_factor=user.has_factor,  # type: ignore[attr-defined]  # annotated
        is_active=user.is_active,
        is_invited=not user.has_usable_password() and user.last_login is None,
        is_oneself=str(user.pk) == actor.id,
        may_edit=_may_edit(user, actor),
    )


def _may_edit(user: User, actor: Actor) -> bool:
    return str(user.pk) != actor.id and actor.rights >= ROLE_RIGHTS[Role(user.role)]


def find_account(user_id: str, *, tenant: Tenant, actor: Actor) -> User:
    """Return the account that ``actor`` may change. Raises ``OrderRefused``."""
    try:
        user = User.objects.filter(pk=UUID(user_id), tenant=tenant).first()
    except ValueError:
        user = None
    if user is None or is_erased(user):
        raise OrderRefused("There is no such account at your agency.", status=404)
    if str(user.pk) == actor.id:
        raise OrderRefused("Change your own account on the page “Account”.", status=409)
    if not _may_edit(user, actor):
        raise OrderRefused("This account has more rights than yours.", status=403)
    return user


def invite_colleague(request: HttpRequest, fields: dict[str, str], *, tenant: Tenant, actor: Actor) -> User:
    """Add an account with ``email``, ``full_name`` and ``role`` of ``fields``, and send it an invitation.

    Raises ``OrderRefused``, and ``RateLimited`` above the number of invitations.
    """
    email, name = fields["email"].strip(), " ".join(fields["full_name"].split())
    try:
        validate_email(email)
    except ValidationError as error:
        raise OrderRefused("Enter an email address.", field="email") from error
    if len(email) > ADDRESS_LENGTH:
        raise OrderRefused(f"Use an address of at most {ADDRESS_LENGTH} characters.", field="email")
    if not name or len(name) > NAME_LENGTH:
        raise OrderRefused(f"Enter the name, at most {NAME_LENGTH} characters.", field="full_name")
    role = _role(fields["role"], actor)
    if User.objects.with_email(email).exists():
        raise _taken()
    _count_mail(email, tenant_id=tenant.pk)
    try:
        user = User.objects.create_user(email, full_name=name, role=role, tenant=tenant)
    except IntegrityError as error:
        # Two invitations of one address at the same time.
        raise _taken() from error
    invite(request, user)
    return user


def _taken() -> OrderRefused:
    # The same for an account of another agency: this page says nothing about other agencies.
    text = "This address cannot be invited: it has an account already, here or at another agency."
    return OrderRefused(text, field="email", status=409)


def _role(value: str, actor: Actor) -> Role:
    """Return the role. Raises ``OrderRefused`` for one beyond the rights of ``actor``."""
    if value not in ROLES:
        raise OrderRefused("Choose a role.", field="role")
    if not actor.rights >= ROLE_RIGHTS[Role(value)]:
        raise OrderRefused("You cannot give a role with more rights than yours.", field="role", status=403)
    return Role(value)


def invite_again(request: HttpRequest, user: User) -> None:
    """Send another link to choose a password. Raises ``OrderRefused``, ``RateLimited``."""
    if not user.is_active:
        raise OrderRefused("This account is switched off. Switch it on first.", status=409)
    if user.has_usable_password():
        raise OrderRefused("This colleague has chosen a password. A forgotten one is replaced on the sign-in page.",
                           status=409)  # fmt: skip
    _count_mail(user.email, tenant_id=user.tenant_id)
    invite(request, user)


def _count_mail(email: str, *, tenant_id: UUID | None) -> None:
    """Count a mail to an address that somebody typed. Raises ``RateLimited``: the product fills nobody's mailbox."""
    of_tenant = Subject(f"invitations:{tenant_id}", tenant_id, is_shared=True)
    check.take(ACCOUNT_MAILS, Subject(f"mail:{email.lower()}"), of_tenant)


def change_role(request: HttpRequest, user: User, value: str, *, actor: Actor) -> bool:
    """Give ``user`` another role; all their sessions end. Return whether it is another. Raises ``OrderRefused``."""
    role = _role(value, actor)
    if role == user.role:
        return False
    user.role = role
    user.save(update_fields=["role"])
    end_sessions_of(request, user)
    report_edited_account(request, user, ["role"])
    return True


def switch(request: HttpRequest, user: User, *, is_active: bool) -> None:
    """Let ``user`` sign in or not; without it all their sessions end, and their forms stay."""
    if user.is_active == is_active:
        return
    user.is_active = is_active
    user.save(update_fields=["is_active"])
    if not is_active:
        end_sessions_of(request, user)
    report_edited_account(request, user, ["is_active"])
