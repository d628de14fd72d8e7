"""The account of a person for whom the issuer of a tenant vouches: of that tenant alone, by the verified address.

An address is compared in lower case and letter by letter; one with other than ASCII letters is refused, so none that
only looks alike opens an account.
"""

from __future__ import annotations

import structlog
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError

from partner_engine.company_issuer import Identity
from tenants.access import Role
from tenants.company_sign_in_models import CompanySignIn
from tenants.models import User

log = structlog.get_logger(__name__)


class NoAccount(Exception):
    """The person has no account to sign in with; the sentence says what to do."""


def sign_in_for_domain(email: str) -> CompanySignIn | None:
    """Return the company sign-in that is enabled for the domain of an address."""
    domain = _domain(email)
    rows = CompanySignIn.objects.select_related("tenant").filter(is_enabled=True, mail_domains__contains=[domain])
    return rows.first() if domain else None


def account_of(identity: Identity, row: CompanySignIn) -> User:
    """Return the active account, or a new one where the tenant wants that. Raises ``NoAccount``."""
    email = identity.email.strip().lower()
    if not identity.email.isascii() or _domain(email) not in row.mail_domains:
        raise NoAccount("This address is not one of your agency. Sign in with another one.")
    try:
        validate_email(email)
    except ValidationError as error:
        raise NoAccount("This address is not one of your agency. Sign in with another one.") from error
    user = User.objects.with_email(email).select_related("tenant").first()
    if user is None and row.adds_accounts:
        user = _added(email, identity.name, row)
    if user is None or user.tenant_id != row.tenant_id or not user.is_active:
        raise NoAccount("You have no account at this agency. Ask its administrator for an invitation.")
    return user


def _added(email: str, name: str, row: CompanySignIn) -> User | None:
    """Add the account; None if it was added by another request meanwhile, which decides."""
    try:
        user = User.objects.create_user(email, full_name=name, role=Role.AGENT, tenant=row.tenant)
    except IntegrityError:
        return User.objects.with_email(email).select_related("tenant").first()
    log.info("audit.account_added", user_id=str(user.pk), tenant=row.tenant.code, reason="company sign-in")
    return user


def is_password_refused(user: User) -> bool:
    """Return whether the users of this tenant sign in with the account of their company only."""
    if user.tenant_id is None:
        return False
    return CompanySignIn.objects.filter(tenant_id=user.tenant_id, is_enabled=True, is_required=True).exists()


def _domain(email: str) -> str:
    return email.strip().lower().rpartition("@")[2] if "@" in email else ""
