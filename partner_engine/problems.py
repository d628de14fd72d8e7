"""Problem details (RFC 9457): the one shape of every error response of this API. Pure; ``exceptions`` turns exceptions
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
    """A single error: ``pointer`` (RFC 6901) into the body, ``path`` of the answer, row, header or query parameter."""

    pointer: str = ""
    path: str = ""
    code: str
    detail: str


class HolderShape(msgspec.Struct, frozen=True, kw_only=True):
    """The holder of a copy's lock: ``who`` (name, kind and id), ``since`` when, and ``where``, the entry point of the
    save (web, api, admin, job).
    """

    who: str
    since: datetime | None
    where: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error response. ``type`` is a stable name of the reason, ``instance`` the requested path, ``errors`` the
    single errors. ``holder`` is present only for ``locked_by_another_save``, if it is known.
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
    """A request is refused before it reaches the batch."""

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

    @classmethod
    def field(cls, pointer: str, detail: str, *, code: str = "invalid_value") -> Refused:
        """Return the refusal (422) of the body's field at ``pointer``; "" refuses the body as a whole."""
        return cls(422, "invalid_body", detail, faults=[Fault(pointer=pointer, code=code, detail=detail)])

    @classmethod
    def parameter(cls, name: str, detail: str) -> Refused:
        """Return the refusal (400) of the query parameter ``name``."""
        return cls(400, "invalid_query", detail, faults=[Fault(path=name, code="invalid_value", detail=detail)])

    @classmethod
    def header(cls, name: str, detail: str) -> Refused:
        """Return the refusal (400) of the request header ``name``."""
        return cls(400, "malformed_header", detail, faults=[Fault(path=name, code="malformed_header", detail=detail)])


def render(refused: Refused, *, instance: str, correlation_id: str) -> bytes:
    """Return ``refused`` as a problem, encoded as JSON."""
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
