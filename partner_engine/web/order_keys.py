"""Keys of orders from the form page: an order whose response was lost is sent again and carried out once."""

from __future__ import annotations

import hashlib
import re
from typing import Final

import msgspec
from django.http import HttpRequest

from batch.idempotency import IdempotencyKey, StoredResponse
from partner_engine.web.visitors import Visitor

_HEADER: Final = "X-Order-Key"
_KEY: Final = re.compile(r"[0-9a-f]{32}")


def order_key(request: HttpRequest, visitor: Visitor) -> IdempotencyKey | None:
    """Return the key of the order in ``request``, None without a well-formed one."""
    key = request.headers.get(_HEADER, "")
    if not _KEY.fullmatch(key):
        return None
    order = msgspec.json.encode([request.path, sorted(request.POST.items())])
    fingerprint = hashlib.sha256(order).digest()
    return IdempotencyKey(f"page:{visitor.actor.type}:{visitor.actor.id}", key, fingerprint)


def carried_out(note: str = "") -> StoredResponse:
    """Return the record of an order that was carried out; ``note`` is the path of the row it added."""
    return StoredResponse(200, {}, note.encode())
