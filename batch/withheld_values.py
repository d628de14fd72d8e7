"""Withholds values from events that were emitted before their question became sensitive: in the outbox, in stored
payloads, and when an event is turned into a payload.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db.models import Q

from actions.kinds import PublishWebhook
from actions.models import OutboxAction
from catalogue import releases
from copies.models import Copy
from forms.models import ApplicationForm
from forms.selectors import catalogues_of
from presentation.visibility import NOBODY, Visibility
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from webhooks.models import WebhookPayload

#: The types of events that contain values of answers.
_WITH_VALUES: Final = ("answers.changed", "product.outcome_changed")


def withhold(data: dict[str, Any], policy: Visibility) -> bool:
    """Remove from the ``data`` of an event the values that ``policy`` does not let out; return whether it had any."""
    found = False
    for change in data.get("changes", ()):
        if "after" in change and not policy.may_leave(change["path"], change["before"], change["after"]):
            del change["before"], change["after"]
            change["sensitive"] = found = True
    for outcome in (data.get("products") or {}).values():
        for adjustment in (outcome or {}).get("adjustments", ()):
            if "asked" in adjustment and not policy.may_leave(adjustment["path"], adjustment["asked"]):
                del adjustment["asked"]
                found = True
    return found


def withhold_from_events(events: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Remove from the data of forms' events (a form's id with its data) what today's release does not let out; in the
    tenant's scope.
    """
    concerned = [(UUID(form_id), data) for form_id, data in events if "changes" in data or "products" in data]
    if not concerned:
        return
    catalogues = catalogues_of({form_id for form_id, _ in concerned})
    policies = {
        catalogue: Visibility(releases.current(catalogue).compiled, NOBODY) for catalogue in set(catalogues.values())
    }
    for form_id, data in concerned:
        if form_id in catalogues:
            withhold(data, policies[catalogues[form_id]])


def withhold_stored(tenant: Tenant, catalogue: str, codes: Collection[str]) -> int:
    """Remove the values of the questions ``codes`` from the stored events of the catalogue's forms at the tenant;
    return how many events had some.
    """
    policy = Visibility(releases.current(catalogue, tenant_id=tenant.id).compiled, NOBODY)
    with use_tenant(tenant):
        forms = ApplicationForm.objects.filter(catalogue=catalogue).order_by().values("pk")
        copies = Copy.objects.filter(application_form_id__in=forms).order_by().values("pk")
        return _in_outbox(copies, codes, policy) + _in_payloads(copies, codes, policy)


def _in_outbox(copies: Any, codes: Collection[str], policy: Visibility) -> int:
    found = 0
    waiting = OutboxAction.objects.filter(kind=PublishWebhook.kind, copy_id__in=copies).order_by()
    for identity, payload in waiting.values_list("pk", "payload").iterator(chunk_size=500):
        if (
            payload.get("event_type") in _WITH_VALUES
            and _names(payload["data"], codes)
            and withhold(payload["data"], policy)
        ):
            found += OutboxAction.objects.filter(pk=identity).update(payload=payload)
    return found


def _in_payloads(copies: Any, codes: Collection[str], policy: Visibility) -> int:
    named = Q()
    for code in codes:
        named |= Q(body__contains=f'{code}"')
    rows = WebhookPayload.objects.filter(named, event_type__in=_WITH_VALUES, copy_id__in=copies).order_by()
    changed: dict[UUID, str] = {}
    for identity, body in rows.values_list("pk", "body").iterator(chunk_size=500) if codes else ():
        event = msgspec.json.decode(body)
        if withhold(event["data"], policy):
            changed[identity] = msgspec.json.encode(event).decode()
    for identity, body in changed.items():
        WebhookPayload.objects.filter(pk=identity).update(body=body)
    return len(changed)


def _names(data: dict[str, Any], codes: Collection[str]) -> bool:
    text = msgspec.json.encode(data).decode()
    return any(f'{code}"' in text for code in codes)
