"""The kinds of deferred actions: frozen values that a save emits. Pure: their handlers are registered elsewhere
(``actions.registry``).

Each kind states whether its payload is frozen at the save or read fresh at the run, and its target: a save keeps one
action per kind and target.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, ClassVar, Protocol


class PayloadTime(StrEnum):
    """When the content of an action is read."""

    FROZEN = "frozen at save"
    FRESH = "read at run"


class DeferredAction(Protocol):
    """The common part of every kind. ``payload()`` is plain JSON without sensitive values."""

    kind: ClassVar[str]
    payload_version: ClassVar[int]
    payload_time: ClassVar[PayloadTime]

    @property
    def target(self) -> str:
        """Return the target; a save keeps the last action of one kind and target."""

    def payload(self) -> dict[str, Any]:
        """Return the plain JSON that the handler receives."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldsPayload:
    """A kind whose payload is its fields as they are; ``targeted_by`` names the fields that form the target."""

    payload_version: ClassVar[int] = 1
    #: The fields that form the target; empty ones are left out.
    targeted_by: ClassVar[tuple[str, ...]] = ("copy_id",)

    @property
    def target(self) -> str:
        """Return the target, built from ``targeted_by``."""
        return "/".join(part for name in self.targeted_by if (part := getattr(self, name)))

    def payload(self) -> dict[str, Any]:
        """Return the fields by name. Not ``asdict``: its deep copy costs more with every change."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexForm(FieldsPayload):
    """Update one copy's entry in the search index, or remove it if the copy is gone."""

    kind: ClassVar[str] = "index_form"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH

    copy_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishWebhook(FieldsPayload):
    """Publish one event to the tenant's webhook endpoints; ``data`` holds no sensitive answer."""

    kind: ClassVar[str] = "publish_webhook"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FROZEN
    targeted_by: ClassVar[tuple[str, ...]] = ("event_type", "copy_id", "subject")

    event_type: str
    copy_id: str
    application_form_id: str
    version: int
    data: dict[str, Any]
    #: Separates several messages, quote requests or question sets of one save.
    subject: str = ""
    #: Whether the form is a test form.
    is_test: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkQuotesStale(FieldsPayload):
    """Mark a carrier's quotes in the form's other copies stale, because this copy was submitted to the carrier."""

    kind: ClassVar[str] = "mark_quotes_stale"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH
    targeted_by: ClassVar[tuple[str, ...]] = ("carrier", "copy_id")

    copy_id: str
    carrier: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmitQuoteRequest(FieldsPayload):
    """Send one quote request to its carrier, as the copy is then, and record the reply."""

    kind: ClassVar[str] = "submit_quote_request"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH
    targeted_by: ClassVar[tuple[str, ...]] = ("request_id",)

    copy_id: str
    request_id: str
    carrier: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RefreshQuoteRequest(FieldsPayload):
    """Ask the carrier for the present state of a quote request, again and again until it is final."""

    kind: ClassVar[str] = "refresh_quote_request"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH
    targeted_by: ClassVar[tuple[str, ...]] = ("request_id",)

    copy_id: str
    request_id: str
    carrier: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelQuoteRequest(FieldsPayload):
    """Withdraw a quote request at its carrier, if the carrier knows it."""

    kind: ClassVar[str] = "cancel_quote_request"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH
    targeted_by: ClassVar[tuple[str, ...]] = ("request_id",)

    copy_id: str
    request_id: str
    carrier: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportCarrierMessage(FieldsPayload):
    """Import one callback of a carrier, stored as ``message_id``."""

    kind: ClassVar[str] = "import_carrier_message"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH
    targeted_by: ClassVar[tuple[str, ...]] = ("message_id",)

    copy_id: str
    message_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BridgeToCarrier(FieldsPayload):
    """Record that an agent goes on at a carrier's own pages, at ``url``."""

    kind: ClassVar[str] = "bridge_to_carrier"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FROZEN
    targeted_by: ClassVar[tuple[str, ...]] = ("request_id", "bridge_id")

    copy_id: str
    request_id: str
    carrier: str
    product: str
    url: str
    #: The same when the action is run again, so that the event is recorded once.
    bridge_id: str
    bridged_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluateRealTimeEligibility(FieldsPayload):
    """Ask a carrier what it thinks of the present answers; one call per copy and product, however many saves."""

    kind: ClassVar[str] = "evaluate_real_time_eligibility"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH
    targeted_by: ClassVar[tuple[str, ...]] = ("copy_id", "product")

    copy_id: str
    product: str
    carrier: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BindQuoteRequest(FieldsPayload):
    """Have the carrier bind the quote of a request whose binding is requested, and follow it until it is decided."""

    kind: ClassVar[str] = "bind_quote_request"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH
    targeted_by: ClassVar[tuple[str, ...]] = ("request_id",)

    copy_id: str
    request_id: str
    carrier: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordDeclination(FieldsPayload):
    """Record why the admitted products declined when somebody acted on a surplus product of a copy that accepts no
    save. All other acts are recorded by their save.
    """

    kind: ClassVar[str] = "record_declination"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FROZEN
    targeted_by: ClassVar[tuple[str, ...]] = ("product", "copy_id")

    copy_id: str
    product: str
    version: int
    act: str
    at: str
    actor_type: str
    actor_id: str
    actor_label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpireQuotes(FieldsPayload):
    """Mark the tenant's quotes whose validity has ended as expired."""

    kind: ClassVar[str] = "expire_quotes"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH
    targeted_by: ClassVar[tuple[str, ...]] = ("tenant_id",)

    tenant_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SendGuestCompletionMail(FieldsPayload):
    """Notify the form's owner by mail that a guest has finished it; once per form, however often it is emitted."""

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
class SendAccountChangedMail(FieldsPayload):
    """Notify a user by mail that their password or second factor was changed."""

    kind: ClassVar[str] = "send_account_changed_mail"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FROZEN
    targeted_by: ClassVar[tuple[str, ...]] = ("user_id", "changed_at")

    user_id: str
    #: What was changed, in words.
    change: str
    #: The time, so that each change causes a mail of its own.
    changed_at: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SendWebhookGivenUpMail(FieldsPayload):
    """Notify the tenant's administrators by mail that a webhook endpoint was disabled, and why."""

    kind: ClassVar[str] = "send_webhook_given_up_mail"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FROZEN
    targeted_by: ClassVar[tuple[str, ...]] = ("endpoint_id", "given_up_at")

    endpoint_id: str
    url: str
    reason: str
    #: The time, so that an endpoint disabled again causes another mail, whether or not the first one was sent.
    given_up_at: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WithdrawQuotesOfLine(FieldsPayload):
    """Withdraw the quote requests of a line in the form's copies other than ``copy_id``, where the line was bound."""

    kind: ClassVar[str] = "withdraw_quotes_of_line"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH
    targeted_by: ClassVar[tuple[str, ...]] = ("copy_id", "line")

    copy_id: str
    line: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StartProcess(FieldsPayload):
    """Start long work on one copy; ``details`` is its input and holds nothing sensitive."""

    kind: ClassVar[str] = "start_process"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FROZEN
    targeted_by: ClassVar[tuple[str, ...]] = ("process_kind", "copy_id")

    copy_id: str
    process_kind: str
    details: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResumeProcess(FieldsPayload):
    """Resume a process that its worker abandoned, at the step it had reached."""

    kind: ClassVar[str] = "resume_process"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH
    targeted_by: ClassVar[tuple[str, ...]] = ("process_id",)

    copy_id: str
    process_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DecideAnew(FieldsPayload):
    """Decide the tenant's open copies anew whose decision is of an older release or day; ``cause`` is release or day.

    Without ``run_id`` it starts a run, or joins the one that is on its way. A run goes on in ``part`` after part, each
    an action of its own, and leaves out the copies in ``failed``, which it tries once more at the end.
    """

    kind: ClassVar[str] = "decide_anew"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH
    targeted_by: ClassVar[tuple[str, ...]] = ("tenant_id", "run_id", "part")

    tenant_id: str
    cause: str
    #: The release that was published, 0 for a new day.
    release_id: int = 0
    run_id: str = ""
    part: str = ""
    failed: list[str] = field(default_factory=list)
    is_last_try: bool = False
    #: How often the work of this part was taken over from a worker that was killed.
    takeovers: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class GuardRelease(FieldsPayload):
    """Do the next step of a guarded release, if it is this tenant's turn: forecast a part of its book, let it follow,
    or compare its outcomes with the forecast. ``part`` is the state of the roll-out, by number; each step emits the
    next. Without ``roll_out_id`` it looks for steps that were lost.
    """

    kind: ClassVar[str] = "guard_release"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH
    targeted_by: ClassVar[tuple[str, ...]] = ("tenant_id", "part")

    tenant_id: str
    roll_out_id: int = 0
    part: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordShadowRules(FieldsPayload):
    """Decide the shadow rules of current releases for the tenant's open copies; each ``part`` emits the next."""

    kind: ClassVar[str] = "record_shadow_rules"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH
    targeted_by: ClassVar[tuple[str, ...]] = ("tenant_id", "part")

    tenant_id: str
    part: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecountActiveUsers(FieldsPayload):
    """Remove users and API clients that are no longer active from the tenant's active ones."""

    kind: ClassVar[str] = "recount_active_users"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH
    targeted_by: ClassVar[tuple[str, ...]] = ("tenant_id",)

    tenant_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Purge(FieldsPayload):
    """Delete expired rows of the tenant; ``what`` names the retention rule (``actions.maintenance``)."""

    kind: ClassVar[str] = "purge"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH
    targeted_by: ClassVar[tuple[str, ...]] = ("what",)

    what: str


def coalesce(actions: list[DeferredAction]) -> list[DeferredAction]:
    """Return the last action of each kind and target, in the order of their first occurrence."""
    latest: dict[tuple[str, str], DeferredAction] = {}
    for action in actions:
        latest[action.kind, action.target] = action
    return list(latest.values())
