"""Expiring links to proposals: made and revoked by agents, opened by customers without an account.

A secret names the copy in its first part, so that the tenant is known before anything is read; the rest is random. A
proposal is stored with its link as it is then, and the page names the quotes that have changed since.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from copies.models import CopyIndex
from forms.models import QuoteRequest
from forms.selectors import list_every_copy
from quoting.models import ProposalLink
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

LONGEST: Final = timedelta(days=90)
#: Links of one copy that are in force at the same time.
MOST_LINKS: Final = 50
_RANDOM_BYTES: Final = 32
_ID_BYTES: Final = 16
#: How long a visit counts as the same one: one write for many requests.
_OPENED_AGAIN: Final = timedelta(minutes=1)


class ProposalLinkInvalid(Exception):
    """The link is unknown, or its form was deleted."""

    def __init__(self) -> None:
        super().__init__("This link is not valid.")


class ProposalLinkEnded(Exception):
    """The link expired or was revoked. ``agency`` is whom to ask for a new one."""

    def __init__(self, agency: str) -> None:
        super().__init__("This link has ended.")
        self.agency = agency


class TooManyProposalLinks(Exception):
    """The copy has the most links that can be in force."""

    def __init__(self) -> None:
        super().__init__(f"There are {MOST_LINKS} links already. End one of them first.")


@dataclass(frozen=True, kw_only=True)
class NewLink:
    """A link to be made: to ``content``, the proposal of the copy in ``version``, for the time ``valid_for``."""

    copy_id: UUID
    version: int
    content: dict[str, Any]
    valid_for: timedelta


@dataclass(frozen=True, kw_only=True)
class OpenedProposal:
    """A proposal as a customer reads it: its content, and the present requests of its quotes by id."""

    tenant: Tenant
    content: dict[str, Any]
    requests: Mapping[str, QuoteRequest]
    made_at: datetime
    expires_at: datetime


def issue_link(tenant: Tenant, new: NewLink, *, actor: Actor) -> tuple[ProposalLink, str]:
    """Make a link and return it with its secret, which is stored nowhere.

    Raises ``TooManyProposalLinks``, and ``ValueError`` for a time of 0 or over 90 days.
    """
    if not timedelta(0) < new.valid_for <= LONGEST:
        raise ValueError(new.valid_for)
    now = timezone.now()
    secret = base64.urlsafe_b64encode(new.copy_id.bytes + secrets.token_bytes(_RANDOM_BYTES)).decode()
    with use_tenant(tenant):
        if links_in_force(new.copy_id).count() >= MOST_LINKS:
            raise TooManyProposalLinks
        link = ProposalLink.objects.create(
            tenant_id=tenant.pk,
            copy_id=new.copy_id,
            version=new.version,
            secret_hash=_hash_of(secret),
            content=new.content,
            expires_at=now + new.valid_for,
            made_by_id=actor.id,
            made_by_label=actor.label,
            created_at=now,
        )
    return link, secret


def revoke_link(copy_id: UUID, link_id: UUID) -> bool:
    """End a link; return whether the copy has it. The tenant must be in scope."""
    links = ProposalLink.objects.filter(pk=link_id, copy_id=copy_id)
    links.filter(revoked_at=None).update(revoked_at=Now())
    return links.exists()


def links_in_force(copy_id: UUID) -> QuerySet[ProposalLink]:
    """Return the links to proposals of a copy that were not revoked and have not expired, the latest first."""
    return ProposalLink.objects.filter(copy_id=copy_id, revoked_at=None, expires_at__gt=Now())


def open_link(secret: str) -> OpenedProposal:
    """Return the proposal behind ``secret``, and note the visit.

    Raises ``ProposalLinkInvalid`` or ``ProposalLinkEnded``.
    """
    tenant, copy_id = _place_of(secret)
    with use_tenant(tenant):
        link = ProposalLink.objects.filter(copy_id=copy_id, secret_hash=_hash_of(secret)).first()
        if link is None or not list_every_copy().filter(pk=copy_id).exists():
            raise ProposalLinkInvalid
        if not links_in_force(copy_id).filter(pk=link.pk).exists():
            raise ProposalLinkEnded(tenant.name)
        is_new = ProposalLink.objects.filter(pk=link.pk).exclude(opened_at__gt=Now() - _OPENED_AGAIN)
        is_new.update(opened_at=Now())
        ids = [UUID(found) for found in link.content.get("request_ids", ())]
        requests = {str(found.pk): found for found in QuoteRequest.objects.filter(pk__in=ids, copy_id=copy_id)}
    return OpenedProposal(
        tenant=tenant,
        content=link.content,
        requests=requests,
        made_at=link.created_at,
        expires_at=link.expires_at,
    )


def _place_of(secret: str) -> tuple[Tenant, UUID]:
    """Return the tenant and the copy that a secret names. Raises ``ProposalLinkInvalid``."""
    try:
        content = base64.b64decode(secret, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProposalLinkInvalid from error
    if len(content) != _ID_BYTES + _RANDOM_BYTES:
        raise ProposalLinkInvalid
    copy_id = UUID(bytes=content[:_ID_BYTES])
    tenant_ids = CopyIndex.objects.filter(copy_id=copy_id).values("tenant_id")
    tenant = Tenant.objects.filter(pk__in=tenant_ids).first()
    if tenant is None:
        raise ProposalLinkInvalid
    return tenant, copy_id


def _hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
