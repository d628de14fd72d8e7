"""The mails of deferred actions: texts are templates in ``templates/mails`` (``mail_messages``).

A sent mail is recorded as an event of the copy, so that another action does not send it again. The event is recorded
before the mail is sent, with the action's id: after a failure the same action tries again.
"""

from __future__ import annotations

from datetime import datetime
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from typing import Any, Final

from django.conf import settings
from django.urls import reverse

from actions.registry import Delivered, PermanentFailure
from batch import service as batch
from batch.changes.mutators.events import EventKind
from batch.context import BatchContext
from batch.errors import NotFound
from batch.storage.summary import summarise
from copies.models import Copy
from copies.paths import Path
from forms.models import Event
from partner_engine.mail_messages import build_mail
from partner_engine.second_factors import confirmed_device
from tenants.access import Role, system_actor
from tenants.models import User

GUEST_COMPLETED: Final[EventKind] = "guest_flow_email_sent"
BIND_ASSISTANCE: Final[EventKind] = "agent_needs_bind_assistance_email_sent"
_WAIT_SECONDS: Final = 5.0
_A_GUEST: Final = "A guest"
#: The open questions that a mail names.
_NAMED: Final = 10
#: SMTP codes from here on are permanent failures.
_PERMANENT_CODES: Final = 500


def send_guest_completion_mail(delivered: Delivered) -> None:
    """Notify the copy's owner that a guest has completed the form, once per form."""
    facts = _record(delivered, GUEST_COMPLETED, is_once_per_form=True)
    if facts is None:
        return
    owner = User.objects.filter(pk=facts["owner_id"], tenant=delivered.tenant, is_active=True).first()
    if owner is None:
        raise PermanentFailure("The copy has no owner to notify.")
    facts["owner"] = owner.display_name
    path = reverse("web:copy", args=[facts["copy"]])
    facts["address"] = f"{settings.PUBLIC_URL.rstrip('/')}{path}" if settings.PUBLIC_URL else ""
    _send("mails/guest_completed.txt", facts, to=[owner.email], delivered=delivered)


def send_bind_assistance_mail(delivered: Delivered) -> None:
    """Ask the tenant's administrators to help with binding a product."""
    to = _administrators(delivered)
    facts = _record(delivered, BIND_ASSISTANCE, is_once_per_form=False)
    if facts is not None:
        facts |= {"product": delivered.payload["product"], "asked_by": delivered.payload["asked_by"]}
        _send("mails/bind_assistance.txt", facts, to=to, delivered=delivered)


def send_webhook_given_up_mail(delivered: Delivered) -> None:
    """Notify the tenant's administrators that one of its webhook endpoints was switched off."""
    facts = {name: delivered.payload[name] for name in ("endpoint_id", "url", "reason")}
    _send("mails/webhook_given_up.txt", facts, to=_administrators(delivered), delivered=delivered)


def send_account_changed_mail(delivered: Delivered) -> None:
    """Notify the user that their password or second factor was changed."""
    user = User.objects.filter(pk=delivered.payload["user_id"], tenant=delivered.tenant, is_active=True).first()
    if user is None:
        raise PermanentFailure("There is no active user to notify.")
    facts = {
        "change": delivered.payload["change"],
        "changed_at": datetime.fromisoformat(delivered.payload["changed_at"]),
        "zone": delivered.tenant.time_zone,
        "has_factor": confirmed_device(user) is not None,
    }
    _send("mails/account_changed.txt", facts, to=[user.email], delivered=delivered)


def _administrators(delivered: Delivered) -> list[str]:
    """Return the email addresses of the tenant's administrators. Raises ``PermanentFailure`` without any."""
    administrators = User.objects.filter(tenant=delivered.tenant, role=Role.TENANT_ADMIN, is_active=True)
    to = list(administrators.order_by("email").values_list("email", flat=True))
    if not to:
        raise PermanentFailure("The tenant has no administrator to notify.")
    return to


def _record(delivered: Delivered, event: EventKind, *, is_once_per_form: bool) -> dict[str, Any] | None:
    """Record that this action sends the mail; return the mail's facts, or None if another action sent it."""
    action, copy_id = str(delivered.id), delivered.payload["copy_id"]
    actor = system_actor("mails")
    try:
        with batch.find_and_lock(copy_id, scope=delivered.tenant, actor=actor, wait=_WAIT_SECONDS) as context:
            copies = Copy.objects.filter(application_form_id=context.form.id).values("id")
            recorded = Event.objects.filter(copy_id__in=copies, kind=event)
            is_ours = recorded.filter(details__action=action).exists()
            if is_once_per_form and not is_ours and recorded.exists():
                return None
            if not is_ours:
                context.changeset.events.add(event, details={"action": action})
                context.save()
            return _facts(context)
    except NotFound as error:
        raise PermanentFailure("The copy no longer exists.") from error


def _facts(context: BatchContext) -> dict[str, Any]:
    """Return the facts of a copy for mails; nothing sensitive."""
    summary = summarise(context.changeset.catalogue, context.changeset.document, context.evaluation)
    return {
        "form": context.form.id,
        "copy": context.copy.id,
        "title": context.copy.fields.title,
        "name": summary["insured"] or "an application form",
        "owner_id": context.copy.fields.owner_id,
        "guest": _finished_guest(context),
        **_left(context),
    }


def _finished_guest(context: BatchContext) -> str:
    """Return the name of the guest who finished last, "A guest" for one without a name."""
    links: Any = context.attached.get("guest_links", ())
    finished = [row for row in links if row.finished_at]
    return max(finished, key=lambda row: row.finished_at).name or _A_GUEST if finished else _A_GUEST


def _left(context: BatchContext) -> dict[str, Any]:
    """Return what is needed to quote: the labels of the first questions, and the number of the others."""
    catalogue = context.changeset.catalogue
    labels = []
    for path in context.evaluation.needed.quote:
        place = Path(path)
        if place.is_answer and (known := catalogue.questions.get(place.code)):
            labels.append(known.question.label)
        elif pool := catalogue.pools.get(place.code):
            labels.append(catalogue.sets[pool.set_code].question_set.title)
    return {"left": labels[:_NAMED], "more_left": max(0, len(labels) - _NAMED)}


def _send(template: str, facts: dict[str, Any], *, to: list[str], delivered: Delivered) -> None:
    """Send the mail of an action."""
    try:
        build_mail(template, facts, to=to, id=delivered.id, tenant=delivered.tenant).send()
    except SMTPRecipientsRefused as error:
        raise PermanentFailure("The mail server refused the recipients.") from error
    except SMTPResponseException as error:
        if error.smtp_code >= _PERMANENT_CODES:
            raise PermanentFailure(f"The mail server refused the mail with {error.smtp_code}.") from error
        raise
