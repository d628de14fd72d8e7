"""The kinds of deferred actions: frozen orders that a save leaves behind. Pure: what they do is
registered by the room that owns it (``actions.registry``).

Each kind says whether its payload is frozen at the save or read fresh when it runs, and what it is done to: a save
keeps one action per kind and target.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
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
class Order:
    """What the kinds here have in common: the payload is their fields as they are."""

    payload_version: ClassVar[int] = 1

    def payload(self) -> dict[str, Any]:
        """Return the fields by name. Not ``asdict``: that copies deeply, at a cost that grows with every change."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexForm(Order):
    """Bring one copy's entry in the search index up to date; one that is gone leaves it."""

    kind: ClassVar[str] = "index_form"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH

    copy_id: str

    @property
    def target(self) -> str:
        """Return the copy."""
        return self.copy_id


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishWebhook(Order):
    """Tell the tenant's webhook endpoints of one event; ``data`` holds no sensitive answer."""

    kind: ClassVar[str] = "publish_webhook"
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


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkQuotesStale(Order):
    """Mark a carrier's quotes in the form's other copies stale, because the carrier was asked about this copy."""

    kind: ClassVar[str] = "mark_quotes_stale"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH

    copy_id: str
    carrier: str

    @property
    def target(self) -> str:
        """Return the carrier at the copy that was asked about."""
        return f"{self.carrier}/{self.copy_id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class SendGuestCompletionMail(Order):
    """Tell the form's owner by mail that a guest has finished it; once per form, however often it is asked for."""

    kind: ClassVar[str] = "send_guest_completion_mail"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH

    copy_id: str

    @property
    def target(self) -> str:
        """Return the copy that the guest filled."""
        return self.copy_id


@dataclass(frozen=True, kw_only=True, slots=True)
class SendBindAssistanceMail(Order):
    """Ask the tenant's administrators by mail to help with binding a quote."""

    kind: ClassVar[str] = "send_bind_assistance_mail"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FROZEN

    copy_id: str
    product: str
    asked_by: str

    @property
    def target(self) -> str:
        """Return the product at the copy."""
        return f"{self.product}/{self.copy_id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class SendWebhookGivenUpMail(Order):
    """Tell the tenant's administrators by mail that nothing is sent to a webhook endpoint any more, and why."""

    kind: ClassVar[str] = "send_webhook_given_up_mail"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FROZEN

    endpoint_id: str
    url: str
    reason: str

    @property
    def target(self) -> str:
        """Return the endpoint."""
        return self.endpoint_id


@dataclass(frozen=True, kw_only=True, slots=True)
class StartProcess(Order):
    """Start long work on one copy; ``details`` are what it needs, nothing sensitive."""

    kind: ClassVar[str] = "start_process"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FROZEN

    copy_id: str
    process_kind: str
    details: dict[str, Any]

    @property
    def target(self) -> str:
        """Return the process's kind at the copy."""
        return f"{self.process_kind}/{self.copy_id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ResumeProcess(Order):
    """Go on with a process that was left by whoever worked on it, at the step that it had come to."""

    kind: ClassVar[str] = "resume_process"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH

    copy_id: str
    process_id: str

    @property
    def target(self) -> str:
        """Return the process."""
        return self.process_id


@dataclass(frozen=True, kw_only=True, slots=True)
class RecountActiveUsers(Order):
    """Take people and programs that may not be there any more out of the tenant's active ones."""

    kind: ClassVar[str] = "recount_active_users"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH

    tenant_id: str

    @property
    def target(self) -> str:
        """Return the tenant."""
        return self.tenant_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Purge(Order):
    """Delete what has served its time among the tenant's rows; ``what`` names the rows (``actions.upkeep``)."""

    kind: ClassVar[str] = "purge"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH

    what: str

    @property
    def target(self) -> str:
        """Return what is deleted; the tenant is the row's."""
        return self.what


def coalesce(actions: list[DeferredAction]) -> list[DeferredAction]:
    """Keep the last action of each kind and target, in the order of their first mention."""
    latest: dict[tuple[str, str], DeferredAction] = {}
    for action in actions:
        latest[action.kind, action.target] = action
    return list(latest.values())
