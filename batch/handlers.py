"""The handlers, the retention rule and the event types of the batch."""

from __future__ import annotations

from actions.kinds import ResumeProcess, StartProcess
from actions.maintenance import retention
from actions.registry import handles
from batch.changes.changeset import KINDS
from batch.processes.runner import resume_process, start_process
from batch.retention import old_responses
from webhooks.event_types import register_event_types

handles(StartProcess)(start_process)
handles(ResumeProcess)(resume_process)
retention("stored answers")(old_responses)
register_event_types(kind.events for kind in KINDS if kind.events is not None)
