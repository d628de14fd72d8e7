"""Reads one version of a copy with all that its decision can be checked by outside: for ``verify_decision.py``."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Final
from uuid import UUID

import msgspec

from copies import chain
from copies.chain import Amendment
from copies.chain_check import REVISION_COLUMNS
from copies.codec import content_of
from copies.history import contents
from copies.models import CopyRevision

#: The format of the export; ``verify_decision.py`` reads it.
FORMAT: Final = 1


class RewrittenVersion(Exception):
    """The product has masked something in the version since it was saved, so its link no longer shows its content."""


def read_decision(copy_id: UUID, version: int) -> dict[str, Any] | None:
    """Return the version without its release, in the shape that ``verify_decision.py`` reads; None without such a one.

    In the tenant's scope. The document is as it is stored: personal answers in plain, sealed ones sealed. Raises
    ``RewrittenVersion``.
    """
    row = CopyRevision.objects.filter(copy_id=copy_id, version=version).values(*REVISION_COLUMNS).first()
    if row is None:
        return None
    before = CopyRevision.objects.filter(copy_id=copy_id, version=version - 1).values_list("chain", flat=True).first()
    ((_, content),) = contents(copy_id, first=version, last=version)
    changes = content_of(bytes(row["changes"]))
    if _was_rewritten(copy_id, version):
        raise RewrittenVersion
    amends = bytes(row["amends"])
    return {
        "format": FORMAT,
        "heading": chain.heading(row),
        "previous": (chain.START if before is None else bytes(before)).hex(),
        "link": bytes(row["chain"]).hex(),
        "document": base64.b64encode(content.document).decode(),
        "evaluation": content.evaluation.decode(),
        "changes_digest": hashlib.sha256(changes).hexdigest(),
        "amendments": msgspec.json.decode(content_of(amends), type=list[Amendment]) if amends else [],
    }


def _was_rewritten(copy_id: UUID, version: int) -> bool:
    later = CopyRevision.objects.filter(copy_id=copy_id, version__gt=version).exclude(amends=b"")
    return any(
        amendment.version == version
        for amends in later.values_list("amends", flat=True)
        for amendment in msgspec.json.decode(content_of(bytes(amends)), type=list[Amendment])
    )
