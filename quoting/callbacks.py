"""The intake of carriers' callbacks: verified, stored once for the dispatcher, and acknowledged.

A callback is signed by the Standard Webhooks specification with a secret of the carrier's link. Nothing is imported
here: a carrier that repeats or reorders its messages costs one statement each.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import connections
from prometheus_client import Counter
from standardwebhooks import Webhook, WebhookVerificationError

from actions.kinds import ImportCarrierMessage
from actions.lanes import wake_lanes
from carriers.links.link import Link
from carriers.links.selectors import link_with_id
from carriers.links.wire import parse_callback
from copies.models import CopyIndex
from quoting.message_models import CarrierMessage
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tenants.postgresql.kept_plans import KeptPlan

#: Bytes of a callback's body.
MOST_BYTES: Final = 256 * 1024
#: Seconds for which a link is remembered: a new secret is accepted, and an old one refused, after this time at most.
LINK_SECONDS: Final = 10.0
#: Copies whose tenant is remembered.
_COPIES: Final = 4_096
#: No dot: the signature joins id, time and body by dots.
_MESSAGE_ID: Final = re.compile(r"[A-Za-z0-9_:-]{1,128}", re.ASCII)
#: Keeps its plan: to plan the statement takes PostgreSQL longer than to store a row.
STORE: Final = KeptPlan(
    "quoting_store_message",
    f"""INSERT INTO {CarrierMessage._meta.db_table}
    (id, tenant_id, link_id, carrier, copy_id, message_id, body, correlation_id, received_at, outcome)
    VALUES (%(id)s, %(tenant)s, %(link)s, %(carrier)s, %(copy)s, %(message)s, %(body)s, %(correlation)s,
            statement_timestamp(), '')
    ON CONFLICT (id) DO NOTHING RETURNING id""",  # noqa: S608 - names of our own table and columns
    {
        "id": "uuid", "tenant": "uuid", "link": "uuid", "carrier": "text", "copy": "uuid", "message": "text",
        "body": "text", "correlation": "text",
    },
    {"id": "uuid"},
)  # fmt: skip

taken = Counter("partner_engine_carrier_callbacks", "Callbacks of carriers, by how they were taken", ["outcome"])


class CallbackRefused(Exception):
    """A callback is not stored. ``status`` is that of the response, ``code`` the stable name of the reason."""

    status = 400
    code = "callback_refused"
    sentence = "The callback was refused."

    def __init__(self) -> None:
        super().__init__(self.sentence)


class UnknownCallbackAddress(CallbackRefused):
    """There is no such link, or no such copy."""

    status = 404
    code = "not_found"
    sentence = "There is no such address for callbacks."


class WrongSignature(CallbackRefused):
    """No secret of the link signed it, or its time is more than five minutes away."""

    status = 401
    code = "wrong_signature"
    sentence = "The signature does not match, or the timestamp is more than five minutes away."


class UnreadableCallback(CallbackRefused):
    """The body is not a callback as agreed."""

    code = "unreadable_callback"
    sentence = "The body is not a callback of a known type."


@dataclass(frozen=True, kw_only=True, slots=True)
class Callback:
    """One callback as it arrived; ``headers`` have names in lower case."""

    link_id: UUID
    copy_id: UUID
    headers: Mapping[str, str]
    body: bytes


def take_callback(callback: Callback, *, correlation_id: str) -> bool:
    """Store a callback, which the dispatcher imports, unless it is known; return whether it is new.

    Afterwards call ``wake``. Raises ``CallbackRefused`` and ``DatabaseError``; then nothing was stored.
    """
    try:
        tenant = _tenant_of(callback.copy_id)
        link = _verified(callback, tenant)
    except CallbackRefused as refused:
        taken.labels(refused.code).inc()
        raise
    message_id = callback.headers["webhook-id"]
    values: dict[str, Any] = {
        "id": _id_of(link.id, message_id), "tenant": tenant.pk, "link": link.id, "carrier": link.carrier,
        "copy": callback.copy_id, "message": message_id, "body": callback.body.decode(), "correlation": correlation_id,
    }  # fmt: skip
    with use_tenant(tenant), connections[tenant.database_alias].cursor() as cursor:
        cursor.execute(STORE.call, values)
        is_new = cursor.fetchone() is not None
    taken.labels("stored" if is_new else "repeated").inc()
    return is_new


def wake(copy_id: UUID) -> None:
    """Wake the dispatcher for a callback that was stored; after its response was sent."""
    tenant = _known_tenant(copy_id)
    if tenant is not None:
        wake_lanes([ImportCarrierMessage.kind], alias=tenant.database_alias)


def _id_of(link_id: UUID, message_id: str) -> UUID:
    """Return the key of a message: the same for each repetition of it."""
    return UUID(bytes=hashlib.sha256(link_id.bytes + message_id.encode()).digest()[:16])


def _verified(callback: Callback, tenant: Tenant) -> Link:
    """Return the link that signed ``callback``. Raises ``CallbackRefused``."""
    link = _LINKS.find(callback.link_id, tenant)
    if not _MESSAGE_ID.fullmatch(callback.headers.get("webhook-id", "")):
        raise WrongSignature
    if not any(_signed(secret, callback) for secret in link.callback_secrets):
        raise WrongSignature
    try:
        parse_callback(callback.body)
        is_storable = "\\u0000" not in callback.body.decode() and b"\0" not in callback.body
    except (msgspec.MsgspecError, ValueError) as error:
        raise UnreadableCallback from error
    if not is_storable:
        raise UnreadableCallback
    return link


def _signed(secret: str, callback: Callback) -> bool:
    try:
        _signer(secret).verify(callback.body, dict(callback.headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        # The library raises ValueError for headers that are no list of signatures.
        return False
    return True


@lru_cache(maxsize=256)
def _signer(secret: str) -> Webhook:
    return Webhook(secret)


def _tenant_of(copy_id: UUID) -> Tenant:
    tenant = _known_tenant(copy_id)
    if tenant is None:
        raise UnknownCallbackAddress
    return tenant


def _known_tenant(copy_id: UUID) -> Tenant | None:
    try:
        return _stored_tenant(copy_id)
    except CopyIndex.DoesNotExist:
        # Not remembered: the copy may be saved in a moment.
        return None


@lru_cache(maxsize=_COPIES)
def _stored_tenant(copy_id: UUID) -> Tenant:
    """Return the tenant of the copy, which never changes. Raises ``CopyIndex.DoesNotExist``."""
    tenant_id = CopyIndex.objects.values_list("tenant_id", flat=True).get(copy_id=copy_id)
    return Tenant.objects.get(pk=tenant_id)


class _Links:
    """The links of this process, each remembered for a few seconds."""

    def __init__(self) -> None:
        self._known: dict[tuple[UUID, UUID], tuple[float, Link]] = {}

    def find(self, link_id: UUID, tenant: Tenant) -> Link:
        """Return the link. Raises ``UnknownCallbackAddress``."""
        key = (link_id, tenant.pk)
        known = self._known.get(key)
        if known is not None and time.monotonic() - known[0] < LINK_SECONDS:
            return known[1]
        link = link_with_id(link_id, tenant=tenant)
        if link is None:
            self._known.pop(key, None)
            raise UnknownCallbackAddress
        self._known[key] = (time.monotonic(), link)
        return link

    def forget(self) -> None:
        """Forget all, for tests."""
        self._known.clear()


_LINKS: Final = _Links()


def forget_links_and_copies() -> None:
    """Forget what this process remembers; for tests."""
    _LINKS.forget()
    _stored_tenant.cache_clear()
