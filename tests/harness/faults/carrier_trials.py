"""Trials with carriers: queue quote requests, and dispatch their actions until killed.

``worse`` names their sabotage; a test that does not detect it proves nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Final
from uuid import UUID, uuid4

from django.conf import settings

from actions.kinds import SubmitQuoteRequest
from actions.registry import REGISTRY, Budget
from batch import service as batch
from failpoints import armed
from quoting import callbacks, submission
from quoting.carrier_actions import LANE
from quoting.dispatcher import DATABASE_THREADS, Dispatcher
from quoting.sending import record_submission
from tenants.models import Tenant
from tests.harness.callback_plan import CallbackPlan
from tests.harness.carrier_links import CALLBACK_SECRET, add_link
from tests.harness.faults.entry_catalogue import ACTOR, TENANT
from tests.harness.faults.scenarios import shorten_locks

#: The lease of an action in these trials; the product's is 30 s.
LEASE: Final = 1.0
#: The seconds for which a killed dispatcher's lock stays.
_LOCK_SECONDS: Final = 0.3
PRODUCT: Final = "PA-CARE"
CARRIER: Final = "PA"
Report = Callable[..., None]


def link_up(report: Report, *, url: str) -> None:
    """Store the link to the carrier at ``url``."""
    row = add_link(CARRIER, url, catalogue=TENANT)
    report(link=str(row.pk), secret=CALLBACK_SECRET)


def ask(report: Report, *, forms: list[str]) -> None:
    """Queue one quote request for each form; report their ids."""
    tenant = Tenant.objects.get(code=TENANT)
    asked = []
    for form in forms:
        with batch.find_and_lock(UUID(form), scope=tenant, actor=ACTOR) as context:
            request = context.changeset.quote_requests.request(PRODUCT)
            request.queue()
            row = request.row
            context.changeset.defer(
                SubmitQuoteRequest(copy_id=form, request_id=str(row.id), carrier=row.carrier)
            )  # fmt: skip
            context.save()
            asked.append(str(row.id))
    report(asked=asked)


def dispatch(
    report: Report, *, failpoint: str = "", nth: int = 1, lease: float = LEASE, seconds: float = 10.0, worse: str = ""
) -> None:
    """Run the due actions, with ``failpoint`` armed; what waits for its time is left."""
    prepare_process()
    shorten_locks(_LOCK_SECONDS)
    make_worse(worse)
    with armed(failpoint, nth=nth, action="kill") if failpoint else nullcontext():
        left = dispatcher(lease=lease).finish(seconds=seconds)
    report(left=left)


def dispatch_until_killed(report: Report, *, lease: float = LEASE, worse: str = "") -> None:
    """Run due actions forever."""
    prepare_process()
    make_worse(worse)
    report(started=os.getpid())
    dispatching = dispatcher(lease=lease)
    while True:
        if not dispatching.turn():
            time.sleep(0.01)


def submit_all(report: Report, *, forms: list[str]) -> None:
    """Record one request for each form as submitted; report their tokens."""
    tenant = Tenant.objects.get(code=TENANT)
    tokens = []
    for form in forms:
        with batch.find_and_lock(UUID(form), scope=tenant, actor=ACTOR) as context:
            request = context.changeset.quote_requests.request(PRODUCT)
            request.queue()
            record_submission(context, request)
            tokens.append(request.row.request_token)
            context.save()
    report(tokens=tokens)


def post_callbacks(report: Report, *, forms: list[str], tokens: list[str], link: str, plan: dict[str, Any],
                   start: int, worse: str = "") -> None:  # fmt: skip
    """Take in the callbacks of ``plan`` from number ``start``; report each that was acknowledged or refused."""
    make_worse(worse)
    for number, post in list(enumerate(CallbackPlan(**plan, requests=len(tokens)).posts))[start:]:
        token = tokens[post.request]
        callback = post.signed(link_id=UUID(link), copy_id=UUID(forms[post.request]), token=token)
        try:
            callbacks.take_callback(callback, correlation_id="fault")
            report(number=number, taken=True)
        except callbacks.WrongSignature:
            report(number=number, taken=False)


def dispatcher(*, lease: float) -> Dispatcher:
    """Return a dispatcher with threads of its own."""
    return Dispatcher("default", pool=ThreadPoolExecutor(DATABASE_THREADS), lease=lease)


def prepare_process() -> None:
    """Allow carriers on this machine, and repeat failed attempts soon."""
    settings.CARRIERS = replace(settings.CARRIERS, allowed_networks=("127.0.0.0/8",))
    for entry in REGISTRY.of_lane(LANE):
        quick = Budget(tries=entry.budget.tries, first=0.05, most=0.2)
        REGISTRY._entries[entry.kind.kind] = replace(entry, budget=quick)


def make_worse(worse: str) -> None:
    """Break one promise in this process."""
    if worse:
        WORSE[worse]()


def _send_without_asking() -> None:
    call = submission._call

    def call_at_once(*given: Any, asks_first: bool) -> Any:
        return call(*given, asks_first=False)

    submission._call = call_at_once


def _send_before_recording() -> None:
    submission.QuoteRequestMutator.submit = lambda self, **_: None  # type: ignore[method-assign,assignment]


def _take_every_repetition() -> None:
    callbacks._id_of = lambda link_id, message_id: uuid4()


WORSE: Final[dict[str, Callable[[], None]]] = {
    "sends without asking": _send_without_asking,
    "sends before it records": _send_before_recording,
    "takes every repetition": _take_every_repetition,
}
