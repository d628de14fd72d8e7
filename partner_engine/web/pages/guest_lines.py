"""One line of the list of guest links: what was asked, what came back, and what can be sent back. Pure except for the
row that is passed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from copies.changes import Change
from copies.paths import Path
from partner_engine.web.pages.guest_texts import ReadyText
from partner_engine.web.pages.links import link_to
from partner_engine.web.pages.reading import Reading
from presentation.formats import counted, listed, moment

#: Questions of one link that the page offers to send back.
MOST_RETURNABLE: Final = 40
#: The label and the tone of each state.
_STATES: Final = {
    "issued": ("Not opened yet", "needed"),
    "followed": ("Opened", "eligible"),
    "finished": ("Done", "eligible"),
    "sent_back": ("Sent back", "needed"),
    "blocked": ("Blocked after wrong digits", "decline"),
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
    sent_back_at: datetime | None
    revoked_at: datetime | None
    question_sets: Sequence[str]
    questions: Mapping[str, str]
    unknown: Sequence[str]
    wrong_digits: int


@dataclass(frozen=True)
class Answered:
    """One answer or row that the guest changed, in words."""

    path: str
    label: str
    before: str
    after: str


@dataclass(frozen=True)
class GuestLine:
    """One guest link. ``facts`` is the history of the link in one line.

    ``asked`` names what the link opens, nothing for the whole copy; ``answered`` is what its guest changed,
    ``unknown`` what they do not know. ``returnable`` are the paths and labels of the questions that can be sent back,
    ``reminder`` is the text for a guest who is not done.
    """

    id: UUID
    name: str
    state: str
    tone: str
    facts: str
    is_open: bool
    asked: str = ""
    answered: tuple[Answered, ...] = ()
    unknown: str = ""
    returnable: tuple[tuple[str, str], ...] = ()
    reminder: ReadyText | None = None

    @property
    def key(self) -> str:
        """Return the id as text, for ids of elements."""
        return str(self.id)


def build_guest_line(link: Link, state: str, reading: Reading, *, changes: Sequence[Change] = ()) -> GuestLine:
    """Return the line of ``link`` in ``state``, whose guest made ``changes``."""
    reader = reading.reader

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
    if link.sent_back_at:
        facts.append(f"sent back {at(link.sent_back_at)}")
    if link.wrong_digits:
        facts.append(f"{counted(link.wrong_digits, 'wrong try', 'wrong tries')} at the phone digits")
    is_open = state in ("issued", "followed", "finished", "sent_back")
    if link.revoked_at:
        facts.append(f"ended {at(link.revoked_at)}")
    else:
        facts.append(f"{'valid until' if is_open else 'was valid until'} {at(link.expires_at)}")
    answered = tuple(_answered(reading, change) for change in changes)
    questions = [change.path for change in changes if Path(change.path).is_answer]
    asked_again = dict.fromkeys([*questions, *link.unknown, *link.questions]) if is_open and link.exchanged_at else ()
    return GuestLine(
        link.id,
        link.name or "Guest",
        word,
        tone,
        " · ".join(facts),
        is_open,
        asked=listed(_asked(reading, link)) if link.question_sets or link.questions else "",
        answered=answered,
        unknown=listed(link_to(reading, path).text for path in link.unknown) if link.unknown else "",
        returnable=tuple((path, link_to(reading, path).text) for path in list(asked_again)[:MOST_RETURNABLE]),
    )


def _asked(reading: Reading, link: Link) -> Iterator[str]:
    for code in link.question_sets:
        known = reading.catalogue.sets.get(code)
        yield known.question_set.title if known else code
    yield from (link_to(reading, path).text for path in link.questions)


def _answered(reading: Reading, change: Change) -> Answered:
    if Path(change.path).is_answer:
        before, after = reading.visibility.change_texts(change)
        return Answered(change.path, link_to(reading, change.path).text, before, after)
    label = reading.label(Path(change.path).pool)
    return Answered(change.path, label, "", "row added" if change.before is None else "row removed")
