"""The frames of a copy's socket, as structs: the one source of the shapes in docs/live.md. Pure.

Every frame is one JSON object with a ``type``.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from presentation.shapes import ChangesShape

#: The maximum size of a client's frame in bytes; clients send requests only.
MAX_BYTES: Final = 4096


class Person(msgspec.Struct, frozen=True):
    """A viewer of the copy, on one socket; ``path`` is the question in focus, null for none."""

    socket: str
    type: str
    id: str
    name: str
    path: str | None = None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot", tag_field="type"):
    """The first frame: the current state. Everything after ``version`` follows as frames."""

    socket: str
    copy: str
    version: int
    release: int
    people: list[Person]


class Changed(msgspec.Struct, frozen=True, kw_only=True, tag="changed", tag_field="type"):
    """A save that created ``version``, without sensitive and personal values. ``changes`` is null if they were too
    large to send: request them.
    """

    version: int
    release: int
    by: dict[str, str]
    correlation_id: str
    changes: list[dict[str, Any]] | None
    eligibility: dict[str, Any] | None
    needed: dict[str, Any] | None
    messages: list[dict[str, Any]] | None


class Sibling(msgspec.Struct, frozen=True, kw_only=True, tag="copies", tag_field="type"):
    """A save on another copy of the same form: it was made, answered, renamed, locked, deleted or restored. Guests do
    not receive it.
    """

    copy: str


class Presence(msgspec.Struct, frozen=True, kw_only=True, tag="presence", tag_field="type"):
    """A viewer joined, left, or moved to another question."""

    event: Literal["joined", "left", "focus"]
    person: Person


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, tag="heartbeat", tag_field="type"):
    """Every 20 s: the version and the viewers. A client with an older version requests the changes."""

    version: int
    release: int
    people: list[Person]


class Resync(msgspec.Struct, frozen=True, kw_only=True, tag="resync", tag_field="type"):
    """Frames were lost: request the changes since your version."""

    version: int
    reason: Literal["gap", "overflow", "interrupted"]


class Released(msgspec.Struct, frozen=True, kw_only=True, tag="release", tag_field="type"):
    """A new release of the catalogue is in force: questions may have changed."""

    release: int


class ChangesFrame(msgspec.Struct, frozen=True, kw_only=True, tag="changes", tag_field="type"):
    """The response to ``since``: the body of ``GET /copies/{id}/changes`` for this client."""

    since: int
    body: ChangesShape


class ErrorFrame(msgspec.Struct, frozen=True, kw_only=True, tag="error", tag_field="type"):
    """A frame of the client was refused; the socket stays open."""

    code: str
    detail: str
    errors: list[dict[str, str]] = []


class Since(msgspec.Struct, frozen=True, tag="since", tag_field="type", forbid_unknown_fields=True):
    """Request the changes after ``version``."""

    version: Annotated[int, Meta(ge=0, le=2_147_483_647)]


class Focus(msgspec.Struct, frozen=True, tag="focus", tag_field="type", forbid_unknown_fields=True):
    """Publish the question in focus to the other viewers; null for none."""

    path: Annotated[str, Meta(max_length=300)] | None


class View(msgspec.Struct, frozen=True, tag="view", tag_field="type", forbid_unknown_fields=True):
    """Report whether the page is visible; while it is, its person counts as an active user."""

    visible: bool


ClientFrame = Since | Focus | View
_client_frames: Final = msgspec.json.Decoder(ClientFrame)
_published: Final = msgspec.json.Decoder(Changed | Presence)
_encoder: Final = msgspec.json.Encoder()


class BadFrame(Exception):
    """A client's frame is invalid; ``frame`` is the error to send."""

    def __init__(self, frame: ErrorFrame) -> None:
        super().__init__(frame.detail)
        self.frame = frame


def read(text: str) -> ClientFrame:
    """Parse a client's frame. Raises ``BadFrame``."""
    try:
        return _client_frames.decode(text)
    except msgspec.ValidationError as error:
        detail, _, place = str(error).partition(" - at `$")
        pointer = place.rstrip("`").replace(".", "/")
        fault = {"pointer": pointer, "code": "invalid_value", "detail": detail}
        raise BadFrame(ErrorFrame(code="invalid_frame", detail=detail, errors=[fault])) from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadFrame(ErrorFrame(code="malformed_frame", detail="A frame is one JSON object.")) from error


def without_identity(person: Person) -> Person:
    """Return ``person`` as guests see them: the name, and a hash instead of the socket's id to tell viewers apart."""
    unlinked = hashlib.sha256(person.socket.encode()).hexdigest()[:32]
    return Person(socket=unlinked, type=person.type, id="", name=person.name)


def for_guests(text: str) -> str:
    """Return the ``changed`` or ``presence`` frame in ``text`` reduced to what guests may see: who saved or joined."""
    frame = _published.decode(text)
    if isinstance(frame, Presence):
        return write(msgspec.structs.replace(frame, person=without_identity(frame.person)))
    by = {**frame.by, "id": ""}
    nothing = {"changes": None, "eligibility": None, "needed": None, "messages": None}
    return write(msgspec.structs.replace(frame, by=by, correlation_id="", **nothing))


def write(frame: msgspec.Struct) -> str:
    """Encode ``frame`` as JSON."""
    return _encoder.encode(frame).decode()
