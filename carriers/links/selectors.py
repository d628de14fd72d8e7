"""Reads of link settings."""

from __future__ import annotations

from carriers.links.link import Link
from tenants.models import Tenant


def find_link(catalogue: str, carrier: str, *, tenant: Tenant) -> Link:
    """Return the link of ``carrier``: the tenant's own settings, else those of all tenants.

    Raises ``LinkMissing``, ``LinkDisabled`` or ``LinkSecretUnreadable``.
    """
    raise NotImplementedError
