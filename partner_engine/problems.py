"""Problem details (RFC 9457): the one shape of every error response of this API. Pure; ``exceptions`` turns exceptions
into them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from presentation.faults import MOST_FAULTS, Fault

__all__ = [
    "MEDIA_TYPE",
    "MOST_ALLOWED",
    "MOST_FAULTS",
    "ExistingShape",
    "Fault",
    "HolderShape",
    "LockShape",
    "Problem",
    "Refused",
    "brief",
    "combined",
    "render",
    "title_of",
]

MEDIA_TYPE: Final = "application/problem+json"
#: A response lists this many allowed values in all of its faults together.
MOST_ALLOWED: Final = 2_000


#: The names of statuses that versions of Python spell differently, as in RFC 9110.
_TITLES: Final[Mapping[int, str]] = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}


class HolderShape(msgspec.Struct, frozen=True, kw_only=True):
    """The holder of a copy's lock: ``who`` (name, kind and id), ``since`` when, and ``where``, the entry point of the
    save (web, api, admin, job).
    """

    who: str
    since: datetime | None
    where: str


class LockShape(msgspec.Struct, frozen=True, kw_only=True):
    """The lock that a person put on a copy: ``who``, ``since`` when and for what ``reason``; "" for what is unknown."""

    who: str
    since: datetime
    reason: str


class ExistingShape(msgspec.Struct, frozen=True, kw_only=True):
    """The form that has the same ``external_id`` already."""

    application_form_id: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error response. ``type`` is a stable name of the reason, ``instance`` the requested path, ``errors`` the first
    100 single errors and ``more_errors`` the number of the others. ``holder`` is present only for
    ``locked_by_another_save``, if it is known, ``lock`` only for ``copy_locked``, and ``existing`` only for
    ``external_id_taken``.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    correlation_id: str
    errors: list[Fault] = []
    more_errors: int | UnsetType = UNSET
    holder: HolderShape | UnsetType = UNSET
    lock: LockShape | UnsetType = UNSET
    existing: ExistingShape | UnsetType = UNSET


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
        obstacle: HolderShape | LockShape | ExistingShape | None = None,
        more: int = 0,
    ) -> None:
        """Refuse with ``faults``, or because of an ``obstacle``; ``more`` is the number of faults beyond those."""
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.faults = faults or []
        self.headers = headers or {}
        self.obstacle = obstacle
        self.more = more

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


def combined(refusals: Sequence[Refused]) -> Refused:
    """Return one refusal with the faults of all; status and code are those of the first."""
    first, *others = refusals
    if not others:
        return first
    faults = [fault for refused in refusals for fault in refused.faults]
    more = sum(refused.more for refused in refusals)
    detail = f"The request has {len(faults) + more} errors; nothing was changed."
    return Refused(first.status, first.code, detail, faults=faults, headers=first.headers, more=more)


def brief(faults: Sequence[Fault]) -> list[Fault]:
    """Return the first faults, with lists of allowed values as long as there is room for them."""
    room, told = MOST_ALLOWED, []
    for fault in faults[:MOST_FAULTS]:
        values = fault.allowed or []
        room -= len(values)
        told.append(fault if room >= 0 else msgspec.structs.replace(fault, allowed=UNSET))
    return told


def title_of(status: int) -> str:
    """Return the name of a status, the same under every version of Python."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


def render(refused: Refused, *, instance: str, correlation_id: str) -> bytes:
    """Return ``refused`` as a problem, encoded as JSON."""
    told, obstacle = brief(refused.faults), refused.obstacle
    more = refused.more + len(refused.faults) - len(told)
    problem = Problem(
        type=f"urn:partner-engine:problem:{refused.code}",
        title=title_of(refused.status),
        status=refused.status,
        detail=refused.detail,
        instance=instance,
        correlation_id=correlation_id,
        errors=told,
        more_errors=more or UNSET,
        holder=obstacle if isinstance(obstacle, HolderShape) else UNSET,
        lock=obstacle if isinstance(obstacle, LockShape) else UNSET,
        existing=obstacle if isinstance(obstacle, ExistingShape) else UNSET,
    )
    return msgspec.json.encode(problem)
