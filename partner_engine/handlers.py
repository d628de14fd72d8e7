"""Action handlers, hourly actions and the publisher of live updates."""

from __future__ import annotations

from typing import Final

from redis.exceptions import RedisError

from actions.kinds import (
    RecountActiveUsers,
    SendAccountChangedMail,
    SendBindAssistanceMail,
    SendGuestCompletionMail,
    SendWebhookGivenUpMail,
)
from actions.maintenance import hourly, retention
from actions.registry import Budget, Delivered, RetryAfter, handles
from batch.effects.after_commit import register_publisher
from batch.locks.reading_ahead import register_question
from operations.engine.progress import register_listener
from partner_engine import account_mails, mails
from partner_engine.active_users import recount_active
from partner_engine.live.progress_publisher import publish_progress
from partner_engine.live.publisher import publish
from partner_engine.live.viewers import question_of
from partner_engine.sign_in_log import old_sign_ins
from partner_engine.user_sessions import ended_sessions, expired_sessions
from tenants.models import Tenant
from tenants.tokens import expired_tokens, old_revocations

#: Few tries: the next hour emits another recount.
_RECOUNT_BUDGET: Final = Budget(tries=8)

__all__ = ["account_mails"]  # imported for its sweep

register_publisher(publish)
register_question(question_of)
register_listener(publish_progress)
handles(SendGuestCompletionMail)(mails.send_guest_completion_mail)
handles(SendBindAssistanceMail)(mails.send_bind_assistance_mail)
handles(SendAccountChangedMail)(mails.send_account_changed_mail)
handles(SendWebhookGivenUpMail)(mails.send_webhook_given_up_mail)
retention("sign-ins")(ended_sessions)
retention("sessions")(expired_sessions)
retention("access tokens")(expired_tokens)
retention("revoked tokens")(old_revocations)
retention("sign-in log")(old_sign_ins)


@handles(RecountActiveUsers, budget=_RECOUNT_BUDGET)
def recount_active_users(action: Delivered) -> None:
    """Recount the tenant's active users; idempotent."""
    try:
        recount_active(action.tenant)
    except RedisError as error:
        raise RetryAfter(60.0, "Redis is unavailable.") from error


@hourly
def recount_every_hour(tenant: Tenant) -> RecountActiveUsers:
    """Return the hourly recount of ``tenant``."""
    return RecountActiveUsers(tenant_id=str(tenant.pk))
