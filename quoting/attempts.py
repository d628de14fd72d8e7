"""The attempts at carrier actions: what each step's result means for the action's row.

Runs in threads for database work, but for ``exchange``, which is the call itself on the event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.utils import timezone
from prometheus_client import Counter
from structlog.contextvars import bound_contextvars

from actions.claims import LeasedAction
from actions.lane_claims import LaneClaims
from actions.registry import Delivered, PermanentFailure, Registry, RetryAfter
from actions.relay import MOST_CRASHES, delivered_of, describe, wait_after
from carriers.links.client import client_of
from carriers.links.errors import CarrierBusy, CarrierError, CarrierRefused, CircuitOpen
from failpoints import failpoint
from quoting.carrier_actions import CarrierAction, CarrierActions, CarrierCall, Delay
from quoting.copy_steps import CopyStep, StepResult, run_steps
from tenants.current_tenant import across_tenants, without_tenant
from tenants.models import Tenant

#: Seconds of a delay by the carrier's pace or breaker from which on it is recorded in the copy.
_SHOWN_DELAY: Final = 5.0

log = structlog.get_logger(__name__)
ended = Counter("partner_engine_carrier_actions", "Attempts at carrier actions, by how they ended", ["kind", "outcome"])


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """One leased action in progress."""

    row: LeasedAction
    delivered: Delivered
    action: CarrierAction[Any]

    @property
    def copy_id(self) -> UUID:
        """Return the copy."""
        return UUID(self.delivered.payload["copy_id"])

    @property
    def carrier(self) -> str:
        """Return the carrier's code, "" for an action that calls none."""
        return carrier_of(self.row)


def carrier_of(row: LeasedAction) -> str:
    """Return the code of the carrier that ``row`` calls, "" if it calls none."""
    return str(row.payload.get("carrier", ""))


class Attempts:
    """Prepares and concludes jobs, and records in their rows how each attempt ended."""

    def __init__(self, claims: LaneClaims, *, registry: Registry, actions: CarrierActions, alias: str) -> None:
        """Take the ``claims`` under which the rows are leased."""
        self._claims = claims
        self._registry = registry
        self._actions = actions
        self._alias = alias
        self._tenants: dict[UUID, Tenant] = {}

    def begin(self, rows: Iterable[LeasedAction]) -> list[Job]:
        """Return the jobs of ``rows``; those without a tenant become dead letters."""
        rows = list(rows)
        unknown = {row.tenant_id for row in rows} - self._tenants.keys()
        if unknown:
            self._tenants |= Tenant.objects.in_bulk(unknown)
        jobs = []
        for row in rows:
            tenant = self._tenants.get(row.tenant_id)
            if tenant is None:
                self._bury(row, "Its tenant is not there any more.")
                continue
            jobs.append(Job(row=row, delivered=delivered_of(row, tenant), action=self._actions.find(row.kind)))
        return jobs

    def prepare(self, jobs: Sequence[Job]) -> list[CarrierCall[Any] | None]:
        """Prepare ``jobs``, all of one copy; return their calls, None for each job that has ended."""
        calls: dict[Job, CarrierCall[Any]] = {}
        alive = [job for job in jobs if not self._is_crashing(job)]
        steps = [_step(job, job.action.prepare) for job in alive]
        with without_tenant():
            results = run_steps(jobs[0].copy_id, steps, locks=jobs[0].action.locks_to_prepare) if alive else []
        failpoint("carrier_prepared")
        finished = []
        for job, result in zip(alive, results, strict=True):
            if result.error is not None:
                self._fail(job, result.error)
            elif result.value is None:
                finished.append(job)
            else:
                calls[job] = result.value
        self._done(finished)
        return [calls.get(job) for job in jobs]

    async def exchange(self, job: Job, call: CarrierCall[Any]) -> Any:
        """Call the carrier and return its reply. Raises ``CarrierError``."""
        known = {"correlation_id": job.row.correlation_id, "action": str(job.row.id), "kind": job.row.kind}
        with bound_contextvars(**known, tenant=job.delivered.tenant.code):
            reply = await call.make(client_of(call.link, is_exchange=True))
        failpoint("carrier_called")
        return reply

    def conclude(self, jobs: Sequence[Job], replies: Sequence[Future[Any]]) -> None:
        """Record the ``replies`` to ``jobs``, all of one copy."""
        heard: list[Job] = []
        steps: list[CopyStep] = []
        for job, reply in zip(jobs, replies, strict=True):
            error = reply.exception()
            if error is None:
                heard.append(job)
                steps.append(_step(job, job.action.conclude, reply.result()))
            elif isinstance(error, CarrierRefused):
                heard.append(job)
                steps.append(_step(job, job.action.refuse, error))
            else:
                self._fail(job, error)
        results: list[StepResult] = []
        if steps:
            with without_tenant():
                results = run_steps(jobs[0].copy_id, steps, locks=True)
        failpoint("carrier_concluded")
        finished = []
        for job, result in zip(heard, results, strict=True):
            if result.error is None:
                finished.append(job)
            else:
                self._fail(job, result.error)
        self._done(finished)

    def _is_crashing(self, job: Job) -> bool:
        """Give up a job that has killed its workers; return whether it has."""
        if job.row.crashes < MOST_CRASHES:
            return False
        self._give_up(job, f"Its worker was gone before the attempt ended, {job.row.crashes} times.")
        return True

    def _fail(self, job: Job, error: BaseException) -> None:
        """Delay the action, or give it up if it is hopeless or its budget is spent."""
        entry, counts, seconds = self._registry.find(job.row.kind), True, None
        if isinstance(error, PermanentFailure):
            reason = error.reason
        elif isinstance(error, RetryAfter):
            reason, seconds, counts = error.reason, error.seconds, error.counts
        elif isinstance(error, CarrierBusy | CircuitOpen):
            reason, seconds, counts = str(error), error.retry_after, False
        elif isinstance(error, CarrierError):
            reason, seconds = str(error), wait_after(entry, job.row.attempts)
        else:
            log.warning("carrier_action_raised", kind=job.row.kind, attempt=job.row.attempts, exc_info=error)
            reason, seconds = describe(error), wait_after(entry, job.row.attempts)
        if seconds is None or (counts and job.row.attempts >= entry.budget.tries):
            self._give_up(job, reason)
            return
        if isinstance(error, CarrierError) and (counts or seconds >= _SHOWN_DELAY) and job.action.records_delays:
            until = timezone.now() + timedelta(seconds=seconds)
            self._record(job, job.action.delay, Delay(attempt=job.row.attempts, until=until, reason=reason))
        with across_tenants(using=self._alias):
            self._claims.later(job.row.id, seconds=seconds, error=reason, counts=counts)
        outcome = "failed" if counts and not isinstance(error, RetryAfter) else "waits"
        ended.labels(job.row.kind, outcome).inc()
        log.info(f"carrier_action_{outcome}", **_names(job), reason=reason, again_in=round(seconds, 1))

    def _give_up(self, job: Job, reason: str) -> None:
        self._record(job, job.action.give_up, reason)
        self._bury(job.row, reason)

    def _record(self, job: Job, step: Callable[..., Any], argument: object) -> None:
        """Run a step that notes a failure in the copy; where that fails, the row alone has it."""
        with without_tenant():
            (result,) = run_steps(job.copy_id, [_step(job, step, argument)], locks=True)
        if result.error is not None:
            log.info("carrier_failure_not_recorded", **_names(job), reason=type(result.error).__name__)

    def _bury(self, row: LeasedAction, reason: str) -> None:
        with across_tenants(using=self._alias):
            self._claims.bury(row.id, error=reason)
        ended.labels(row.kind, "dead").inc()
        log.error("carrier_action_dead", action=str(row.id), kind=row.kind, attempt=row.attempts, reason=reason)

    def _done(self, jobs: Sequence[Job]) -> None:
        if not jobs:
            return
        with across_tenants(using=self._alias):
            self._claims.done([job.row.id for job in jobs])
        failpoint("carrier_settled")
        for job in jobs:
            ended.labels(job.row.kind, "done").inc()
            log.info("carrier_action_done", **_names(job))


def _step(job: Job, run: Callable[..., Any], *arguments: object) -> CopyStep:
    return CopyStep(delivered=job.delivered, run=lambda context: run(context, job.delivered, *arguments))


def _names(job: Job) -> dict[str, Any]:
    return {
        "action": str(job.row.id), "kind": job.row.kind, "tenant": job.delivered.tenant.code, "carrier": job.carrier,
        "attempt": job.row.attempts, "correlation_id": job.row.correlation_id,
    }  # fmt: skip
