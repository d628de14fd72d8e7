"""The scenarios of trials: each function is the whole life of one fork. ``report`` sends one line to the test."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from typing import Any
from uuid import UUID

from django.utils import timezone

import failpoints
from batch import service as batch
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.idempotency import IdempotencyKey, StoredResponse
from batch.locks import copy_lock
from tenants.models import ApiClient, Tenant, every_right
from tests.harness.api_client import Api
from tests.harness.faults.calls import failing_call
from tests.harness.faults.entry_catalogue import ACTOR, TENANT, beginning, next_cats
from tests.harness.kennel_catalogue import HOUSES

Report = Callable[..., None]


def make_forms(report: Report, *, count: int) -> None:
    """Start ``count`` forms; report their ids."""
    tenant = _tenant()
    made = []
    for number in range(count):
        with batch.build_context(scope=tenant, actor=ACTOR, title=f"Form {number}") as context:
            _begin(context, f"Form {number}")
            context.save()
            made.append(str(context.form.id))
    report(forms=made)


def save_until_killed(report: Report, *, form: str, label: str, ttl: float) -> None:
    """Save repeatedly, each time with a new label and key, and report each save."""
    shorten_locks(ttl)
    tenant = _tenant()
    report(started=True)
    for number in count(1):
        save_labelled(report, tenant, form=form, label=f"{label}.{number}")


def save_one(report: Report, *, form: str, label: str, ttl: float, failpoint: str = "", action: str = "kill") -> None:
    """Save once, with ``failpoint`` armed; action ``tell and stop`` reports before it stops itself."""
    shorten_locks(ttl)
    tenant = _tenant()

    def tell_and_stop(name: str) -> None:
        report(stopping=name)
        os.kill(os.getpid(), signal.SIGSTOP)

    with armed_or_not(failpoint, tell_and_stop if action == "tell and stop" else action):
        save_labelled(report, tenant, form=form, label=label)


def start_one(report: Report, *, label: str, failpoint: str = "", action: str = "kill") -> None:
    """Start one form under a key, with ``failpoint`` armed; report its id."""
    with armed_or_not(failpoint, action):
        start_labelled(report, _tenant(), label=label)


def armed_or_not(failpoint: str, action: str | Callable[[str], None]) -> AbstractContextManager[Any]:
    """Arm ``failpoint`` for a block, unless it is empty."""
    return failpoints.armed(failpoint, action=action) if failpoint else nullcontext()


def save_labelled(report: Report, tenant: Tenant, *, form: str, label: str) -> None:
    """Save the form under ``label``, which is its name and the request's key, and report it at once."""
    with batch.find_and_lock(form, scope=tenant, actor=ACTOR, wait=10, idempotency=_key(label)) as context:
        if context.stored_response is not None:
            report(form=form, label=label, version=int(context.stored_response.body), repeated=True)
            return
        change_to(context, label)
        result = context.save(respond=_version_as_answer)
        report(form=form, label=label, version=result.version, kinds=kinds_of(result))


def start_labelled(report: Report, tenant: Tenant, *, label: str) -> None:
    """Start a form under ``label`` and report it as soon as that is done."""
    with batch.build_context(scope=tenant, actor=ACTOR, title=label, idempotency=_key(label)) as context:
        if context.stored_response is not None:
            report(form=context.stored_response.headers["Form"], label=label, version=1, repeated=True)
            return
        _begin(context, label)
        answer = StoredResponse(201, {"Form": str(context.form.id)}, b"1")
        result = context.save(respond=lambda made: answer)
        report(form=str(context.form.id), label=label, version=1, kinds=kinds_of(result))


def _begin(context: BatchContext, label: str) -> None:
    context.changeset.apply_answers(beginning(label), {"houses": HOUSES})
    context.changeset.quote_requests.request("WO-CARE")


def change_to(context: BatchContext, label: str) -> None:
    """Give the form the name ``label`` and change the outcomes of its products.

    When surplus lines open, their quote is queued, which records a declination; the next save fails it.
    """
    cats = context.changeset.find_answer("cat_count")
    context.changeset.find_answer("kennel_name").apply(label)
    cats.apply(next_cats(cats.value))
    for request in context.changeset.quote_requests:
        if request.row.state == "queued":
            request.fail("no reply")
        else:
            request.queue()


def kinds_of(result: SaveResult) -> list[str]:
    """Return the kinds of the actions that the save stored in the outbox, in alphabetical order."""
    return sorted(action.kind for action in result.actions)


def shorten_locks(seconds: float) -> None:
    """Shorten the life of this process's locks: a test has no time for the product's ten seconds."""
    copy_lock.TTL_SECONDS = seconds


def _version_as_answer(result: SaveResult) -> StoredResponse:
    return StoredResponse(200, {}, str(result.version).encode())


def _key(label: str) -> IdempotencyKey:
    return IdempotencyKey(f"user:{UUID(ACTOR.id).int}", label, label.encode())


def _tenant() -> Tenant:
    return Tenant.objects.get(code=TENANT)


def make_token(report: Report) -> None:
    """Report a token of the tenant's API client for every right; make the client if it is missing."""
    named = ApiClient.objects.filter(client_id="ledger").first()
    client = named or ApiClient.objects.create(
        client_id="ledger", client_secret="ledger-secret", name="L", allowed_scopes=every_right(), tenant=_tenant()
    )
    report(token=Api(client).token)


def fail_call(report: Report, *, form: str, label: str, ttl: float, number: int, mode: str) -> None:
    """Save once, or start a form where ``form`` is empty, while the call ``number`` fails; at the end report the calls
    made.
    """
    shorten_locks(ttl)
    tenant = _tenant()
    with failing_call(number, mode) as calls:
        try:
            if form:
                save_labelled(report, tenant, form=form, label=label)
            else:
                start_labelled(report, tenant, label=label)
        finally:
            report(calls=calls.made)


def make_copy(report: Report, *, form: str) -> None:
    """Make a copy of the form; report its id."""
    with batch.build_copy(form, scope=_tenant(), actor=ACTOR) as context:
        context.save()
        report(copy=str(context.copy.id))


def delete_copy(report: Report, *, form: str, base: str) -> None:
    """Delete the form's default copy; ``base`` becomes the base."""
    with batch.find_and_lock(base, scope=_tenant(), actor=ACTOR) as context:
        context.changeset.copy.make_base()
        context.save()
    with batch.find_and_lock(form, scope=_tenant(), actor=ACTOR) as context:
        context.changeset.copy.delete()
        report(version=context.save().version, form=form)


def find_copy(report: Report, *, form: str, at_once: bool = False) -> None:
    """Report the copy that the form's id means, and its version; with ``at_once`` without waiting."""
    moment = timezone.now() if at_once else None
    found = batch.find(form, scope=_tenant(), actor=ACTOR, moment=moment)
    report(copy=str(found.copy.id), version=found.version)
