"""``manage.py remove_second_factor``: for users who have lost their phone and their recovery codes."""

from __future__ import annotations

from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandError, CommandParser

from partner_engine.account_changes import FACTOR_REMOVED_BY_OPERATOR, remove_factor
from partner_engine.second_factors import confirmed_device, remove_second_factor
from partner_engine.user_sessions import end_all_sessions
from tenants.models import User

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Removes the second factor of a user, ends all of their sessions, and reports it to them by mail."""

    help = "Remove the second factor of a user and end all of their sessions. Make sure first that it is they who ask."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the user and the reason."""
        parser.add_argument("email", help="The email address of the user.")
        parser.add_argument("--reason", required=True, help="Who asked, and how they were recognized. It is logged.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Remove it. Raises ``CommandError`` for an unknown user, one without a second factor, and without a reason."""
        reason = " ".join(options["reason"].split())
        if not reason:
            raise CommandError("State a reason: who asked, and how they were recognized.")
        user = User.objects.with_email(options["email"]).select_related("tenant").first()
        if user is None:
            raise CommandError(f"No user has the email address {options['email']!r}.")
        if confirmed_device(user) is None:
            raise CommandError(f"{user.email} has no second factor.")
        if user.tenant is None:
            remove_second_factor(user)
            note = "Staff receive no mail: notify them yourself."
        else:
            remove_factor(user, user.tenant, FACTOR_REMOVED_BY_OPERATOR)
            note = "A mail reports it to them."
        log.warning("audit.second_factor_removed", user_id=str(user.pk), reason=reason)
        end_all_sessions(user)
        self.stdout.write(f"{user.email} signs in with the password only. All of their sessions have ended. {note}")
