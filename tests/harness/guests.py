"""What guests do: open the link that they were sent, in a browser of their own."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import connections
from django.http import HttpResponse
from django.test import Client

from batch import service as batch
from tenants.access import Actor, system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

DEVICE = "a-page-of-this-browser"


def issue(tenant: Tenant, copy_id: object, *, actor: Actor | None = None, name: str = "") -> tuple[UUID, str]:
    """Create a link; return its id and its secret."""
    with batch.find_and_lock(str(copy_id), scope=tenant, actor=actor or system_actor("tests")) as context:
        link, secret = context.changeset.guest_links.issue(valid_for=timedelta(days=7), name=name)
        identity = link.id
        context.save()
    return identity, secret


def revoke(tenant: Tenant, copy_id: object, link_id: UUID) -> None:
    """End a link."""
    with batch.find_and_lock(str(copy_id), scope=tenant, actor=system_actor("tests")) as context:
        context.changeset.guest_links.find(link_id).revoke()
        context.save()


def let_expire(tenant: Tenant, link_id: UUID) -> None:
    """Let a link's time be over: nothing of the product can."""
    with use_tenant(tenant), connections[tenant.database_alias].cursor() as cursor:
        cursor.execute("UPDATE forms_guestlink SET expires_at = statement_timestamp() WHERE id = %s", [link_id])


def follow(client: Client, copy_id: object, secret: str, *, device: str = DEVICE, **meta: str) -> HttpResponse:
    """Press the button of the page that the link leads to."""
    return client.post(f"/guest/{copy_id}", {"secret": secret, "device": device}, **meta)


def guest_of(tenant: Tenant, copy_id: object, *, name: str = "") -> tuple[Client, UUID]:
    """Return the browser of a new guest of the copy, who has opened their link, and the link's id."""
    link_id, secret = issue(tenant, copy_id, name=name)
    client = Client()
    assert follow(client, copy_id, secret).status_code == 200
    return client, link_id
