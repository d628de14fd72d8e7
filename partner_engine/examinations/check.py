"""The parts of an examination: checks with a look, a remedy and a repair, and findings.

A check that fails or cannot reach what it looks at is *not checked*, which is never good.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import structlog
from django.db import DatabaseError
from django.db.models import QuerySet
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
