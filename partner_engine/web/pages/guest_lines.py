"""One line of the list of guest links. Pure except for the row that is passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from partner_engine.web.pages.reading import Reader
from presentation.formats import moment

#: The label and the tone of each state.
_STATES: Final = {
    "issued": ("Not opened yet", "needed"),
    "followed": ("Opened", "eligible"),
    "finished": ("Done", "eligible"),
    "expired": ("Expired", ""),
    "revoked": ("Ended", ""),
}


class Link(Protocol):
    """The fields of a guest link that a line shows."""

    id: UUID
    name: str
    created_at: datetime
    expires_at: datetime
    exchanged_at: datetime | None
    seen_at: datetime | None
    finished_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True)
class GuestLine:
    """One guest link. ``facts`` is the history of the link in one line."""

    id: UUID
    name: str
    state: str
    tone: str
    facts: str
    is_open: bool


def build_guest_line(link: Link, state: str, reader: Reader) -> GuestLine:
    """Return the line of ``link`` in ``state``."""

    def at(value: datetime) -> str:
        return moment(value, reader.zone, now=reader.now)

    word, tone = _STATES[state]
    facts = [f"created {at(link.created_at)}"]
    if link.exchanged_at:
        facts.append(f"opened {at(link.exchanged_at)}")
    if link.seen_at:
        facts.append(f"last seen {at(link.seen_at)}")
    if link.finished_at:
        facts.append(f"done {at(link.finished_at)}")
    is_open = state in ("issued", "followed", "finished")
    if link.revoked_at:
        facts.append(f"ended {at(link.revoked_at)}")
    else:
        facts.append(f"{'valid until' if is_open else 'was valid until'} {at(link.expires_at)}")
    return GuestLine(link.id, link.name or "Guest", word, tone, " · ".join(facts), is_open)
