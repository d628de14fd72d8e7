"""The active users now, per tenant and role, and their number in each hour of the last day.

In Redis alone and losable: every request reports its user again, so that an emptied Redis is complete within minutes. A
user counts until ``WINDOW`` seconds after their last request, or until they sign out.
"""

from __future__ import annotations

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
HOURS: Final = 24
#: Programs have no role; they are counted as one.
API_CLIENT: Final = "api_client"
ROLES: Final = (Role.AGENT.value, Role.TENANT_ADMIN.value, Role.STAFF.value, API_CLIENT)
#: Used in place of a tenant for staff, who belong to none.
NO_TENANT: Final = "none"

log = structlog.get_logger(__name__)


class Hour(NamedTuple):
    """An hour that begins at ``start``, and the approximate number of different people and programs in it: from some
    hundreds on Redis estimates, to within one percent.
    """

    start: datetime
    people: int
    programs: int


class Sign(NamedTuple):
    """A sign of activity of a person or program; ``tenant_id`` is None for staff."""

    tenant_id: UUID | None
    role: str
    identity: str


def note_active(tenant: Tenant | None, *, role: str, identity: str) -> None:
    """Record a sign of activity: a sign-in, a page, a call. Never fails while Redis is away."""
    note_all_active([Sign(tenant.id if tenant else None, role, identity)])


def note_all_active(signs: Collection[Sign]) -> None:
    """Record many signs of activity in one round trip. Never fails while Redis is away."""
    now = timezone.now()

    def write(pipeline: Pipeline) -> None:
        for tenant_id, role, identity in signs:
            key, hour = _present(tenant_id, role), _seen(tenant_id, role, now)
            pipeline.zadd(key, {identity: now.timestamp() + WINDOW})
            pipeline.expire(key, WINDOW)
            pipeline.pfadd(hour, identity)
            pipeline.expire(hour, timedelta(hours=HOURS + 1))

    if signs:
        _send(write)


def forget_active(tenant: Tenant | None, *, role: str, identity: str) -> None:
    """Record a sign-out. A user with another session is back with its next request."""
    _send(lambda pipeline: pipeline.zrem(_present(tenant.id if tenant else None, role), identity))


def count_active(tenant_ids: Iterable[UUID | None]) -> dict[UUID | None, dict[str, int]]:
    """Return the number of active users by tenant (None: staff) and role, without roles that have none.

    Empty while Redis is away.
    """
    now = timezone.now().timestamp()
    asked = [(tenant_id, role) for tenant_id in tenant_ids for role in ROLES]
    # Expired entries may remain until ``recount_active``.
    found = _send(lambda pipeline: [pipeline.zcount(_present(*pair), f"({now}", "+inf") for pair in asked])
    counts: dict[UUID | None, dict[str, int]] = {}
    for (tenant_id, role), amount in zip(asked, found, strict=False):
        if amount:
            counts.setdefault(tenant_id, {})[role] = amount
    return counts


def last_day(tenant_ids: Sequence[UUID | None]) -> list[Hour]:
    """Return the last hours, the current one last, each with the number of different users of these tenants.

    Empty while Redis is away.
    """
    this = timezone.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = [this - timedelta(hours=back) for back in reversed(range(HOURS))]
    groups: tuple[tuple[str, ...], ...] = (ROLES[:-1], (API_CLIENT,))

    def ask(pipeline: Pipeline) -> None:
        for hour in hours:
            for roles in groups:
                keys = [_seen(tenant_id, role, hour) for tenant_id in tenant_ids for role in roles]
                pipeline.pfcount(*keys)

    found = _send(ask) if tenant_ids else []
    return [Hour(hour, *pair) for hour, pair in zip(hours, zip(found[::2], found[1::2], strict=True), strict=False)]


def recount_active(tenant: Tenant) -> int:
    """Delete expired entries, and those of people who were barred or changed their role and of programs without a valid
    token. Return the number of deleted entries. Raises ``RedisError``.
    """
    client: Redis = get_redis_connection("default")
    gone = 0
    for role in ROLES:
        key = _present(tenant.id, role)
        gone += int(client.zremrangebyscore(key, "-inf", timezone.now().timestamp()))
        members: list[bytes] = client.zrange(key, 0, -1)  # type: ignore[assignment]  # typed for every way to ask
        present = {member.decode() for member in members}
        if present and (left := present - _entitled(tenant, role, present)):
            gone += int(client.zrem(key, *left))
    return gone


def _entitled(tenant: Tenant, role: str, identities: set[str]) -> set[str]:
    if role != API_CLIENT:
        people = User.objects.filter(pk__in=identities, tenant=tenant, role=role, is_active=True)
        return {str(pk) for pk in people.values_list("pk", flat=True)}
    good = get_access_token_model().objects.filter(expires__gt=timezone.now()).values("application_id")
    clients = ApiClient.objects.filter(tenant=tenant, pk__in=identities).filter(pk__in=good)
    return {str(pk) for pk in clients.values_list("pk", flat=True)}


def _present(tenant_id: UUID | None, role: str) -> str:
    return f"{_prefix()}:{tenant_id or NO_TENANT}:{role}"


def _seen(tenant_id: UUID | None, role: str, moment: datetime) -> str:
    return f"{_present(tenant_id, role)}:{moment.astimezone(UTC):%Y%m%d%H}"


def _prefix() -> str:
    caches: Mapping[str, Mapping[str, Any]] = settings.CACHES
    return f"{caches['default']['KEY_PREFIX']}:active"


def _send(fill: Callable[[Pipeline], object]) -> list[int]:
    """Return the replies of Redis to the commands that ``fill`` puts into a pipeline; nothing while it is away."""
    try:
        client: Redis = outage.client_or_raise(get_redis_connection("default"))
        with client.pipeline(transaction=False) as pipeline:
            fill(pipeline)
            answers: list[int] = pipeline.execute()
    except RedisError as error:
        outage.failed_with(error)
        log.info("active_users_without_redis", reason=type(error).__name__)
        return []
    outage.answered()
    return answers
