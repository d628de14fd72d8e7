"""The checks of the admin's start page and of ``manage.py doctor``: each has a result and a remedy; on the start page
also a time and a link to its list.

A check that fails or cannot reach what it looks at is *not checked*, which is never good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from urllib.parse import urlencode

import structlog
from django.db import DatabaseError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from redis.exceptions import RedisError

#: Counts stop at this number.
COUNTED: Final = 10_000
#: ``plain`` numbers are not judged; ``unknown`` was not checked.
Tone = Literal["good", "warn", "bad", "plain", "unknown"]

log = structlog.get_logger(__name__)


class NotChecked(Exception):
    """A check could not look; the message says why and what helps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a check saw: a number or word, and what it means. ``query`` filters the list behind the card."""

    figure: str
    text: str
    tone: Tone = "plain"
    query: dict[str, str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One check. ``label`` names the app and model whose list shows its rows, and the permission to see it.

    ``remedy`` is shown unless the finding is good or plain. Without ``has_list`` the card is no link. ``repair`` fixes
    what is wrong, safely at any time, and returns what was done.
    """

    title: str
    label: tuple[str, str]
    look: Callable[[datetime], Finding]
    remedy: str = ""
    has_list: bool = True
    #: Whether ``look`` concerns the installation, not the rows of one database.
    is_of_installation: bool = False
    repair: Callable[[], str] | None = None


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


def bounded(rows: QuerySet[Any]) -> tuple[int, str]:
    """Return the number of ``rows``, at most ``COUNTED``, as number and text."""
    amount = rows.order_by()[: COUNTED + 1].count()
    return amount, f"{COUNTED:,}+" if amount > COUNTED else f"{amount:,}"


def examine(check: Check, now: datetime) -> Finding:
    """Run ``check``; the tone of one that fails or cannot look is ``unknown``."""
    try:
        return check.look(now)
    except NotChecked as unchecked:
        reason = str(unchecked)
    except RedisError as error:
        log.warning("start_check_failed", check=check.title, reason=type(error).__name__)
        reason = "Redis does not respond"
    except DatabaseError as error:
        log.warning("start_check_failed", check=check.title, reason=type(error).__name__)
        reason = "the database does not respond"
    except Exception:
        log.exception("start_check_failed", check=check.title)
        reason = "the check failed; the log of the web server has the reason"
    return Finding(figure="?", text=f"not checked: {reason}", tone="unknown")


def _card(check: Check) -> Card:
    now = timezone.now()
    finding = examine(check, now)
    link, remedy = _link(check, finding.query), check.remedy if finding.tone in ("warn", "bad", "unknown") else ""
    checked_at = None if finding.tone == "unknown" else now
    return Card(check.title, finding.figure, finding.text, link, finding.tone, remedy, checked_at=checked_at)


def _link(check: Check, query: dict[str, str] | None) -> str:
    return list_url(*check.label, query) if check.has_list else ""
