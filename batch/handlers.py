"""The handlers, the retention rule, the event types and the publish hook of the batch."""

from __future__ import annotations

from actions.kinds import ResumeProcess, StartProcess
from actions.maintenance import retention
from actions.registry import handles
from batch.changes.changeset import KINDS
from batch.processes.runner import resume_process, start_process
from batch.retention import old_responses
from batch.sealing_run import count_open_forms
from batch.withheld_values import withhold_from_events, withhold_stored
from catalogue.publish_hooks import Published, after_publish
from forms.selectors import is_test_form
from tenants.selectors import reachable_tenants
from webhooks.event_types import register_event_types
from webhooks.payloads import register_redaction, register_test_forms

handles(StartProcess)(start_process)
handles(ResumeProcess)(resume_process)
retention("stored answers")(old_responses)
register_event_types(kind.events for kind in KINDS if kind.events is not None)
register_redaction(withhold_from_events)
register_test_forms(is_test_form)


@after_publish
def withhold_stricter_values(published: Published) -> list[str]:
    """Withhold the values of questions that became stricter from stored events; ask for the sealing run where forms
    hold values of secret ones.
    """
    if not published.stricter:
        return []
    for tenant in reachable_tenants():
        withhold_stored(tenant, published.catalogue, published.stricter)
    count = count_open_forms(published.catalogue) if published.secret else 0
    if not count:
        return []
    forms, hold = ("1 form", "holds") if count == 1 else (f"{count} forms", "hold")
    return [
        f"{forms} {hold} values of questions that are secret (spi) by now and not encrypted yet. They are masked "
        "everywhere. Run `manage.py seal_answers` to encrypt them."
    ]
