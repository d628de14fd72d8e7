"""Who asks a guest: the words at the top of the guest's page, and behind a link before it is opened."""

from __future__ import annotations

from partner_engine.web.pages.guest_welcome import Welcome, build_welcome
from partner_engine.web.pages.reading import Reading
from partner_engine.web.visitors import Visitor
from tenants.models import User


def welcome_of(reading: Reading, visitor: Visitor) -> Welcome:
    """Return the words for the guest ``visitor``."""
    return build_welcome(reading, asker=_asker(visitor), agency=visitor.tenant.name)


def words_before_digits(visitor: Visitor) -> Welcome:
    """Return the words for a guest who must still enter the digits of their phone: nothing about the business."""
    return Welcome(_asker(visitor), visitor.tenant.name)


def _asker(visitor: Visitor) -> str:
    """Return the name of the agent who made the link, "" for a program."""
    asker = visitor.guest.issued_by if visitor.guest else ""
    user = User.objects.filter(pk=asker, tenant=visitor.tenant).first() if asker else None
    return user.full_name if user else ""
