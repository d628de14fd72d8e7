"""Batch operations in charts, for staff: how many ended how, how fast, why items failed, and who waits.

The charts are drawn here as SVG; each has a table with the same figures. Every read is bounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db.models import Count, F, Min, Sum
from django.db.models.functions import TruncMinute
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from operations.engine.status import OperationState, computed
from operations.models import BatchOperation, ItemState, OperationItem
from operations.state_words import STAGES
from partner_engine.admin.viewing import tenant_names
from partner_engine.ages import age

VIEW: Final = "operations.view_batchoperation"
#: Ended operations are deleted after a week by default.
DAYS: Final = 7
MINUTES: Final = 60
#: Operations that a chart looks at, the last ones, and rows of a table.
MOST_READ: Final = 5_000
MOST_FAILED: Final = 200
MOST_ROWS: Final = 12
#: The parts of a bar from the ground up, with their colors.
_COLORS: Final[Mapping[OperationState, str]] = {
    OperationState.COMPLETED: "good",
    OperationState.PARTIAL: "warn",
    OperationState.CANCELLED: "dim",
    OperationState.IN_PROGRESS: "accent",
    OperationState.PAUSED: "bad",
    OperationState.PENDING: "line",
}
_STATUS_FIELDS: Final = (
    "total", "completed", "failed", "cancelled", "cancelled_at", "paused_at", "started_at", "finished_at",
    "created_at", "depends_on", "stopped_reason", "pause_reason", "stretch_began_with", "stretch_started_at",
    "estimated_seconds",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A rectangle of a chart of 100 by 100 units, with its color and what it stands for."""

    left: float
    top: float
    width: float
    height: float
    color: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table: its head and figures. ``share`` is its part of the largest one, of 100."""

    head: str
    cells: tuple[str, ...]
    share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart with its table; ``ends`` are the labels of its first and last place, ``key`` names the colors."""

    id: str
    title: str
    note: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    empty: str
    blocks: tuple[Block, ...] = ()
    ends: tuple[str, str] = ("", "")
    key: tuple[tuple[str, str], ...] = ()


def charts_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show the charts for the tenants in scope. Raises ``PermissionDenied``."""
    if not request.user.has_perm(VIEW):
        raise PermissionDenied
    now = timezone.now()
    charts = (_per_day(now), _per_minute(now), _failures(now), _waiting())
    page = {**context, "title": "Operation charts", "charts": charts}
    return render(request, "admin/operation_charts.html", page)


def _per_day(now: datetime) -> Chart:
    """Return the operations of the last days by the state that they are in."""
    days = [now.date() - timedelta(days=back) for back in reversed(range(DAYS))]
    since = now - timedelta(days=DAYS)
    rows = BatchOperation.objects.filter(created_at__gte=since).only("id", "tenant_id", *_STATUS_FIELDS)
    counts: dict[date, Counter[OperationState]] = {day: Counter() for day in days}
    for operation in rows.order_by("-created_at")[:MOST_READ]:
        if (day := operation.created_at.date()) in counts:
            counts[day][computed(operation, in_progress=0, now=None).state] += 1
    return Chart(
        id="days",
        title="Operations per day",
        note=f"{sum(sum(one.values()) for one in counts.values()):,} in the last {DAYS} days, by their state now",
        heads=("Day", *(STAGES[state] for state in _COLORS)),
        rows=tuple(
            Row(head=_day(day), cells=tuple(f"{counts[day][state]:,}" for state in _COLORS)) for day in reversed(days)
        ),
        empty="No operation was started in these days.",
        blocks=_bars([(_day(day), [(state, counts[day][state]) for state in _COLORS]) for day in days]),
        ends=(_day(days[0]), _day(days[-1])),
        key=tuple((color, STAGES[state]) for state, color in _COLORS.items()),
    )


def _per_minute(now: datetime) -> Chart:
    """Return the items that ended in each of the last minutes."""
    last = now.replace(second=0, microsecond=0)
    first = last - timedelta(minutes=MINUTES - 1)
    lately = BatchOperation.objects.filter(started_at__isnull=False).exclude(finished_at__lt=first)
    ids = list(lately.order_by("-created_at").values_list("id", flat=True)[:MOST_FAILED])
    ended = OperationItem.objects.filter(operation_id__in=ids, finished_at__gte=first).order_by()
    counted = ended.annotate(minute=TruncMinute("finished_at")).values_list("minute").annotate(number=Count("pk"))
    numbers: dict[datetime, int] = dict(counted) if ids else {}
    minutes = [first + timedelta(minutes=one) for one in range(MINUTES)]
    most = max(numbers.values(), default=0)
    busy = [minute for minute in reversed(minutes) if numbers.get(minute)]
    return Chart(
        id="minutes",
        title="Items per minute",
        note=f"{sum(numbers.values()):,} ended in the last hour, at most {most:,} in a minute",
        heads=("Minute (UTC)", "Items that ended"),
        rows=tuple(Row(head=f"{minute:%H:%M}", cells=(f"{numbers[minute]:,}",)) for minute in busy),
        empty="No item ended in the last hour.",
        blocks=_bars(
            [(f"{one:%H:%M}", [(OperationState.IN_PROGRESS, numbers.get(one, 0))]) for one in minutes],
            gap=0.25,
            unit="items",
        ),
        ends=(f"{minutes[0]:%H:%M}", f"{minutes[-1]:%H:%M}"),
    )


def _failures(now: datetime) -> Chart:
    """Return why items of the last days failed, most frequent first."""
    operations = BatchOperation.objects.filter(created_at__gte=now - timedelta(days=DAYS), failed__gt=0)
    ids = list(operations.order_by("-created_at").values_list("id", flat=True)[:MOST_FAILED])
    failed = OperationItem.objects.filter(operation_id__in=ids, state=ItemState.FAILED).order_by()
    counted = failed.values("error_code").annotate(number=Count("pk"), example=Min("error")).order_by("-number")
    rows = list(counted[:MOST_ROWS]) if ids else []
    most = max((row["number"] for row in rows), default=1)
    return Chart(
        id="failures",
        title="Failures by reason",
        note=f"of the operations of the last {DAYS} days",
        heads=("Reason", "Items", "For example"),
        rows=tuple(
            Row(
                head=row["error_code"].replace("_", " ") or "unknown",
                cells=(f"{row['number']:,}", row["example"]),
                share=_share(row["number"], most),
            )
            for row in rows
        ),
        empty="No item failed.",
    )


def _waiting() -> Chart:
    """Return what waits for each tenant, most items first."""
    ended = F("completed") + F("failed") + F("cancelled")
    grouped = (
        BatchOperation.objects.filter(finished_at=None)
        .order_by()
        .values("tenant_id")
        .annotate(items=Sum(F("total") - ended), operations=Count("pk"), since=Min("created_at"))
        .order_by("-items")
    )
    rows = list(grouped[:MOST_ROWS])
    names = tenant_names(row["tenant_id"] for row in rows)
    most = max((row["items"] for row in rows), default=1)
    return Chart(
        id="waiting",
        title="Waiting per tenant",
        note="items of open operations that have not ended",
        heads=("Tenant", "Items", "Operations", "The oldest since"),
        rows=tuple(
            Row(
                head=names.get(row["tenant_id"], str(row["tenant_id"])),
                cells=(f"{row['items']:,}", f"{row['operations']:,}", age(row["since"])),
                share=_share(row["items"], most),
            )
            for row in rows
        ),
        empty="Nothing waits.",
    )


def _bars(
    places: Sequence[tuple[str, Iterable[tuple[OperationState, int]]]], *, gap: float = 1.5, unit: str = ""
) -> tuple[Block, ...]:
    """Return the blocks of stacked bars, one at each of ``places``; nothing for an empty part. They count ``unit``, by
    default operations in the part's state.
    """
    stacks = [(label, [part for part in parts if part[1]]) for label, parts in places]
    most = max((sum(number for _, number in parts) for _, parts in stacks), default=0)
    width = 100 / len(stacks)
    blocks = []
    for place, (label, parts) in enumerate(stacks):
        top = 100.0
        for state, number in parts:
            height = 100 * number / most
            top -= height
            blocks.append(
                Block(
                    left=round(place * width + gap / 2, 2),
                    top=round(top, 2),
                    width=round(width - gap, 2),
                    height=round(height, 2),
                    color=_COLORS[state],
                    title=f"{label}: {number:,} {unit or STAGES[state].lower()}",
                )
            )
    return tuple(blocks)


def _share(number: int, most: int) -> float:
    return round(100 * number / most, 1) if most else 0.0


def _day(day: date) -> str:
    return f"{day:%b} {day.day}"
