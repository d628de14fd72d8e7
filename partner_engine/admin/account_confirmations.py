"""The orders about an account that staff confirm on a page of their own: its texts, and the work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest

from partner_engine.account_orders import end_sessions_of, invite
from tenants.models import User


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfirmedOrder:
    """One order. ``text`` has places for ``{user}`` and ``{tenant}``; ``done`` is the message and the log entry of an
    order that is executed at once.
    """

    text: str
    button: str
    done: str = ""
    execute: Callable[[HttpRequest, User], None] | None = None
    needs_reason: bool = False

    def context(self, user: User) -> dict[str, object]:
        """Return the template context of the page about ``user``."""
        text = self.text.format(user=user, tenant=user.tenant)
        return {"text": text, "button": self.button, "needs_reason": self.needs_reason}


INVITATION: Final = ConfirmedOrder(
    text="{user} gets an email with a link to choose a password. The link works once and expires after seven days. The"
    " current password, if any, is valid until then.",
    button="Send the invitation",
    done="An invitation is on its way.",
    execute=invite,
)
END_OF_SESSIONS: Final = ConfirmedOrder(
    text="{user} is signed out in every browser, and signs in again with the same password.",
    button="End all sessions",
    done="All sessions of the user have been ended.",
    execute=end_sessions_of,
)
VIEW: Final = ConfirmedOrder(
    text="You see the pages of {tenant} as {user} does, for an hour at most, without changing anything. Personal"
    " answers are masked unless you may read them. The reason is recorded.",
    button="View as this user",
    needs_reason=True,
)
