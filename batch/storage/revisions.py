"""Builds the revision of a save: how its content is stored, and its link in the copy's chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from batch.changes.records import CopyRecord, Row, SaveContext
from copies import chain
from copies.chain import Amendment
from copies.changes import Cause
from copies.codec import content as content_to_store
from copies.codec import store
from copies.stored_versions import Content, StoredVersion, stored_version


class Revision(NamedTuple):
    """A version to be written: the ``row`` of the revision without its bytes, the ``whole`` document and evaluation for
    the copy, and both as the revision ``keeps`` them.
    """

    row: Row
    whole: StoredVersion
    keeps: StoredVersion
    link: bytes


def revision_row(
    copy: CopyRecord, context: SaveContext, *, version: int, release_id: int | None, cause: Cause | None = None
) -> Row:
    """Return the columns of the revision ``version`` of ``copy`` without its content and its link."""
    return {
        "tenant_id": context.tenant_id,
        "copy_id": copy.id,
        "version": version,
        "release_id": release_id,
        "actor_type": context.actor.type,
        "actor_id": context.actor.id,
        "actor_label": context.actor.label,
        "source": context.actor.source,
        "correlation_id": context.correlation_id,
        "created_at": context.now,
        "cause_type": cause.type if cause else "",
        "cause_id": cause.id if cause else "",
    }


def revision_of(
    copy: CopyRecord,
    row: Row,
    *,
    content: Content,
    changes: bytes,
    amendments: Sequence[Amendment] = (),
) -> Revision:
    """Return the version that follows on ``copy`` as it was loaded. ``changes`` are JSON, before compression.

    With ``amendments``, earlier versions were rewritten, and the version is kept whole.
    """
    whole = StoredVersion(*content.stored(), is_whole=True)
    keeps = whole
    if copy.version and not amendments:
        keeps = stored_version(row["version"], whole, content, Content.of(copy.document, copy.evaluation))
    digest = chain.content_digest(content.document, content.evaluation, changes)
    link = chain.link(copy.chain if copy.version else chain.START, chain.heading(row), digest, amendments)
    kept = {"is_whole": keeps.is_whole, "chain": as_text(link), "amends": as_text(amends(amendments))}
    return Revision({**row, **kept}, whole, keeps, link)


def amends(amendments: Sequence[Amendment]) -> bytes:
    """Return the stored form of amendments; nothing without any."""
    return store(content_to_store(amendments)) if amendments else b""


def as_text(data: bytes) -> str:
    """Return bytes as PostgreSQL reads them in a row of JSON."""
    return f"\\x{data.hex()}"
