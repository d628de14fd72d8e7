"""The handlers and the retention rule of the batch."""

from __future__ import annotations

from actions.kinds import ResumeProcess, StartProcess
from actions.maintenance import retention
from actions.registry import handles
from batch.processes.runner import resume_process, start_process
from batch.retention import old_responses

handles(StartProcess)(start_process)
handles(ResumeProcess)(resume_process)
retention("stored answers")(old_responses)
