"""Reads every copy of an installation: whether it opens, is decided as stored, and which sealed answers open.

A program: prints one JSON object per copy. Run it on an installation and on what was restored from its backup.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from typing import Any

import django
import msgspec

django.setup()

from batch import service as batch  # noqa: E402 - needs the apps
from batch.changes.decision import decide  # noqa: E402
from batch.context import BatchContext  # noqa: E402
from copies.document import walk_answers  # noqa: E402
from copies.models import Copy  # noqa: E402
from encryption.envelope import DecryptionFailed  # noqa: E402
from encryption.key_ring import KeyServiceUnavailable  # noqa: E402
from rules.flow.evaluation import Evaluation  # noqa: E402
from tenants.access import system_actor  # noqa: E402
from tenants.current_tenant import use_tenant  # noqa: E402
from tenants.models import Tenant  # noqa: E402


def read_book() -> Iterator[dict[str, Any]]:
    """Yield what each copy of each tenant is read as."""
    for tenant in Tenant.objects.order_by("code"):
        with use_tenant(tenant):
            for copy_id in Copy.objects.order_by("id").values_list("id", flat=True):
                context = batch.find(copy_id, scope=tenant, actor=system_actor("drill"), archived=True)
                yield {"tenant": tenant.code, "database": tenant.database_alias, **_read(context)}


def _read(context: BatchContext) -> dict[str, Any]:
    stored, sealed = context.evaluation, _sealed(context)
    return {
        "copy": str(context.copy.id),
        "version": context.version,
        "stored": _digest(stored),
        "differs": _differs(context, stored),
        "sealed": len(sealed),
        "opened": _digest([value for value in sealed if value is not None]),
        "unreadable": sealed.count(None),
    }


def _sealed(context: BatchContext) -> list[Any]:
    """Return the plain sealed answers, None for one that does not open."""
    return [
        _opened(context, path, answer)
        for path, answer in walk_answers(context.read_only_changeset().document)
        if answer.sealed is not None
    ]


def _opened(context: BatchContext, path: str, answer: Any) -> Any:
    try:
        return context.sealer.reveal(path, answer)
    except (KeyServiceUnavailable, DecryptionFailed):
        return None


def _differs(context: BatchContext, stored: Evaluation) -> list[str]:
    """Return the parts of the decision that would be others if it were made now, "closed" where answers are."""
    try:
        decided = decide(context.changeset)
    except (KeyServiceUnavailable, DecryptionFailed):
        return ["closed"]
    return [part for part in Evaluation.__struct_fields__ if getattr(decided, part) != getattr(stored, part)]


def _digest(value: Any) -> str:
    content = msgspec.structs.replace(value, release=0) if isinstance(value, Evaluation) else value
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:16]


if __name__ == "__main__":
    for line in read_book():
        sys.stdout.write(json.dumps(line) + "\n")
