"""What is deleted because it has served its time: each room registers its own work, an hourly task does all of it.

Knows no table of the rooms that register.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeAlias

import structlog
from django.db import DatabaseError, connections

from actions.models import OutboxAction
from tenants.scoping import across_tenants

#: Deletes what has served its time in the database ``alias``, of all its tenants; returns how many rows.
Work: TypeAlias = Callable[[str], int]
#: How long a dead letter is kept for somebody to look at.
DEAD_LETTERS_KEPT: Final = timedelta(days=90)

log = structlog.get_logger(__name__)
_works: dict[str, Work] = {}


class UpkeepRegisteredTwice(Exception):
    """There is work of this name already."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The upkeep {name!r} is registered already.")


def register_upkeep(name: str, work: Work) -> None:
    """Let the hourly upkeep do ``work`` in each database. Raises ``UpkeepRegisteredTwice``."""
    if name in _works:
        raise UpkeepRegisteredTwice(name)
    _works[name] = work


def keep_up(alias: str) -> dict[str, int]:
    """Do all upkeep in the database ``alias``; return how many rows each deleted.

    Work that the database refuses is told and left for the next time; the others go on.
    """
    deleted: dict[str, int] = {}
    for name, work in _works.items():
        try:
            with across_tenants(using=alias):
                deleted[name] = work(alias)
        except DatabaseError as error:
            log.warning("upkeep_failed", database=alias, work=name, reason=type(error).__name__)
    log.info("upkeep", database=alias, **deleted)
    return deleted


def delete_old_dead_letters(alias: str) -> int:
    """Delete dead letters that nobody requeued in ``DEAD_LETTERS_KEPT``, by the database's clock."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {OutboxAction._meta.db_table}"  # noqa: S608 - our own table
            " WHERE state = 'dead' AND died_at < statement_timestamp() - make_interval(secs => %s)",
            [DEAD_LETTERS_KEPT.total_seconds()],
        )
        return int(cursor.rowcount)


def register_own_upkeep() -> None:
    """Register the upkeep of the outbox itself."""
    register_upkeep("dead letters", delete_old_dead_letters)
