"""The batch's own kinds of deferred actions, registered when the apps start."""

from __future__ import annotations

from actions.kinds import MarkQuotesStale, ResumeProcess, StartProcess
from actions.registry import register
from batch.processes.runner import resume_process, start_process
from quoting.staleness import mark_quotes_stale


def register_handlers() -> None:
    """Register who does what."""
    register(MarkQuotesStale, mark_quotes_stale)
    register(StartProcess, start_process)
    register(ResumeProcess, resume_process)
