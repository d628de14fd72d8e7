"""What an erased form or tenant leaves outside of the tenants' tables: the shared index, the admin's log, and Redis."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.db.models import Q
from django_redis import get_redis_connection

from copies.models import CopyIndex

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


def erase_keys_in_redis(ids: Iterable[UUID]) -> int:
    """Delete all keys of Redis that name one of ``ids``: locks, viewers, counters; return their number."""
    redis = get_redis_connection("default")
    wanted = {str(identity).encode() for identity in ids}
    found = [key for key in redis.scan_iter(count=_SCAN_COUNT) if any(identity in key for identity in wanted)]
    return int(redis.delete(*found)) if found else 0
