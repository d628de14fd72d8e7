"""What an erased form or tenant leaves outside of the tenants' tables: the shared index, the admin's log, and Redis."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.db.models import Q
from django_redis import get_redis_connection

from carriers.models import CarrierLink
from copies.models import CopyIndex
from tenants.models import ApiClient, CompanySignIn, OwnRateLimit, Tenant, User

#: Stands in the admin's log for the title of what was erased.
ERASED = "(erased)"
_SCAN_COUNT = 1_000


def erase_index(**of: UUID) -> int:
    """Delete the entries of a form or tenant from the shared index of copies; return their number."""
    return CopyIndex.objects.filter(**of).delete()[0]


def clear_admin_log(ids: Iterable[UUID]) -> int:
    """Clear titles and messages of the admin's log entries about ``ids``; who did what and when stays."""
    about = Q(object_id__in=[str(identity) for identity in ids])
    return LogEntry.objects.filter(about).exclude(object_repr=ERASED).update(object_repr=ERASED, change_message="")


def erase_histories(tenant_id: UUID) -> int:
    """Delete the histories of the tenant, its people, API clients, limits, links and company sign-in; return the number
    of rows.

    Those of its endpoints are among its own tables.
    """
    clients = ApiClient.history.filter(tenant_id=tenant_id).values("id")
    chosen = [
        Tenant.history.filter(id=tenant_id),
        OwnRateLimit.history.filter(Q(tenant_id=tenant_id) | Q(api_client_id__in=clients)),
        *(model.history.filter(tenant_id=tenant_id) for model in (User, ApiClient, CarrierLink, CompanySignIn)),
    ]
    return sum(rows.delete()[0] for rows in chosen)


def erase_keys_in_redis(ids: Iterable[UUID]) -> int:
    """Delete all keys of Redis that name one of ``ids``: locks, viewers, counters; return their number."""
    redis = get_redis_connection("default")
    wanted = {str(identity).encode() for identity in ids}
    found = [key for key in redis.scan_iter(count=_SCAN_COUNT) if any(identity in key for identity in wanted)]
    return int(redis.delete(*found)) if found else 0
