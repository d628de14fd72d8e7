"""The words and colors of the states of forms and quotes, and the acts of declinations, for pages and admin. Pure."""

from __future__ import annotations

from typing import Final

from forms.states import State

#: The word of each state of a form or copy.
FORM_STATES: Final[dict[State, str]] = {
    "incomplete": "In progress",
    "ready": "Ready to quote",
    "declined": "Declined",
    "locked": "Locked",
    "deleted": "Deleted",
}
#: The word and the color of each state of a quote request.
QUOTE_STATES: Final[dict[str, tuple[str, str]]] = {
    "draft": ("Not requested", ""),
    "queued": ("Queued", ""),
    "submitted": ("Submitted", ""),
    "estimated": ("Estimate", "so-far"),
    "quoted": ("Quoted", "eligible"),
    "referred": ("Referred", "refer"),
    "declined": ("Declined", "decline"),
    "blocked": ("Blocked", "decline"),
    "failed": ("Failed", "decline"),
    "stale": ("Stale", "decline"),
    "expired": ("Expired", "needed"),
    "selected": ("Selected", "eligible"),
    "bound": ("Bound", "bound"),
    "withdrawn": ("Withdrawn", ""),
}
#: The act that a declination records.
DECLINE_ACTS: Final[dict[str, str]] = {
    "requested": "Quote requested",
    "queued": "Sent to the carrier",
    "selected": "Quote selected",
    "bound": "Bound",
    "exported": "Exported",
}
