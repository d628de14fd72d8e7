"""The active users now, per tenant and role, and their number in each hour of the last day.

They are stored in Redis only and may be lost: requests report their users again, so the numbers recover within a
minute. A user is active until ``WINDOW`` seconds after the last report, or until sign-out. A process reports the same
user at most every ``REPEAT`` seconds, and at once in another hour: a report takes a round trip of each request.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone
from django_redis import get_redis_connection
from oauth2_provider.models import get_access_token_model
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError

from redis_locks.outage import outage
from tenants.access import Role
from tenants.models import ApiClient, Tenant, User

WINDOW: Final = 300
REPEAT: Final = 20
HOURS: Final = 24
#: API clients have no role; they are counted under this name.
API_CLIENT: Final = "api_client"
ROLES: Final = (Role.AGENT.value, Role.TENANT_ADMIN.value, Role.STAFF.value, API_CLIENT)
#: Reports of this process that are remembered; beyond that all are forgotten and made again.
_MOST_REPORTED: Final = 10_000
#: Replaces the tenant of staff, who have none.
NO_TENANT: Final = "none"

log = structlog.get_logger(__name__)


class Hour(NamedTuple):
    """The hour that begins at ``start``, with the approximate numbers of different people and programs: above some
    hundreds Redis estimates them to within one percent.
    """

    start: datetime
    people: int
    programs: int


class Activity(NamedTuple):
    """A request of a person or program; ``tenant_id`` is None for staff."""

    tenant_id: UUID | None
    role: str
    identity: str


#: The reports of this process: when each was made (``time.monotonic``), and in which hour.
_reported: Final[dict[Activity, tuple[float, int]]] = {}


def note_request(tenant: Tenant | None, *, role: str, identity: str) -> None:
    """Record that a user is active, unless this process did so a moment ago. Does nothing without Redis."""
    activity = Activity(tenant.id if tenant else None, role, identity)
    now, hour = time.monotonic(), int(timezone.now().timestamp()) // 3_600
    reported = _reported.get(activity)
    if reported is not None and now < reported[0] + REPEAT and reported[1] == hour:
        return
    if note_all_active([activity]):
        if len(_reported) >= _MOST_REPORTED:
            _reported.clear()
        _reported[activity] = now, hour


def note_all_active(activities: Collection[Activity]) -> bool:
    """Record many active users in one round trip; return whether Redis has them."""
    now = timezone.now()

    def write(pipeline: Pipeline) -> None:
        for tenant_id, role, identity in activities:
            key, hour = _present(tenant_id, role), _seen(tenant_id, role, now)
            pipeline.zadd(key, {identity: now.timestamp() + WINDOW})
            pipeline.expire(key, WINDOW)
            pipeline.pfadd(hour, identity)
            pipeline.expire(hour, timedelta(hours=HOURS + 1))

    return bool(activities) and bool(_send(write))


def forget_active(tenant: Tenant | None, *, role: str, identity: str) -> None:
    """Record a sign-out. A user with another session is active again with its next request."""
    activity = Activity(tenant.id if tenant else None, role, identity)
    _reported.pop(activity, None)
    _send(lambda pipeline: pipeline.zrem(_present(activity.tenant_id, role), identity))


def count_active(tenant_ids: Iterable[UUID | None]) -> dict[UUID | None, dict[str, int]]:
    """Return the number of active users by tenant (None: staff) and role, without zeros; empty without Redis."""
    now = timezone.now().timestamp()
    groups = [(tenant_id, role) for tenant_id in tenant_ids for role in ROLES]
    # Expired users remain in the sets until ``recount_active``.
    amounts = _send(lambda pipeline: [pipeline.zcount(_present(*pair), f"({now}", "+inf") for pair in groups])
    counts: dict[UUID | None, dict[str, int]] = {}
    for (tenant_id, role), amount in zip(groups, amounts, strict=False):
        if amount:
            counts.setdefault(tenant_id, {})[role] = amount
    return counts


def last_day(tenant_ids: Sequence[UUID | None]) -> list[Hour]:
    """Return the last ``HOURS`` hours of these tenants, the current one last; empty without Redis."""
    current = timezone.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = [current - timedelta(hours=back) for back in reversed(range(HOURS))]
    groups: tuple[tuple[str, ...], ...] = (ROLES[:-1], (API_CLIENT,))

    def count(pipeline: Pipeline) -> None:
        for hour in hours:
            for roles in groups:
                keys = [_seen(tenant_id, role, hour) for tenant_id in tenant_ids for role in roles]
                pipeline.pfcount(*keys)

    counts = _send(count) if tenant_ids else []
    return [Hour(hour, *pair) for hour, pair in zip(hours, zip(counts[::2], counts[1::2], strict=True), strict=False)]


def recount_active(tenant: Tenant) -> int:
    """Remove expired users, and users who lost their access: deactivated people, people with another role, programs
    without a valid token. Return the number of removed users. Raises ``RedisError``.
    """
    client: Redis = get_redis_connection("default")
    removed = 0
    for role in ROLES:
        key = _present(tenant.id, role)
        removed += int(client.zremrangebyscore(key, "-inf", timezone.now().timestamp()))
        members: list[bytes] = client.zrange(key, 0, -1)  # type: ignore[assignment]  # typed for sync and async clients
        present = {member.decode() for member in members}
        if present and (without_access := present - _entitled(tenant, role, present)):
            removed += int(client.zrem(key, *without_access))
    return removed


def _entitled(tenant: Tenant, role: str, identities: set[str]) -> set[str]:
    if role != API_CLIENT:
        people = User.objects.filter(pk__in=identities, tenant=tenant, role=role, is_active=True)
        return {str(pk) for pk in people.values_list("pk", flat=True)}
    valid_tokens = get_access_token_model().objects.filter(expires__gt=timezone.now()).values("application_id")
    clients = ApiClient.objects.filter(tenant=tenant, is_active=True, pk__in=identities).filter(pk__in=valid_tokens)
    return {str(pk) for pk in clients.values_list("pk", flat=True)}


def _present(tenant_id: UUID | None, role: str) -> str:
    return f"{_prefix()}:{tenant_id or NO_TENANT}:{role}"


def _seen(tenant_id: UUID | None, role: str, moment: datetime) -> str:
    return f"{_present(tenant_id, role)}:{moment.astimezone(UTC):%Y%m%d%H}"


def _prefix() -> str:
    caches: Mapping[str, Mapping[str, Any]] = settings.CACHES
    return f"{caches['default']['KEY_PREFIX']}:active"


def _send(fill: Callable[[Pipeline], object]) -> list[int]:
    """Return the results of the commands that ``fill`` adds to a pipeline; an empty list without Redis."""
    try:
        client: Redis = outage.client_or_raise(get_redis_connection("default"))
        with client.pipeline(transaction=False) as pipeline:
            fill(pipeline)
            results: list[int] = pipeline.execute()
    except RedisError as error:
        outage.failed_with(error)
        log.info("active_users_without_redis", reason=type(error).__name__)
        return []
    outage.answered()
    return results
