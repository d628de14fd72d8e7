"""Access tokens of carriers (OAuth2 client credentials): encrypted in Redis until a minute before they expire, and
fetched by one process of the fleet at a time. A token is never logged.

While Redis is away each process keeps a token of its own in memory.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from urllib.parse import quote
from uuid import UUID, uuid4
from weakref import WeakKeyDictionary

import msgspec
import structlog
from redis.exceptions import RedisError

from carriers.links.errors import CarrierBusy, CarrierError, CarrierRefused, CarrierUnreachable, CircuitOpen
from carriers.links.exchange import Request
from carriers.links.link import Link
from carriers.links.redis_client import key_of, redis_client, run_script
from carriers.links.wire import AccessToken
from encryption.envelope import DecryptionFailed
from encryption.tenant_secrets import open_sealed, seal
from redis_locks.lua_scripts import RELEASE
from redis_locks.outage import outage

#: Seconds before its expiry at which a token is no longer used.
EARLY: Final = 60
#: Seconds for which waiting calls share the failure of a refresh.
FAILURE_SECONDS: Final = 2.0
_POLL: Final = 0.025
_GRACE: Final = 5.0
_PURPOSE: Final = "carrier token"
#: Links of all tenants belong to none.
NO_TENANT: Final = UUID(int=0)
FORM: Final = b"grant_type=client_credentials"
#: Fetches a token from the carrier. Raises ``CarrierError``.
Fetch: TypeAlias = Callable[[], Awaitable[AccessToken]]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HeldToken:
    """A token with the content of Redis that it came from, by which a refused one is removed."""

    text: str = field(repr=False)
    sealed: bytes = field(repr=False)


@dataclass(slots=True)
class _Memory:
    """The tokens of this process while Redis is away, with the monotonic times until which they are used."""

    tokens: dict[str, tuple[HeldToken, float]] = field(default_factory=dict)
    guards: dict[str, asyncio.Lock] = field(default_factory=dict)


_memories: WeakKeyDictionary[asyncio.AbstractEventLoop, _Memory] = WeakKeyDictionary()


def token_request(link: Link) -> Request:
    """Return the request for a token: client credentials in the header, encoded as RFC 6749 (2.3.1) states."""
    pair = f"{quote(link.client_id, safe='')}:{quote(link.client_secret, safe='')}"
    return Request(
        operation="token",
        method="POST",
        path="/oauth/token",
        is_safe=True,
        content=FORM,
        headers={
            "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
        },
        decode=msgspec.json.Decoder(AccessToken).decode,
    )


async def access_token(link: Link, fetch: Fetch) -> HeldToken:
    """Return a valid token; ``fetch`` is called by one caller of the fleet. Raises ``CarrierError``."""
    if not outage.may_ask():
        return await _token_of_process(link, fetch)
    try:
        return await _shared_token(link, fetch)
    except RedisError as error:
        outage.failed_with(error)
        log.warning("carrier_token_without_redis", carrier=link.carrier, reason=type(error).__name__)
        return await _token_of_process(link, fetch)


async def forget_token(link: Link, held: HeldToken) -> None:
    """Remove a token that the carrier refused, unless it was replaced already."""
    memory = _memory()
    stored = memory.tokens.get(_name(link))
    if stored is not None and stored[0] == held:
        del memory.tokens[_name(link)]
    try:
        await run_script(RELEASE, (_keys(link)[0],), (held.sealed,))
    except RedisError as error:
        outage.failed_with(error)


async def _shared_token(link: Link, fetch: Fetch) -> HeldToken:
    """Return the token in Redis, or refresh it unless another caller does. Raises ``RedisError``."""
    redis, (token_key, failure_key, lock_key) = redis_client(), _keys(link)
    # A refresh may have a second attempt, which begins within the time limit of the first.
    longest = 2 * link.timeout_seconds + _GRACE
    until = time.monotonic() + longest
    while time.monotonic() < until:
        sealed, failure = await redis.mget(token_key, failure_key)
        outage.answered()
        held = _opened(link, sealed)
        if held is not None:
            return held
        if failure is not None:
            raise _failure_in(failure)
        ours = uuid4().hex
        if await redis.set(lock_key, ours, nx=True, px=round(longest * 1000)):
            try:
                # It may have been stored between the first look and the lock.
                return _opened(link, await redis.get(token_key)) or await _refreshed(link, fetch)
            finally:
                await run_script(RELEASE, (lock_key,), (ours,))
        await asyncio.sleep(_POLL)
    raise CarrierBusy(1.0)


async def _refreshed(link: Link, fetch: Fetch) -> HeldToken:
    token_key, failure_key, _ = _keys(link)
    redis = redis_client()
    try:
        token = await fetch()
    except CarrierError as error:
        await redis.set(failure_key, _failure_text(error), px=round(FAILURE_SECONDS * 1000))
        raise
    held = HeldToken(token.access_token, _sealed(link, token.access_token))
    lifetime = _lifetime(token)
    if lifetime > 0:
        await redis.set(token_key, held.sealed, px=round(lifetime * 1000))
    return held


async def _token_of_process(link: Link, fetch: Fetch) -> HeldToken:
    memory, name = _memory(), _name(link)
    async with memory.guards.setdefault(name, asyncio.Lock()):
        stored = memory.tokens.get(name)
        if stored is not None and time.monotonic() < stored[1]:
            return stored[0]
        token = await fetch()
        held = HeldToken(token.access_token, b"")
        memory.tokens[name] = held, time.monotonic() + _lifetime(token)
        return held


def _lifetime(token: AccessToken) -> float:
    """Return the seconds for which the token is used: until a minute before its end, or for half of a short life."""
    return max(token.expires_in - EARLY, min(token.expires_in, EARLY) / 2)


def _name(link: Link) -> str:
    """Return the name of the credentials: changed ones never meet the token of the former ones."""
    content = "\0".join((link.base_url, link.client_id, link.client_secret))
    return f"{link.id}:{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def _keys(link: Link) -> tuple[str, str, str]:
    name = _name(link)
    return key_of(name, "token"), key_of(name, "failure"), key_of(name, "refresh")


def _sealed(link: Link, token: str) -> bytes:
    return seal(token, tenant_id=link.tenant_id or NO_TENANT, purpose=_PURPOSE, owner=link.id)


def _opened(link: Link, sealed: Any) -> HeldToken | None:
    if not sealed:
        return None
    try:
        text = open_sealed(sealed, tenant_id=link.tenant_id or NO_TENANT, purpose=_PURPOSE, owner=link.id)
    except DecryptionFailed:
        return None  # Its master key left the keyring: it is fetched anew.
    return HeldToken(text, sealed)


def _failure_text(error: CarrierError) -> str:
    if isinstance(error, CarrierRefused):
        return f"refused {error.status}"
    if isinstance(error, CarrierBusy | CircuitOpen):
        return f"{error.code} {error.retry_after}"
    return f"unreachable {getattr(error, 'reason', error.code)}"


def _failure_in(text: Any) -> CarrierError:
    """Return the failure of the caller that refreshed."""
    kind, _, figure = text.decode().partition(" ")
    if kind == "refused":
        return CarrierRefused(int(figure))
    if kind == CircuitOpen.code:
        return CircuitOpen(float(figure))
    return CarrierBusy(float(figure)) if kind == CarrierBusy.code else CarrierUnreachable(figure)


def _memory() -> _Memory:
    loop = asyncio.get_running_loop()
    return _memories.setdefault(loop, _Memory())
