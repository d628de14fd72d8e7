"""Trials with bindings: a quote of a new form that is requested to be bound. ``carrier_trials`` links and dispatches.

``worse`` names their sabotage; a test that does not detect it proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from batch import service as batch
from quoting.binding_call import BindExchange
from quoting.binding_call import BindingMutator as Recorder
from tenants.models import Tenant
from tests.harness.bindings import TO_BIND, consent, offer, request_bind
from tests.harness.faults import carrier_trials
from tests.harness.faults.entry_catalogue import ACTOR, TENANT, beginning
from tests.harness.kennel_catalogue import HOUSES

Report = Callable[..., None]


def ask(report: Report) -> None:
    """Request to bind a quote of a new form."""
    tenant = Tenant.objects.get(code=TENANT)
    with batch.build_context(scope=tenant, actor=ACTOR, catalogue=TENANT) as context:
        context.changeset.apply_answers({**beginning("Bound"), **TO_BIND}, {"houses": HOUSES})
        context.save()
        copy_id = context.copy.id
    quote_id = offer(copy_id, scope=tenant, actor=ACTOR)
    consent(copy_id, quote_id, scope=tenant, actor=ACTOR)
    request_bind(copy_id, quote_id, scope=tenant, actor=ACTOR)
    report(copy=str(copy_id))


def dispatch(report: Report, *, failpoint: str = "", nth: int = 1, worse: str = "") -> None:
    """Run the due actions, with ``failpoint`` armed."""
    if worse:
        WORSE[worse]()
    carrier_trials.dispatch(report, failpoint=failpoint, nth=nth)


def _send_without_asking() -> None:
    make = BindExchange.make

    async def make_at_once(self: BindExchange, client: object) -> object:
        object.__setattr__(self, "may_be_known", False)
        return await make(self, client)  # type: ignore[arg-type]

    BindExchange.make = make_at_once  # type: ignore[method-assign,assignment]


def _send_before_recording() -> None:
    Recorder.note_attempt = lambda self: None  # type: ignore[method-assign]


WORSE: Final[dict[str, Callable[[], None]]] = {
    "sends without asking": _send_without_asking,
    "sends before it records": _send_before_recording,
}
