"""How many businesses of each industry there are in a ZIP code, by size: one Redis hash per ZIP code and size.

The counts come from a public file (``load_industry_patterns``) and are stored in the shared database. Redis is filled
from there, ZIP code by ZIP code, at the first search after a load or after Redis was emptied. Without Redis the
database responds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from django.conf import settings
from django.db import transaction
from django_redis import get_redis_connection
from redis import Redis
from redis.exceptions import RedisError

from redis_locks.outage import outage
from search.models import IndustryPattern, IndustryPatternFile

#: The counts of a ZIP code: size class (its lowest number of employees) -> industry code -> number of businesses.
Counts: TypeAlias = Mapping[int, Mapping[str, int]]

#: Size classes, by their lowest number of employees.
SIZES: Final = (0, 5, 10, 20, 50, 100, 250)
_NOBODY: Final[Mapping[str, int]] = MappingProxyType({})
#: The edition while no file is loaded.
_NO_EDITION: Final = "0"
_SECONDS: Final = 30 * 86_400
#: The edition is read from the database again after this time, should a load have failed to reach Redis.
_EDITION_SECONDS: Final = 300
#: Marks a hash that was filled, also where no business is known.
_FILLED: Final = "filled"
#: Returns the edition and the hash of a ZIP code and size in it: one round trip. Nothing without an edition.
_READ: Final = """
local edition = redis.call('GET', KEYS[1])
if not edition then return {} end
return {edition, redis.call('HGETALL', ARGV[1] .. edition .. ':' .. ARGV[2] .. ':' .. ARGV[3])}
"""


def size_of(employees: int) -> int:
    """Return the size class of a business with so many ``employees``."""
    return max(size for size in SIZES if size <= employees)


def businesses_near(zip_code: str, *, employees: int | None = None) -> Mapping[str, int]:
    """Return the number of businesses by industry code in the ZIP code, of the size of ``employees`` if it is known.

    Empty where no file is loaded or none of its ZIP codes is this one.
    """
    if not zip_code:
        return _NOBODY
    size = None if employees is None else size_of(employees)
    try:
        return _from_redis(outage.client_or_raise(get_redis_connection("default")), zip_code, size)
    except RedisError as error:
        outage.failed_with(error)
        edition = _current_edition()
        return _NOBODY if edition == _NO_EDITION else _of_size(_counts_of(zip_code), size)


def store(patterns: Mapping[str, Counts], *, name: str) -> None:
    """Replace all counts by ``patterns`` (by ZIP code), in one transaction; searches use them from then on.

    ``name`` is that of the file.
    """
    with transaction.atomic():
        IndustryPattern.objects.all().delete()
        rows = (IndustryPattern(zip_code=code, counts=counts) for code, counts in patterns.items())
        IndustryPattern.objects.bulk_create(rows, batch_size=1_000)
        edition = IndustryPatternFile.objects.create(name=name, zip_codes=len(patterns)).pk
    try:
        get_redis_connection("default").set(_key("edition"), str(edition), ex=_EDITION_SECONDS)
    except RedisError as error:
        outage.failed_with(error)


def _from_redis(client: Redis, zip_code: str, size: int | None) -> Mapping[str, int]:
    name = "all" if size is None else str(size)
    found = client.eval(_READ, 1, _key("edition"), _key(""), zip_code, name)
    if not found:
        edition = _current_edition()
        client.set(_key("edition"), edition, ex=_EDITION_SECONDS, nx=True)
        found = [edition.encode(), []]
    edition, flat = found[0].decode(), found[1]
    if flat:
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return {code.decode(): int(count) for code, count in pairs if code.decode() != _FILLED}
    if edition == _NO_EDITION:
        return _NOBODY
    counts = _counts_of(zip_code)
    _fill(client, edition, zip_code, counts)
    return _of_size(counts, size)


def _fill(client: Redis, edition: str, zip_code: str, counts: Counts) -> None:
    """Write the hashes of a ZIP code, one for each size and one for all of them."""
    with client.pipeline(transaction=False) as pipeline:
        for size in (None, *SIZES):
            key = _key(f"{edition}:{zip_code}:{'all' if size is None else size}")
            filled: dict[Any, Any] = {_FILLED: 0, **_of_size(counts, size)}
            pipeline.hset(key, mapping=filled)
            pipeline.expire(key, _SECONDS)
        pipeline.execute()


def _key(name: str) -> str:
    """Return the key of ``name``; all are in one slot of a cluster, because the script makes some of them."""
    return f"{{{settings.CACHES['default']['KEY_PREFIX']}:industry_patterns}}:{name}"


def _current_edition() -> str:
    return str(IndustryPatternFile.objects.order_by("-pk").values_list("pk", flat=True).first() or _NO_EDITION)


def _counts_of(zip_code: str) -> Counts:
    stored = IndustryPattern.objects.filter(zip_code=zip_code).values_list("counts", flat=True).first() or {}
    return {int(size): by_code for size, by_code in stored.items()}


def _of_size(counts: Counts, size: int | None) -> Mapping[str, int]:
    return counts.get(size, {}) if size is not None else _summed(counts.values())


def _summed(several: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    total: dict[str, int] = {}
    for counts in several:
        for code, count in counts.items():
            total[code] = total.get(code, 0) + count
    return total
