"""The runs that decide open copies anew after a publish and after midnight, with their progress."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils import timezone
from unfold.decorators import display

from catalogue.models import Release
from decisions.models import DecisionRun
from partner_engine.admin.site import site
from partner_engine.admin.viewing import BigTableAdmin
from partner_engine.ages import age


@admin.register(DecisionRun, site=site)
class DecisionRunAdmin(BigTableAdmin):
    """Runs, newest first."""

    list_display = ("cause", "release", "progress", "changed", "failed", "took", "started", "tenant")
    list_filter = ("cause",)
    ordering = ("-started_at",)
    fields = (
        "cause", "release", "progress", "total", "decided", "changed", "failed", "took", "started_at", "finished_at",
        "tenant",
    )  # fmt: skip
    readonly_fields = fields

    def prepare(self, rows: list[Any]) -> None:
        """Load the names of tenants and releases of the ``rows`` of one page."""
        super().prepare(rows)
        ids = {row.release_id for row in rows if row.release_id is not None}
        names = {one.pk: str(one) for one in _releases(ids)} if ids else {}
        for row in rows:
            row.release_name = names.get(row.release_id, "–")

    @display(description="Release")
    def release(self, run: Any) -> str:
        """Return the release that was published."""
        if not hasattr(run, "release_name"):
            self.prepare([run])
        return str(run.release_name)

    @display(description="Progress")
    def progress(self, run: DecisionRun) -> str:
        """Return how many of the copies are decided."""
        done = min(run.decided + run.failed, run.total)
        return f"{done:,} of {run.total:,}" + ("" if run.finished_at is None else ", done")

    @display(description="Took")
    def took(self, run: DecisionRun) -> str:
        """Return the duration of the run so far."""
        return f"{((run.finished_at or timezone.now()) - run.started_at).total_seconds():,.1f} s"

    @display(description="Started")
    def started(self, run: DecisionRun) -> str:
        """Return the time since the run started."""
        return f"{age(run.started_at)} ago"


def _releases(ids: set[int]) -> Any:
    return Release.objects.filter(pk__in=ids).select_related("catalogue").defer("content")
