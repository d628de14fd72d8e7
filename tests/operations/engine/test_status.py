"""The status of operations: states, counts, percentages and the time left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.engine.status import OperationState, OperationStatus, computed, percent
from operations.models import BatchOperation

NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


def status(*, in_progress: int = 0, now: datetime | None = NOW, **fields: Any) -> OperationStatus:
    return computed(BatchOperation(id=UUID(int=1), **fields), in_progress=in_progress, now=now)


def test_the_example_of_a_running_operation() -> None:
    found = status(total=50, completed=35, failed=2, in_progress=3)

    assert (found.queued, found.in_progress, found.completed, found.failed) == (10, 3, 35, 2)
    assert (found.state, found.progress_percent, found.success_rate) == (OperationState.IN_PROGRESS, 74.0, 94.6)


@pytest.mark.parametrize(
    ("fields", "state", "progress"),
    [
        ({"total": 10}, OperationState.PENDING, 0.0),
        ({"total": 10, "in_progress": 1}, OperationState.IN_PROGRESS, 0.0),
        ({"total": 10, "completed": 1, "paused_at": NOW}, OperationState.PAUSED, 10.0),
        ({"total": 10, "completed": 10}, OperationState.COMPLETED, 100.0),
        ({"total": 10, "completed": 9, "failed": 1}, OperationState.PARTIAL, 100.0),
        ({"total": 10, "failed": 10}, OperationState.PARTIAL, 100.0),
        ({"total": 10, "completed": 4, "cancelled": 6, "cancelled_at": NOW}, OperationState.CANCELLED, 100.0),
        ({"total": 10, "completed": 4, "in_progress": 2, "cancelled_at": NOW}, OperationState.IN_PROGRESS, 40.0),
        ({"total": 10, "completed": 10, "cancelled_at": NOW}, OperationState.COMPLETED, 100.0),
        ({"total": 0}, OperationState.COMPLETED, 100.0),
    ],
)
def test_the_state_follows_from_the_counts(fields: dict[str, Any], state: OperationState, progress: float) -> None:
    found = status(**fields)

    assert (found.state, found.progress_percent) == (state, progress)


def test_the_time_left_is_that_of_the_present_stretch() -> None:
    began = NOW - timedelta(seconds=30)
    found = status(total=1_000, completed=400, stretch_started_at=began, stretch_began_with=100, started_at=began)

    assert found.seconds_left == 60.0


def test_before_the_first_end_the_estimate_counts() -> None:
    assert status(total=100, estimated_seconds=20.0).seconds_left == 20.0
    assert status(total=100).seconds_left is None


@given(total=st.integers(1, 10**7), data=st.data())
def test_a_hundred_percent_means_all(total: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(0, total))

    assert (percent(part, total) == 100.0) == (part == total)
    assert abs(percent(part, total) - 100 * part / total) <= 0.1


@given(total=st.integers(0, 50), completed=st.integers(0, 50), failed=st.integers(0, 50), running=st.integers(0, 50))
def test_the_counts_add_up(total: int, completed: int, failed: int, running: int) -> None:
    total = max(total, completed + failed)
    found = status(total=total, completed=completed, failed=failed, in_progress=running)

    assert found.queued >= 0
    assert found.queued + found.in_progress + found.ended == total
