"""The hash chain of a copy's versions: each link is the SHA-256 of the link before and of all that its version says.

Pure, and read by ``verify_decision.py`` too. A program that alters a stored version must alter all later links, and the
last link is known outside: on the copy, in exports, in the notes of an auditor.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

#: The link before a copy's first version.
START: Final = bytes(32)
#: The way in which links are made; another way gets another number.
FORMAT: Final = 1


#: The kind of an amendment of a heading: the name of a person was erased from it.
HEADING: Final = "heading"


class Amendment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rewriting of an earlier version by the product itself, such as the sealing of a value that became secret: the
    digests (hexadecimal) of its content ``before`` and ``after``.

    Of the kind ``HEADING`` they are the stored link, which stays, and the link that the rewritten heading leads to.
    It is part of the version that was saved with the rewriting, so the chain vouches for it.
    """

    version: int
    before: str
    after: str
    kind: str = ""


class Heading(msgspec.Struct, frozen=True, kw_only=True):
    """What a link contains besides the content: who saved which version of which copy, when and why."""

    tenant_id: str
    copy_id: str
    version: int
    release_id: int | None
    actor_type: str
    actor_id: str
    actor_label: str
    source: str
    correlation_id: str
    created_at: str
    cause_type: str
    cause_id: str


def heading(row: Mapping[str, Any]) -> Heading:
    """Return the heading of a revision with these columns."""
    at: datetime = row["created_at"]
    return Heading(
        tenant_id=str(row["tenant_id"]),
        copy_id=str(row["copy_id"]),
        version=row["version"],
        release_id=row["release_id"],
        actor_type=row["actor_type"],
        actor_id=row["actor_id"],
        actor_label=row["actor_label"],
        source=row["source"],
        correlation_id=row["correlation_id"],
        created_at=at.astimezone(UTC).isoformat(timespec="microseconds"),
        cause_type=row["cause_type"],
        cause_id=row["cause_id"],
    )


def content_digest(document: bytes, evaluation: bytes, changes: bytes) -> str:
    """Return the digest of a version's content: of its document with the version byte, evaluation and changes, as they
    are before compression.
    """
    return joined_digest(*(hashlib.sha256(part).digest() for part in (document, evaluation, changes)))


def joined_digest(document: bytes, evaluation: bytes, changes: bytes) -> str:
    """Return the digest of a version's content from the SHA-256 digests of its parts."""
    return hashlib.sha256(document + evaluation + changes).hexdigest()


def original_digest(amendments: Sequence[Amendment], digest: str) -> str:
    """Return the digest that a version was saved with, if its ``amendments`` lead from it to ``digest``."""
    contents = [amendment for amendment in amendments if not amendment.kind]
    if not contents or contents[-1].after != digest:
        return digest
    pairs = zip(contents, contents[1:], strict=False)
    return contents[0].before if all(one.after == two.before for one, two in pairs) else digest


def is_link(stored: bytes, computed: bytes, amendments: Sequence[Amendment]) -> bool:
    """Return whether a version with the ``stored`` link says what ``computed`` was made of: as it was saved, or with
    the heading of its last amendment.
    """
    headings = [amendment for amendment in amendments if amendment.kind == HEADING]
    if not headings:
        return stored == computed
    return (headings[-1].before, headings[-1].after) == (stored.hex(), computed.hex())


def link(previous: bytes, head: Heading, digest: str, amendments: Sequence[Amendment] = ()) -> bytes:
    """Return the link of a version with the content ``digest``, after the link ``previous``."""
    said = msgspec.json.encode([FORMAT, msgspec.structs.astuple(head), digest, amendments])
    return hashlib.sha256(previous + said).digest()
