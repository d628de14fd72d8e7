"""Cursor pagination: an opaque cursor contains the position after the last row of a page, so that every page costs the
same and no row appears twice.
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

from partner_engine.api.http.deprecation import lasting_path
from partner_engine.api.http.input import in_utc
from partner_engine.problems import Fault, Refused

M = TypeVar("M", bound=Model)

#: Requested order -> column. Rows without a value come last in either direction.
ORDERS: Final = {"last_touched": "last_touched_by_user_at", "updated": "updated_at", "event": "created_at"}
#: Orders by an id alone, which is sortable by time and never changes.
ID_ORDERS: Final = {"created": "application_form_id", "user": "id"}


class Position(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The end of a page: its order, the last row's value in that order, and that row's id."""

    order: str
    value: Annotated[datetime, Meta(tz=True)] | None
    id: UUID


class Page(msgspec.Struct, Generic[M], frozen=True):
    """One page of rows, and the cursor of the next page ("" on the last page)."""

    rows: list[M]
    next_cursor: str


def page(rows: QuerySet[M], *, order: str, cursor: str, limit: int) -> Page[M]:
    """Return the page of ``rows`` after ``cursor`` in ``order`` ("-created" is newest first).

    Raises ``Refused`` (400) for an invalid cursor.
    """
    descending, name = order.startswith("-"), order.lstrip("-")
    if name in ID_ORDERS:
        return _page_by_id(rows, ID_ORDERS[name], order=order, cursor=cursor, limit=limit)
    column = ORDERS[name]
    sign = F(column).desc(nulls_last=True) if descending else F(column).asc(nulls_last=True)
    rows = rows.order_by(sign, "-id" if descending else "id")
    if cursor:
        rows = rows.filter(_after(_decode(cursor, order), column, descending=descending))
    loaded = list(rows[: limit + 1])
    shown = loaded[:limit]
    if len(loaded) <= limit:
        return Page(shown, "")
    last = shown[-1]
    return Page(shown, _encode(Position(order, getattr(last, column), last.pk)))


def _page_by_id(rows: QuerySet[M], column: str, *, order: str, cursor: str, limit: int) -> Page[M]:
    descending = order.startswith("-")
    rows = rows.order_by(f"-{column}" if descending else column)
    if cursor:
        rows = rows.filter(**{f"{column}__{'lt' if descending else 'gt'}": _decode(cursor, order).id})
    loaded = list(rows[: limit + 1])
    shown = loaded[:limit]
    if len(loaded) <= limit:
        return Page(shown, "")
    return Page(shown, _encode(Position(order, None, getattr(shown[-1], column))))


def encode_number(number: int) -> str:
    """Return the cursor of a page that ended at ``number``."""
    return base64.urlsafe_b64encode(str(number).encode()).decode().rstrip("=")


def decode_number(cursor: str) -> int:
    """Return the number in ``cursor``. Raises ``Refused`` (400)."""
    content = _bytes(cursor)
    if not content.isdigit() or len(content) > 10:
        raise _malformed()
    return int(content)


def decode_position(cursor: str) -> int:
    """Return the position in a cursor of the feed of events. Raises ``Refused`` (400)."""
    content = _bytes(cursor)
    if not content.isdigit() or len(content) > 18:
        raise _malformed("after")
    return int(content)


def encode_ranked(score: int, id: UUID) -> str:
    """Return the cursor of a page of search results that ended at this score and id."""
    return base64.urlsafe_b64encode(msgspec.json.encode((score, id))).decode().rstrip("=")


def decode_ranked(cursor: str) -> tuple[int, UUID]:
    """Return score and id in ``cursor``. Raises ``Refused`` (400)."""
    try:
        return msgspec.json.decode(_bytes(cursor), type=tuple[Annotated[int, Meta(ge=0, lt=2**31)], UUID])
    except msgspec.MsgspecError as error:
        raise _malformed() from error


def next_page(request: Request, cursor: str, name: str = "cursor") -> str | None:
    """Return the URL of the next page with the same parameters as ``request``; None on the last page.

    ``name`` is that of the parameter for the cursor.
    """
    parameters = {other: str(value) for other, value in request.GET.items() if other != name}
    return f"{lasting_path(request)}?{urlencode({**parameters, name: cursor})}" if cursor else None


def _after(position: Position, column: str, *, descending: bool) -> Q:
    comparison = "lt" if descending else "gt"
    later_id = Q(**{f"id__{comparison}": position.id})
    without_value = Q(**{f"{column}__isnull": True})
    if position.value is None:
        return without_value & later_id
    later_value = Q(**{f"{column}__{comparison}": position.value})
    return later_value | (Q(**{column: position.value}) & later_id) | without_value


def _encode(position: Position) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def _decode(cursor: str, order: str) -> Position:
    try:
        position = msgspec.json.decode(_bytes(cursor), type=Position)
    except msgspec.MsgspecError as error:
        raise _malformed() from error
    if position.order != order:
        raise _malformed()
    return in_utc(position)


def _bytes(cursor: str) -> bytes:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed() from error


def _malformed(name: str = "cursor") -> Refused:
    detail = (
        "This cursor is not valid for this list and order; use the one in `next`, or omit it to start from the first "
        "page."
    )
    return Refused(400, "invalid_cursor", detail, faults=[Fault(code="invalid_cursor", path=name, detail=detail)])
