"""Examples of batches as partners know them: states, counts, percentages, rates and messages for given counts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from operations.engine.status import OperationState, OperationStatus, computed
from operations.models import BatchOperation

NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
#: The counts total, queued, in progress, completed, failed, cancelled; then state, percentage, success rate, message.
EXAMPLES: list[tuple[tuple[int, int, int, int, int, int], str, float, float | None, str]] = [
    ((50, 50, 0, 0, 0, 0), "pending", 0.0, None, "0 of 50 items have ended: 0 completed, 0 failed."),
    ((50, 47, 3, 0, 0, 0), "in_progress", 0.0, None, "0 of 50 items have ended: 0 completed, 0 failed."),
    ((50, 10, 3, 35, 2, 0), "in_progress", 74.0, 94.6, "37 of 50 items have ended: 35 completed, 2 failed."),
    ((50, 0, 0, 50, 0, 0), "completed", 100.0, 100.0, "50 of 50 items have ended: 50 completed, 0 failed."),
    ((50, 0, 0, 48, 2, 0), "partial", 100.0, 96.0, "50 of 50 items have ended: 48 completed, 2 failed."),
    ((50, 0, 0, 0, 50, 0), "partial", 100.0, 0.0, "50 of 50 items have ended: 0 completed, 50 failed."),
    ((10, 6, 0, 3, 1, 0), "in_progress", 40.0, 75.0, "4 of 10 items have ended: 3 completed, 1 failed."),
    ((3, 1, 0, 2, 0, 0), "in_progress", 66.7, 100.0, "2 of 3 items have ended: 2 completed, 0 failed."),
    ((5, 0, 0, 3, 0, 2), "cancelled", 100.0, 100.0, "5 of 5 items have ended: 3 completed, 0 failed, 2 cancelled."),
    (
        (10_000, 1, 0, 9_999, 0, 0), "in_progress", 99.9, 100.0,
        "9,999 of 10,000 items have ended: 9,999 completed, 0 failed.",
    ),
]  # fmt: skip


def status(counts: tuple[int, int, int, int, int, int], **fields: Any) -> OperationStatus:
    total, _, in_progress, completed, failed, cancelled = counts
    stored = {"total": total, "completed": completed, "failed": failed, "cancelled": cancelled}
    return computed(BatchOperation(id=UUID(int=1), **stored, **fields), in_progress=in_progress, now=NOW)


@pytest.mark.parametrize(("counts", "state", "progress", "rate", "message"), EXAMPLES)
def test_the_examples_come_out(
    counts: tuple[int, int, int, int, int, int], state: str, progress: float, rate: float | None, message: str
) -> None:
    found = status(counts, cancelled_at=NOW if counts[5] else None)

    shown = (found.total, found.queued, found.in_progress, found.completed, found.failed, found.cancelled)
    assert shown == counts
    assert (found.state, found.progress_percent, found.success_rate) == (state, progress, rate)
    assert found.message == message


@pytest.mark.parametrize(
    ("fields", "state", "beginning"),
    [
        ({"paused_at": NOW, "pause_reason": "By staff."}, OperationState.PAUSED, "By staff. 37 of 50"),
        ({"paused_at": NOW}, OperationState.PAUSED, "Paused. 37 of 50"),
        ({"cancelled_at": NOW}, OperationState.IN_PROGRESS, "Cancelled; items that had begun are finished. 37 of 50"),
        ({"cancelled_at": NOW, "stopped_reason": "Too many."}, OperationState.IN_PROGRESS, "Too many."),
    ],
)
def test_the_message_says_why_it_does_not_go_on(fields: dict[str, Any], state: OperationState, beginning: str) -> None:
    found = status((50, 10, 3, 35, 2, 0), **fields)

    assert found.state is state
    assert found.message.startswith(beginning)


def test_it_says_that_it_waits_for_another() -> None:
    waiting = status((5, 5, 0, 0, 0, 0), depends_on=UUID(int=2))

    assert (waiting.state, waiting.message) == ("pending", "Waits until the operation that it depends on has ended.")
