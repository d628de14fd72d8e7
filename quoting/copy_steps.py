"""Runs the steps of carrier actions on one copy: all that wait for the copy under one lock and in one save.

A step that fails spoils no other: the steps are then run one by one. Runs in a thread for database work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID

from structlog.contextvars import bound_contextvars

from actions.registry import Delivered, PermanentFailure, RetryAfter
from batch import service as batch
from batch.context import BatchContext
from batch.errors import CopyIsDeleted, CopyIsLocked, LockNotAcquired, NotFound, StaleChangeset
from tenants.access import Actor, system_actor

#: What a step does to the copy; its result is that of the step.
Step: TypeAlias = Callable[[BatchContext], Any]

_ACTOR: Final[Actor] = system_actor("carriers")
#: Seconds to wait for the copy's lock, which blocks a thread.
_WAIT: Final = 2.0


@dataclass(frozen=True, kw_only=True)
class CopyStep:
    """One step of the action ``delivered``."""

    delivered: Delivered
    run: Step


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """The result of a step, or the error that ended it: then nothing of it was saved."""

    value: Any = None
    error: Exception | None = None


def run_steps(copy_id: UUID, steps: Sequence[CopyStep], *, locks: bool) -> list[StepResult]:
    """Run ``steps``, all on one copy of one tenant, and save once; return their results in this order.

    Without ``locks`` the steps only read.
    """
    try:
        return _run_together(copy_id, steps, locks=locks)
    except Exception as error:  # noqa: BLE001 - whatever a step raises is the failure of its action alone
        if len(steps) == 1:
            return [StepResult(error=_as_outcome(error))]
    return [result for step in steps for result in run_steps(copy_id, [step], locks=locks)]


def _run_together(copy_id: UUID, steps: Sequence[CopyStep], *, locks: bool) -> list[StepResult]:
    first = steps[0].delivered
    with bound_contextvars(correlation_id=first.correlation_id, tenant=first.tenant.code):
        if not locks:
            context = batch.find(copy_id, scope=first.tenant, actor=_ACTOR)
            return [_result(context, step) for step in steps]
        with batch.find_and_lock(copy_id, scope=first.tenant, actor=_ACTOR, wait=_WAIT) as context:
            results = [_result(context, step) for step in steps]
            if not context.changeset.requests_nothing:
                context.save()
            return results


def _result(context: BatchContext, step: CopyStep) -> StepResult:
    try:
        return StepResult(value=step.run(context))
    except (RetryAfter, PermanentFailure) as error:
        # Raised before the step has changed anything: the others are saved.
        return StepResult(error=error)


def _as_outcome(error: Exception) -> Exception:
    """Return ``error`` as the relay's decision on the action, where it is known."""
    if isinstance(error, LockNotAcquired | StaleChangeset):
        return RetryAfter(0.5, "Another save is using the copy.", counts=False)
    if isinstance(error, NotFound | CopyIsDeleted):
        return PermanentFailure("The copy no longer exists.")
    if isinstance(error, CopyIsLocked):
        return PermanentFailure("The copy is locked.")
    return error
