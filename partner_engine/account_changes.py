"""Changes of a user's account: each is logged, makes all sessions invalid, and is reported to the user by mail.

The change, the end of the sessions and the mail are one transaction where the tenant shares the database. Callers keep
the session at hand, if any (``user_sessions.keep_only_this_session``).
"""

from __future__ import annotations

from typing import Final

import structlog
from django.db import transaction
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from actions.kinds import SendAccountChangedMail
from actions.outbox import enqueue
from partner_engine import second_factors
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User

#: The longest password that the sign-in page takes.
PASSWORD_LENGTH: Final = 200
PASSWORD_CHANGED = "Your password was changed"  # noqa: S105 - a sentence
PASSWORD_RESET = "Your password was changed by a link from a mail"  # noqa: S105 - a sentence
PASSWORD_CHOSEN = "You chose your password"  # noqa: S105 - a sentence
FACTOR_ADDED = "A second factor was set up"
FACTOR_REMOVED = "Your second factor was removed"
FACTOR_REMOVED_BY_OPERATOR = "The operator of Partner Engine removed your second factor"
CODES_RENEWED = "Your recovery codes were replaced"

log = structlog.get_logger(__name__)


def change_password(user: User, tenant: Tenant | None, password: str, *, change: str = PASSWORD_CHANGED) -> None:
    """Store a checked ``password``. ``change`` is the subject of the mail."""
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        report_change(user, tenant, change)


def add_factor(user: User, tenant: Tenant, device: TOTPDevice) -> list[str]:
    """Make ``device``, whose code was right, the second factor; return the recovery codes, which are shown once."""
    with transaction.atomic():
        second_factors.confirm_device(user, device)
        codes = second_factors.new_recovery_codes(user)
        report_change(user, tenant, FACTOR_ADDED)
    return codes


def renew_codes(user: User, tenant: Tenant) -> list[str]:
    """Replace the recovery codes; return the new ones, which are shown once."""
    with transaction.atomic():
        codes = second_factors.new_recovery_codes(user)
        report_change(user, tenant, CODES_RENEWED)
    return codes


def remove_factor(user: User, tenant: Tenant, change: str) -> None:
    """Remove the second factor with its recovery codes. ``change`` is the subject of the mail."""
    with transaction.atomic():
        second_factors.remove_second_factor(user)
        report_change(user, tenant, change)


def report_change(user: User, tenant: Tenant | None, change: str) -> None:
    """Log ``change``, and emit the mail to the user; staff, who have no tenant, get none."""
    log.info("audit.account_changed", user_id=str(user.pk), change=change)
    if tenant is None:
        return
    mail = SendAccountChangedMail(user_id=str(user.pk), change=change, changed_at=timezone.now().isoformat())
    with use_tenant(tenant):
        enqueue(mail, alias=tenant.database_alias, tenant_id=tenant.pk, copy_id=None)
