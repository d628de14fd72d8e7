"""Problem details (RFC 9457): the one shape of every error that this API answers. Pure; ``handling`` turns exceptions
into them.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import msgspec

MEDIA_TYPE: Final = "application/problem+json"


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong: ``pointer`` (RFC 6901) into the body, ``path`` of the answer or row in the copy."""

    pointer: str = ""
    path: str = ""
    code: str
    detail: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error answer. ``type`` is a stable name of the reason; ``instance`` the address that was asked; ``errors`` the
    single faults.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    correlation_id: str
    errors: list[Fault] = []


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
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.faults = faults or []
        self.headers = headers or {}


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
    )
    return msgspec.json.encode(problem)
