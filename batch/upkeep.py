"""What the batch's tables lose when it has served its time; registered with the hourly upkeep of ``actions``."""

from __future__ import annotations

from django.db import connections

from actions.upkeep import register_upkeep
from batch.idempotency import KEPT
from batch.models import IdempotencyRecord


def delete_old_answers(alias: str) -> int:
    """Delete the stored answers of keyed requests that are not given again; return how many."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {IdempotencyRecord._meta.db_table}"  # noqa: S608 - our own table
            " WHERE created_at < statement_timestamp() - make_interval(secs => %s)",
            [KEPT.total_seconds()],
        )
        return int(cursor.rowcount)


def register_own_upkeep() -> None:
    """Register the upkeep of the batch's tables."""
    register_upkeep("stored answers", delete_old_answers)
