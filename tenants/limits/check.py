"""The check of rate limits: ``take`` counts a use or raises ``RateLimited``, in one round trip to Redis.

A refused use is not counted. While Redis is away each process counts for itself; a check never fails for that reason
(docs/limits.md).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from math import ceil
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

import structlog
from django.conf import settings
from redis.exceptions import RedisError

from redis_locks.outage import RedisLeftAlone, outage
from tenants.access import Actor
from tenants.limit_models import RateLimit
from tenants.limits import counts as redis_counts
from tenants.limits.addresses import counted_address
from tenants.limits.errors import AboveLimit, RateLimited
from tenants.limits.process_counts import ProcessCounts
from tenants.limits.scopes import Limit
from tenants.limits.sliding_log import Count
from tenants.models import Tenant

__all__ = [
    "AboveLimit",
    "Allowance",
    "RateLimited",
    "Subject",
    "Use",
    "address_subject",
    "amount_at_once",
    "caller_subject",
    "clear",
    "give_back",
    "take",
    "take_all",
    "visitor_subject",
]

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Subject(NamedTuple):
    """A counted party: ``key`` is its identity, tenant and API client select its own limits.

    ``is_shared`` subjects are addresses with many callers: they have the scope's limit per address.
    """

    key: str
    tenant_id: UUID | None = None
    client_id: str = ""
    is_shared: bool = False


def caller_subject(actor: Actor, tenant: Tenant | None) -> Subject:
    """Return a user or API client as subject."""
    client_id = actor.id if actor.type == "api_client" else ""
    return Subject(f"{actor.type}:{actor.id}", tenant.pk if tenant else None, client_id)


def address_subject(address: str, tenant: Tenant | None = None) -> Subject:
    """Return a network address with all its signed-in callers as subject, with the limits of the caller's tenant."""
    return Subject(f"address:{counted_address(address)}", tenant.pk if tenant else None, is_shared=True)


def visitor_subject(address: str) -> Subject:
    """Return the callers of an address who are not signed in as one subject."""
    return Subject(f"visitor:{counted_address(address)}")


class Use(NamedTuple):
    """A use to count: its scope, its subjects, and the amount for each of them."""

    scope: str
    subjects: tuple[Subject, ...]
    amount: int = 1


@dataclass(frozen=True, slots=True)
class Allowance:
    """The tightest limit of a counted use: the ``limit`` per ``window`` seconds, and how many more fit now."""

    scope: str
    limit: int
    window: int
    remaining: int


class _Counted(NamedTuple):
    """A count with its scope and limit."""

    scope: str
    limit: Limit
    number: Count


def take(scope: str, *subjects: Subject, amount: int = 1) -> Allowance | None:
    """Count ``amount`` uses of ``scope`` for all ``subjects``; return the tightest allowance, None without a limit.

    Raises ``RateLimited`` and counts nothing if one of them has to wait, ``AboveLimit`` if waiting does not help.
    """
    return take_all([Use(scope, subjects, amount)])


def take_all(uses: Iterable[Use]) -> Allowance | None:
    """Count several uses, all or none, in one round trip; otherwise like ``take``."""
    counted = list(_counted(uses))
    if not counted:
        return None
    for scope, limit, number in counted:
        if number.amount > number.limit:
            raise AboveLimit(scope, number.limit, limit.window, number.amount)
    numbers = [entry.number for entry in counted]
    results = _in_redis(lambda: redis_counts.take(numbers), otherwise=lambda: _in_process.take(numbers))
    position = min(range(len(results)), key=results.__getitem__)
    tightest, result = counted[position], results[position]
    if result < 0:
        retry_after = max(1, ceil(-result / 1_000))
        raise RateLimited(tightest.scope, tightest.number.limit, tightest.limit.window, retry_after)
    return Allowance(tightest.scope, tightest.number.limit, tightest.limit.window, result)


def give_back(scope: str, *subjects: Subject, amount: int = 1) -> None:
    """Take the latest ``amount`` uses of ``scope`` back, for example after a correct password."""
    numbers = [entry.number for entry in _counted([Use(scope, subjects, amount)])]
    if numbers:
        _in_redis(lambda: redis_counts.give_back(numbers), otherwise=lambda: _in_process.give_back(numbers))


def clear(scope: str, *subjects: Subject) -> None:
    """Reset the counts of ``scope`` for ``subjects``."""
    keys = [entry.number.key for entry in _counted([Use(scope, subjects)])]
    if keys:
        _in_redis(lambda: redis_counts.clear(keys), otherwise=lambda: _in_process.clear(keys))


def amount_at_once(scope: str, subject: Subject) -> int | None:
    """Return how many there may be at the same time in ``scope`` for ``subject``, None without a limit."""
    limit = RateLimit.memory.known().find(scope, tenant_id=subject.tenant_id, client_id=subject.client_id)
    factor = settings.RATE_LIMIT_FACTOR
    return limit.scaled(factor).amount if limit is not None and factor else None


def _counted(uses: Iterable[Use]) -> Iterator[_Counted]:
    """Yield the counts of ``uses``, without those that have no limit."""
    factor = settings.RATE_LIMIT_FACTOR
    if not factor:
        return
    known = RateLimit.memory.known()
    # One hash tag for all: a cluster runs a script only on keys of one node.
    prefix = f"{{{settings.CACHES['default']['KEY_PREFIX']}.rl}}"
    for scope, subjects, amount in uses:
        for subject in subjects:
            limit = known.find(scope, tenant_id=subject.tenant_id, client_id=subject.client_id)
            if limit is None:
                continue
            limit = limit.scaled(factor)
            most = limit.per_address if subject.is_shared else limit.amount
            if most is not None:
                # Hashed: names and addresses are sent by clients, and are personal.
                digest = blake2b(subject.key.encode(errors="replace"), digest_size=12).hexdigest()
                yield _Counted(scope, limit, Count(f"{prefix}:{scope}:{digest}", amount, most, limit.window * 1_000))


_in_process: Final = ProcessCounts()


class _Outage:
    """Whether this process counts for itself now; guarded, so that each change is logged once."""

    lock = threading.Lock()
    is_on = False


def _in_redis(work: Callable[[], T], *, otherwise: Callable[[], T]) -> T:
    """Return the result of ``work``, of ``otherwise`` while Redis is away."""
    try:
        if not outage.may_ask():
            raise RedisLeftAlone
        result = work()
    except RedisError as error:
        outage.failed_with(error)
        _note_outage(True, reason=type(error).__name__)
        return otherwise()
    outage.answered()
    if _Outage.is_on:
        _note_outage(False)
    return result


def _note_outage(is_on: bool, *, reason: str = "") -> None:
    with _Outage.lock:
        changed, _Outage.is_on = is_on != _Outage.is_on, is_on
    if changed and is_on:
        log.warning("limits_counted_per_process", reason=reason)
    elif changed:
        log.info("limits_counted_in_redis")
