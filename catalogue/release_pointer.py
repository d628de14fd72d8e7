"""Which release of a catalogue is in force, for each tenant: one value in Redis, and the rows that it is made of.

Usually it is the latest release, and its id is the whole value. During a roll-out, the value names both
releases and how many tenants follow the new one; a roll-out's order of tenants never changes, so that each process
reads it once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from uuid import UUID

from django.db import connection
from django_redis import get_redis_connection
from redis import Redis
from redis.exceptions import RedisError

from catalogue.models import Catalogue, Release
from catalogue.models.roll_outs import NOT_CURRENT, UNDER_WAY, RollOut, RollOutTenant
from redis_locks.shared_trip import Command, ask, forget

CACHE: Final = "default"
#: The lifetime of the value in Redis, in seconds; it repairs the value after a database was restored or emptied.
_CACHE_SECONDS: Final = 60
_MAX_ROLL_OUTS: Final = 64

#: Sets the value unless a later one is set: the slower of two processes must not win. Values start with the id of the
#: latest release, and the revision of its roll-out behind a period.
_ADVANCE: Final = """
local function rank(value)
    local release, revision = string.match(value or '', '^(%d+)%.?(%d*)')
    return tonumber(release or '') or 0, tonumber(revision or '') or 0
end
local known, known_revision = rank(redis.call('GET', KEYS[1]) or '')
local given, given_revision = rank(ARGV[1])
if known < given or (known == given and known_revision <= given_revision) then
    redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
"""


@dataclass(frozen=True, slots=True)
class Pointer:
    """The release in force (``base``), and the one that the first ``following`` tenants of ``roll_out`` follow.

    ``latest`` and ``revision`` order the pointers of a catalogue in time. ``roll_out`` is 0 unless one is under way.
    """

    latest: int
    base: int
    revision: int = 0
    following: int = 0
    roll_out: int = 0

    def release_of(self, tenant_id: UUID | None) -> int:
        """Return the id of the release in force for a tenant; None stands for those that do not follow."""
        if not self.following or tenant_id is None:
            return self.base
        place = positions_of(self.roll_out).get(tenant_id)
        return self.base if place is None or place >= self.following else self.latest

    def as_text(self) -> str:
        """Return the value in Redis."""
        if self.base == self.latest and not self.revision:
            return str(self.latest)
        return f"{self.latest}.{self.revision}:{self.base}:{self.following}:{self.roll_out}"


@lru_cache(maxsize=_MAX_ROLL_OUTS)
def positions_of(roll_out_id: int) -> Mapping[UUID, int]:
    """Return the places of a roll-out's tenants, which never change."""
    return dict(RollOutTenant.objects.filter(roll_out_id=roll_out_id).values_list("tenant_id", "position"))


def read_pointer(catalogue_code: str) -> Pointer | None:
    """Return the pointer of a catalogue from the database, None before its first release."""
    row = (
        Release.objects.filter(catalogue__code=catalogue_code)
        .order_by("-number")
        .values_list(
            "id", "roll_out__id", "roll_out__state", "roll_out__former_id", "roll_out__following", "roll_out__revision"
        )
        .first()
    )
    if row is None:
        return None
    latest, roll_out, state, former, following, revision = row
    if roll_out is None:
        return Pointer(latest, latest)
    if state in UNDER_WAY:
        return Pointer(latest, former, revision, following, roll_out)
    return Pointer(latest, latest if state == RollOut.State.DONE else former, revision)


def release_in_force(catalogue: Catalogue) -> Release | None:
    """Return the release that is current for all tenants but those that follow a roll-out, None before the first."""
    found = catalogue.releases.exclude(roll_out__state__in=NOT_CURRENT).order_by("-number")
    release: Release | None = found.first()
    return release


def cached_pointer(catalogue_code: str) -> Pointer | None:
    """Return the pointer in Redis, which may have been read with the copy's lock, or None."""
    try:
        value = ask(_redis, pointer_question(catalogue_code))
    except RedisError:
        return None
    return None if value is None else _parse(value if isinstance(value, bytes) else value.encode())


def pointer_question(catalogue_code: str) -> Command:
    """Return the command that reads the pointer in Redis."""
    return "GET", _key(catalogue_code)


def set_pointer(catalogue_code: str, pointer: Pointer) -> None:
    """Make a committed pointer that of every process, unless a later one is. Without Redis, they query the database."""
    forget(pointer_question(catalogue_code))
    try:
        _redis().eval(_ADVANCE, 1, _key(catalogue_code), pointer.as_text(), _CACHE_SECONDS)
    except RedisError:
        return


def refresh_pointer(catalogue_code: str) -> None:
    """Make the pointer in the database that of every process."""
    pointer = read_pointer(catalogue_code)
    if pointer is not None:
        set_pointer(catalogue_code, pointer)


def drop_cached_pointer(catalogue_code: str) -> None:
    """Delete the pointer in Redis if its release does not exist: it would prevent setting an earlier one."""
    forget(pointer_question(catalogue_code))
    try:
        _redis().delete(_key(catalogue_code))
    except RedisError:
        return


def _parse(value: bytes) -> Pointer | None:
    if value.isdigit():
        return Pointer(int(value), int(value))
    try:
        rank, base, following, roll_out = value.decode().split(":")
        latest, revision = rank.split(".")
        return Pointer(int(latest), int(base), int(revision), int(following), int(roll_out))
    except ValueError:
        return None


def _redis() -> Redis:
    return get_redis_connection(CACHE)


def _key(catalogue_code: str) -> str:
    """Return the Redis key; it names the database, so that two installations can share one Redis."""
    return f"release:{connection.settings_dict['NAME']}:{catalogue_code}"
