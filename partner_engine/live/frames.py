"""What is said on a copy's socket, as structs: the one source of the shapes in docs/live.md. Pure.

Every frame is one JSON object with its ``type``.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from presentation.shapes import ChangesShape

#: Of what a client sends, in bytes: it asks and points, it does not write.
MOST_BYTES: Final = 4096


class Person(msgspec.Struct, frozen=True):
    """Somebody at the copy by one socket; ``path`` is the question that they are at, null for none."""

    socket: str
    type: str
    id: str
    name: str
    path: str | None = None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot", tag_field="type"):
    """The first frame: what holds now. Everything later than ``version`` follows as frames."""

    socket: str
    copy: str
    version: int
    release: int
    people: list[Person]


class Changed(msgspec.Struct, frozen=True, kw_only=True, tag="changed", tag_field="type"):
    """A save that made ``version``, without sensitive and personal values. ``changes`` is null where they were too
    many to send: ask for them.
    """

    version: int
    release: int
    by: dict[str, str]
    correlation_id: str
    changes: list[dict[str, Any]] | None
    eligibility: dict[str, Any] | None
    needed: dict[str, Any] | None
    messages: list[dict[str, Any]] | None


class Presence(msgspec.Struct, frozen=True, kw_only=True, tag="presence", tag_field="type"):
    """Somebody came, went, or is at another question."""

    event: Literal["joined", "left", "focus"]
    person: Person


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, tag="heartbeat", tag_field="type"):
    """Every 20 s: the version and who is there; a client that knows an older version asks for the changes."""

    version: int
    release: int
    people: list[Person]


class Resync(msgspec.Struct, frozen=True, kw_only=True, tag="resync", tag_field="type"):
    """Frames were lost: ask for the changes since the version that you know."""

    version: int
    reason: Literal["gap", "overflow", "interrupted"]


class Released(msgspec.Struct, frozen=True, kw_only=True, tag="release", tag_field="type"):
    """A new release of the catalogue is in force: questions may have changed."""

    release: int


class ChangesAnswer(msgspec.Struct, frozen=True, kw_only=True, tag="changes", tag_field="type"):
    """The answer to ``since``: what ``GET /copies/{id}/changes`` answers, for whoever asks."""

    since: int
    body: ChangesShape


class ErrorFrame(msgspec.Struct, frozen=True, kw_only=True, tag="error", tag_field="type"):
    """A frame that was not taken; the socket stays open unless it says otherwise in its close code."""

    code: str
    detail: str
    errors: list[dict[str, str]] = []


class Since(msgspec.Struct, frozen=True, tag="since", tag_field="type", forbid_unknown_fields=True):
    """Ask what changed after ``version``."""

    version: Annotated[int, Meta(ge=0, le=2_147_483_647)]


class Focus(msgspec.Struct, frozen=True, tag="focus", tag_field="type", forbid_unknown_fields=True):
    """Tell the others at which question one is; null for none."""

    path: Annotated[str, Meta(max_length=300)] | None


class View(msgspec.Struct, frozen=True, tag="view", tag_field="type", forbid_unknown_fields=True):
    """Tell whether the page is in view; as long as it is, its person is counted among the active users."""

    visible: bool


Asked = Since | Focus | View
_asked: Final = msgspec.json.Decoder(Asked)
_told: Final = msgspec.json.Decoder(Changed | Presence)
_encoder: Final = msgspec.json.Encoder()


class BadFrame(Exception):
    """What came is no frame that is known; ``frame`` tells why."""

    def __init__(self, frame: ErrorFrame) -> None:
        super().__init__(frame.detail)
        self.frame = frame


def read(text: str) -> Asked:
    """Return what a client's ``text`` asks. Raises ``BadFrame``."""
    try:
        return _asked.decode(text)
    except msgspec.ValidationError as error:
        detail, _, place = str(error).partition(" - at `$")
        pointer = place.rstrip("`").replace(".", "/")
        fault = {"pointer": pointer, "code": "invalid_value", "detail": detail}
        raise BadFrame(ErrorFrame(code="invalid_frame", detail=detail, errors=[fault])) from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadFrame(ErrorFrame(code="malformed_frame", detail="A frame is one JSON object.")) from error


def by_name(person: Person) -> Person:
    """Return ``person`` as guests are told of them: the name, and a socket that tells apart but is good for nothing."""
    unlinked = hashlib.sha256(person.socket.encode()).hexdigest()[:32]
    return Person(socket=unlinked, type=person.type, id="", name=person.name)


def for_guests(text: str) -> str:
    """Return the ``changed`` or ``presence`` frame in ``text`` as guests are told it: that somebody saved or came."""
    frame = _told.decode(text)
    if isinstance(frame, Presence):
        return write(msgspec.structs.replace(frame, person=by_name(frame.person)))
    by = {**frame.by, "id": ""}
    nothing = {"changes": None, "eligibility": None, "needed": None, "messages": None}
    return write(msgspec.structs.replace(frame, by=by, correlation_id="", **nothing))


def write(frame: msgspec.Struct) -> str:
    """Return ``frame`` as it is sent."""
    return _encoder.encode(frame).decode()
