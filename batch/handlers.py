"""The handlers of the batch's deferred actions and its event types, registered when the apps start."""

from __future__ import annotations

from actions.kinds import MarkQuotesStale, ResumeProcess, StartProcess
from actions.registry import register
from batch.changes.changeset import KINDS
from batch.processes.runner import resume_process, start_process
from quoting.staleness import mark_quotes_stale
from webhooks.event_types import register_event_types


def register_handlers() -> None:
    """Register the handlers, and the events of attached records."""
    register(MarkQuotesStale, mark_quotes_stale)
    register(StartProcess, start_process)
    register(ResumeProcess, resume_process)
    register_event_types(kind.events for kind in KINDS if kind.events is not None)
