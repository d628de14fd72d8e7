"""Cursor pages: an opaque cursor holds the place after the last row that was shown, so that a page costs the same
however deep, and no row comes twice.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Final, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from django.db.models import F, Model, Q, QuerySet
from msgspec import Meta
from rest_framework.request import Request

from partner_engine.problems import Fault, Refused

M = TypeVar("M", bound=Model)

#: Order as asked for -> column. Rows without a value come last in either direction.
ORDERS: Final = {"last_touched": "last_touched_by_user_at", "created": "form_created_at", "event": "created_at"}


class Place(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where a page ended: the order that it was in, its last row's value there, and that row's id."""

    order: str
    value: Annotated[datetime, Meta(tz=True)] | None
    id: UUID


class Page(msgspec.Struct, Generic[M], frozen=True):
    """One page of rows, and the cursor of the next one ("" on the last page)."""

    rows: list[M]
    next_cursor: str


def page(rows: QuerySet[M], *, order: str, cursor: str, limit: int) -> Page[M]:
    """Return the page of ``rows`` after ``cursor`` in ``order`` ("-created" is the newest first).

    Raises ``Refused`` (400) for a cursor that is none.
    """
    descending, column = order.startswith("-"), ORDERS[order.lstrip("-")]
    sign = F(column).desc(nulls_last=True) if descending else F(column).asc(nulls_last=True)
    rows = rows.order_by(sign, "-id" if descending else "id")
    if cursor:
        rows = rows.filter(_after(_decode(cursor, order), column, descending=descending))
    found = list(rows[: limit + 1])
    shown = found[:limit]
    if len(found) <= limit:
        return Page(shown, "")
    last = shown[-1]
    return Page(shown, _encode(Place(order, getattr(last, column), last.pk)))


def encode_number(number: int) -> str:
    """Return the cursor of a page that ended at ``number``."""
    return base64.urlsafe_b64encode(str(number).encode()).decode().rstrip("=")


def decode_number(cursor: str) -> int:
    """Return the number in ``cursor``. Raises ``Refused`` (400)."""
    content = _bytes(cursor)
    if not content.isdigit() or len(content) > 10:
        raise _malformed()
    return int(content)


def encode_ranked(score: int, id: UUID) -> str:
    """Return the cursor of a page of finds that ended at this score and id."""
    return base64.urlsafe_b64encode(msgspec.json.encode((score, id))).decode().rstrip("=")


def decode_ranked(cursor: str) -> tuple[int, UUID]:
    """Return score and id in ``cursor``. Raises ``Refused`` (400)."""
    try:
        return msgspec.json.decode(_bytes(cursor), type=tuple[Annotated[int, Meta(ge=0, lt=2**31)], UUID])
    except msgspec.MsgspecError as error:
        raise _malformed() from error


def next_link(path: str, parameters: dict[str, str], cursor: str) -> str | None:
    """Return the address of the next page, with the same filters; None on the last page."""
    return f"{path}?{urlencode({**parameters, 'cursor': cursor})}" if cursor else None


def next_page(request: Request, cursor: str) -> str | None:
    """Return the address of the page after the one that ``request`` asked for; None on the last page."""
    filters = {name: str(value) for name, value in request.GET.items() if name != "cursor"}
    return next_link(request.path, filters, cursor)


def _after(place: Place, column: str, *, descending: bool) -> Q:
    beyond = "lt" if descending else "gt"
    later_id = Q(**{f"id__{beyond}": place.id})
    nothing = Q(**{f"{column}__isnull": True})
    if place.value is None:
        return nothing & later_id
    return Q(**{f"{column}__{beyond}": place.value}) | (Q(**{column: place.value}) & later_id) | nothing


def _encode(place: Place) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _decode(cursor: str, order: str) -> Place:
    try:
        place = msgspec.json.decode(_bytes(cursor), type=Place)
    except msgspec.MsgspecError as error:
        raise _malformed() from error
    if place.order != order:
        raise _malformed()
    return place


def _bytes(cursor: str) -> bytes:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed() from error


def _malformed() -> Refused:
    detail = "This cursor is none of this list in this order; take it from `next`, or leave it out to begin anew."
    return Refused(400, "invalid_cursor", detail, faults=[Fault(code="invalid_cursor", path="cursor", detail=detail)])
