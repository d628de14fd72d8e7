"""One line of the list of application forms. Pure except for the row that is passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from forms.states import Standing, State, state_of
from presentation.formats import moment
from rules.definition.model import CompiledCatalogue

STATE_WORDS: Final[dict[State, str]] = {
    "incomplete": "In progress",
    "ready": "Ready to quote",
    "declined": "Declined",
    "locked": "Locked",
    "deleted": "Deleted",
}
_TONES: Final[dict[State, str]] = {
    "incomplete": "needed",
    "ready": "ready",
    "declined": "decline",
    "locked": "",
    "deleted": "",
}


class ListedCopy(Protocol):
    """The fields of a listed copy that a line shows."""

    id: UUID
    title: str
    locked_at: datetime | None
    deleted_at: datetime | None
    last_touched_by_user_at: datetime | None
    updated_at: datetime
    summary: dict[str, object]


@dataclass(frozen=True)
class FormLine:
    """One application form in the list."""

    id: str
    insured: str
    title: str
    lines: str
    state: str
    tone: str
    touched: str
    touched_at: str


def build_form_line(
    copy: ListedCopy, catalogue: CompiledCatalogue | None, *, insured: str | None, zone: ZoneInfo, now: datetime
) -> FormLine:
    """Return the line of ``copy``, whose line codes ``catalogue`` names; ``insured`` is the name that may be shown."""
    summary = copy.summary
    standing: Standing = summary.get("standing", "incomplete")  # type: ignore[assignment]
    state = state_of(deleted=copy.deleted_at is not None, locked=copy.locked_at is not None, standing=standing)
    needed = summary.get("needed", 0)
    touched = copy.last_touched_by_user_at or copy.updated_at
    word = f"{needed} needed" if state == "incomplete" and needed else STATE_WORDS[state]
    if state == "ready" and catalogue is not None and not catalogue.products:
        word = "Complete"
    return FormLine(
        id=str(copy.id),
        insured=insured or copy.title or "New application",
        title=copy.title if insured and insured != copy.title else "",
        lines=", ".join(_line_words(summary.get("lines", []), catalogue)),
        state=word,
        tone=_TONES[state],
        touched=moment(touched, zone, now=now),
        touched_at=touched.isoformat(),
    )


def _line_words(codes: object, catalogue: CompiledCatalogue | None) -> list[str]:
    labels = {line.code: line.label for line in catalogue.definition.lines} if catalogue else {}
    return [labels.get(str(code), str(code)) for code in codes] if isinstance(codes, list) else []
