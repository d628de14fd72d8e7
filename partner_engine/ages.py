"""The time since a moment, in words of staff."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone


def age(since: datetime | None) -> str:
    """Return the time since ``since`` in its largest unit: ``40 s``, ``12 min``, ``5 h``, ``3 days``."""
    if since is None:
        return "–"
    seconds = max(0, int((timezone.now() - since).total_seconds()))
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            amount = seconds // size
            return f"{amount} {'day' if unit == 'days' and amount == 1 else unit}"
    return f"{seconds} s"
