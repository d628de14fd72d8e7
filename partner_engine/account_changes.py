"""Changes of a user's own account: each is logged, ends the other sessions, and is reported to the user by mail."""

from __future__ import annotations

import structlog
from django.db import transaction
from django.utils import timezone

from actions.kinds import SendAccountChangedMail
from actions.outbox import enqueue
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User

PASSWORD_CHANGED = "Your password was changed"  # noqa: S105 - a sentence
FACTOR_ADDED = "A second factor was set up"
FACTOR_REMOVED = "Your second factor was removed"
CODES_RENEWED = "Your recovery codes were replaced"

log = structlog.get_logger(__name__)


def change_password(user: User, tenant: Tenant, password: str) -> None:
    """Store a checked ``password``, and emit the mail in the same transaction where the tenant shares the database."""
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        report_change(user, tenant, PASSWORD_CHANGED)


def report_change(user: User, tenant: Tenant, change: str) -> None:
    """Log ``change``, and emit the mail to the user."""
    log.info("audit.account_changed", user_id=str(user.pk), change=change)
    mail = SendAccountChangedMail(user_id=str(user.pk), change=change, changed_at=timezone.now().isoformat())
    with use_tenant(tenant):
        enqueue(mail, alias=tenant.database_alias, tenant_id=tenant.pk, copy_id=None)
