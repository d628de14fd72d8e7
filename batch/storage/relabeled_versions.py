"""Replaces the name of an author in the headings of a copy's versions, for a person who is erased.

The stored links stay: an amendment notes the link that each new heading leads to, and the next version vouches for it.
The caller owns the transaction, holds the copy's lock, and saves the amendments with a next version.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import connections

from copies import chain
from copies.chain import HEADING, Amendment
from copies.chain_check import REVISION_COLUMNS
from copies.codec import content_of
from copies.models import CopyRevision
from copies.stored_versions import Content, StoredVersion, read_version

_LABEL: Final = f"UPDATE {CopyRevision._meta.db_table} SET actor_label = %s WHERE copy_id = %s AND version = %s"  # noqa: S608 - our own table


def relabel_versions(
    copy_id: UUID, relabel: Callable[[str, str, str], str], *, alias: str
) -> list[Amendment]:  # fmt: skip
    """Give the versions of the copy the names that ``relabel`` returns for type, id and name of their authors; return
    the amendments. In the tenant's scope, and before contents are rewritten.
    """
    found: list[Amendment] = []
    amended = _amendments_by_version(copy_id)
    previous, before = chain.START, None
    rows = CopyRevision.objects.filter(copy_id=copy_id).order_by("version").values(*REVISION_COLUMNS)
    for row in rows.iterator(chunk_size=20):
        before = read_version(
            StoredVersion(bytes(row["document"]), bytes(row["evaluation"]), row["is_whole"]), before
        )  # fmt: skip
        label = relabel(row["actor_type"], row["actor_id"], row["actor_label"])
        if label != row["actor_label"]:
            new = _link(row | {"actor_label": label}, previous, before, amended[row["version"]])
            found.append(Amendment(row["version"], bytes(row["chain"]).hex(), new.hex(), HEADING))
            with connections[alias].cursor() as cursor:
                cursor.execute(_LABEL, [label, copy_id, row["version"]])
        previous = bytes(row["chain"])
    return found


def _link(row: dict[str, Any], previous: bytes, content: Content, amended: Sequence[Amendment]) -> bytes:
    digest = chain.content_digest(*content, content_of(bytes(row["changes"])))
    return chain.link(previous, chain.heading(row), chain.original_digest(amended, digest), _amends(row["amends"]))


def _amendments_by_version(copy_id: UUID) -> dict[int, list[Amendment]]:
    found: dict[int, list[Amendment]] = defaultdict(list)
    later = CopyRevision.objects.filter(copy_id=copy_id).exclude(amends=b"").order_by("version")
    for amends in later.values_list("amends", flat=True):
        for amendment in _amends(amends):
            found[amendment.version].append(amendment)
    return found


def _amends(stored: bytes) -> list[Amendment]:
    return msgspec.json.decode(content_of(bytes(stored)), type=list[Amendment]) if stored else []
