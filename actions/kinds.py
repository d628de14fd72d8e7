"""The kinds of deferred actions: frozen orders that a save leaves behind. Pure: what they do is in
``actions.handlers``.

Each kind says whether its payload is frozen at the save or read fresh when it runs, and what it is done to: a save
keeps one action per kind and target.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Protocol


class PayloadTime(StrEnum):
    """When the facts that an action tells are taken."""

    FROZEN = "frozen at save"
    FRESH = "read at run"


class DeferredAction(Protocol):
    """What every kind has. ``payload()`` is plain JSON without any sensitive value."""

    kind: ClassVar[str]
    payload_version: ClassVar[int]
    payload_time: ClassVar[PayloadTime]

    @property
    def target(self) -> str:
        """Return what the action is done to; a save keeps the last action of one kind and target."""

    def payload(self) -> dict[str, Any]:
        """Return the plain JSON that the handler gets."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexForm:
    """Bring one copy's entry in the search index up to date."""

    kind: ClassVar[str] = "index_form"
    payload_version: ClassVar[int] = 1
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH

    copy_id: str

    @property
    def target(self) -> str:
        """Return the copy."""
        return self.copy_id

    def payload(self) -> dict[str, Any]:
        """Return the copy's id."""
        return {"copy_id": self.copy_id}


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishWebhook:
    """Tell the tenant's webhook endpoints of one event; ``data`` holds no sensitive answer."""

    kind: ClassVar[str] = "publish_webhook"
    payload_version: ClassVar[int] = 1
    payload_time: ClassVar[PayloadTime] = PayloadTime.FROZEN

    event_type: str
    copy_id: str
    application_form_id: str
    version: int
    data: dict[str, Any]
    #: Keeps apart what one save tells of several messages, quote requests or question sets.
    subject: str = ""

    @property
    def target(self) -> str:
        """Return the event type at the copy, and the subject where there is one."""
        return "/".join(part for part in (self.event_type, self.copy_id, self.subject) if part)

    def payload(self) -> dict[str, Any]:
        """Return event type, copy, form, version (its sequence number) and data."""
        # Not ``asdict``: that copies ``data`` deeply, at a cost that grows with every change.
        return {
            "event_type": self.event_type,
            "copy_id": self.copy_id,
            "application_form_id": self.application_form_id,
            "version": self.version,
            "data": self.data,
        }


def coalesce(actions: list[DeferredAction]) -> list[DeferredAction]:
    """Keep the last action of each kind and target, in the order of their first mention."""
    latest: dict[tuple[str, str], DeferredAction] = {}
    for action in actions:
        latest[action.kind, action.target] = action
    return list(latest.values())
