"""Who asks a guest: the words at the top of the guest's page."""

from __future__ import annotations

from partner_engine.web.pages.guest_welcome import Welcome, build_welcome
from partner_engine.web.pages.reading import Reading
from partner_engine.web.visitors import Visitor
from tenants.models import User


def welcome_of(reading: Reading, visitor: Visitor) -> Welcome:
    """Return the words for the guest ``visitor``."""
    asker = visitor.guest.issued_by if visitor.guest else ""
    user = User.objects.filter(pk=asker, tenant=visitor.tenant).first() if asker else None
    return build_welcome(reading, asker=user.full_name if user else "", agency=visitor.tenant.name)
