"""The cards of the admin's start page: each shows a check with its result, remedy, time and a link to its list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from partner_engine.examinations.check import Check, Tone, examine


@dataclass(frozen=True, slots=True)
class Card:
    """The result of one check. ``link`` is the URL of its list, "" without one; ``checked_at`` None if it failed."""

    title: str
    figure: str
    text: str
    link: str
    tone: Tone = "plain"
    remedy: str = ""
    checked_at: datetime | None = None


def run_checks(request: HttpRequest, checks: Iterable[Check]) -> tuple[tuple[Card, ...], int]:
    """Return the cards of the checks that the user may see, and the number of the others."""
    cards, hidden = [], 0
    for check in checks:
        app, model = check.label
        if request.user.has_perm(f"{app}.view_{model}"):
            cards.append(_card(check))
        else:
            hidden += 1
    return tuple(cards), hidden


def list_url(app: str, model: str, query: dict[str, str] | None = None) -> str:
    """Return the URL of a list, filtered by ``query``."""
    address = reverse(f"admin:{app}_{model}_changelist")
    return f"{address}?{urlencode(query)}" if query else address


def _card(check: Check) -> Card:
    now = timezone.now()
    finding = examine(check, now)
    link = list_url(*check.label, finding.query) if check.has_list else ""
    remedy = check.remedy if finding.tone in ("warn", "bad", "unknown") else ""
    checked_at = None if finding.tone == "unknown" else now
    return Card(check.title, finding.figure, finding.text, link, finding.tone, remedy, checked_at=checked_at)
