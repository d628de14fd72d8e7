"""Problem details (RFC 9457): the one shape of every error that this API answers. Pure; ``handling`` turns exceptions
into them.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

MEDIA_TYPE: Final = "application/problem+json"


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong: ``pointer`` (RFC 6901) into the body, ``path`` of the answer or row in the copy."""

    pointer: str = ""
    path: str = ""
    code: str
    detail: str


class HolderShape(msgspec.Struct, frozen=True, kw_only=True):
    """Whose save holds the copy: ``who`` (name, kind and id), ``since`` when, and ``where``, the door they came in by
    (web, api, admin, job).
    """

    who: str
    since: datetime | None
    where: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error answer. ``type`` is a stable name of the reason; ``instance`` the address that was asked; ``errors`` the
    single faults. ``holder`` stands only at ``locked_by_another_save``, where it is known.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    correlation_id: str
    errors: list[Fault] = []
    holder: HolderShape | UnsetType = UNSET


class Refused(Exception):
    """A request is refused at the door, before the batch sees it."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        faults: list[Fault] | None = None,
        headers: dict[str, str] | None = None,
        holder: HolderShape | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.faults = faults or []
        self.headers = headers or {}
        self.holder = holder


def render(refused: Refused, *, instance: str, correlation_id: str) -> bytes:
    """Return the bytes of the problem."""
    problem = Problem(
        type=f"urn:partner-engine:problem:{refused.code}",
        title=HTTPStatus(refused.status).phrase,
        status=refused.status,
        detail=refused.detail,
        instance=instance,
        correlation_id=correlation_id,
        errors=refused.faults,
        holder=refused.holder or UNSET,
    )
    return msgspec.json.encode(problem)
