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
class FieldsPayload:
    """What the kinds here have in common: the payload is their fields as they are, some of which say what they are done
    to.
    """

    payload_version: ClassVar[int] = 1
    #: The fields that make up the target; one that is empty is left out.
    targeted_by: ClassVar[tuple[str, ...]] = ("copy_id",)

    @property
    def target(self) -> str:
        """Return what the action is done to."""
        return "/".join(part for name in self.targeted_by if (part := getattr(self, name)))

    def payload(self) -> dict[str, Any]:
        """Return the fields by name. Not ``asdict``: that copies deeply, at a cost that grows with every change."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexForm(FieldsPayload):
    """Bring one copy's entry in the search index up to date; one that is gone leaves it."""

    kind: ClassVar[str] = "index_form"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH

    copy_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishWebhook(FieldsPayload):
    """Tell the tenant's webhook endpoints of one event; ``data`` holds no sensitive answer."""

    kind: ClassVar[str] = "publish_webhook"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FROZEN
    targeted_by: ClassVar[tuple[str, ...]] = ("event_type", "copy_id", "subject")

    event_type: str
    copy_id: str
    application_form_id: str
    version: int
    data: dict[str, Any]
    #: Keeps apart what one save tells of several messages, quote requests or question sets.
    subject: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkQuotesStale(FieldsPayload):
    """Mark a carrier's quotes in the form's other copies stale, because the carrier was asked about this copy."""

    kind: ClassVar[str] = "mark_quotes_stale"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH
    targeted_by: ClassVar[tuple[str, ...]] = ("carrier", "copy_id")

    copy_id: str
    carrier: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SendGuestCompletionMail(FieldsPayload):
    """Tell the form's owner by mail that a guest has finished it; once per form, however often it is asked for."""

    kind: ClassVar[str] = "send_guest_completion_mail"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH

    copy_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SendBindAssistanceMail(FieldsPayload):
    """Ask the tenant's administrators by mail to help with binding a quote."""

    kind: ClassVar[str] = "send_bind_assistance_mail"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FROZEN
    targeted_by: ClassVar[tuple[str, ...]] = ("product", "copy_id")

    copy_id: str
    product: str
    asked_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SendWebhookGivenUpMail(FieldsPayload):
    """Tell the tenant's administrators by mail that nothing is sent to a webhook endpoint any more, and why."""

    kind: ClassVar[str] = "send_webhook_given_up_mail"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FROZEN
    targeted_by: ClassVar[tuple[str, ...]] = ("endpoint_id", "given_up_at")

    endpoint_id: str
    url: str
    reason: str
    #: When, so that one given up again is told again whatever became of the first mail.
    given_up_at: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StartProcess(FieldsPayload):
    """Start long work on one copy; ``details`` are what it needs, nothing sensitive."""

    kind: ClassVar[str] = "start_process"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FROZEN
    targeted_by: ClassVar[tuple[str, ...]] = ("process_kind", "copy_id")

    copy_id: str
    process_kind: str
    details: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResumeProcess(FieldsPayload):
    """Go on with a process that was left by whoever worked on it, at the step that it had come to."""

    kind: ClassVar[str] = "resume_process"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH
    targeted_by: ClassVar[tuple[str, ...]] = ("process_id",)

    copy_id: str
    process_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RecountActiveUsers(FieldsPayload):
    """Take people and programs that may not be there any more out of the tenant's active ones."""

    kind: ClassVar[str] = "recount_active_users"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH
    targeted_by: ClassVar[tuple[str, ...]] = ("tenant_id",)

    tenant_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Purge(FieldsPayload):
    """Delete what has served its time among the tenant's rows; ``what`` names the rows (``actions.maintenance``)."""

    kind: ClassVar[str] = "purge"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH
    targeted_by: ClassVar[tuple[str, ...]] = ("what",)

    what: str


def coalesce(actions: list[DeferredAction]) -> list[DeferredAction]:
    """Keep the last action of each kind and target, in the order of their first mention."""
    latest: dict[tuple[str, str], DeferredAction] = {}
    for action in actions:
        latest[action.kind, action.target] = action
    return list(latest.values())
