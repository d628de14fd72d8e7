"""The start page of the admin: checks with links to their lists, and the saves of the last day.

Every count is bounded, so the page stays fast with any number of forms.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count
from django.db.models.functions import TruncHour
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from catalogue.models import Catalogue, Release
from catalogue.models.roll_outs import NOT_CURRENT
from copies.models import CopyRevision
from partner_engine.admin.activity import Activity, activity
from partner_engine.admin.start_cards import Card, run_checks
from partner_engine.examinations.check import Check, Finding, NotChecked
from partner_engine.examinations.platform import PLATFORM_CHECKS
from partner_engine.examinations.work import WORK_CHECKS

HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour of the chart. ``top`` and ``height`` are percentages of its area."""

    hour: datetime
    saves: int
    forms: int
    left: float
    top: float
    height: float


@dataclass(frozen=True, slots=True)
class ReleaseLine:
    """A catalogue with its current release, None before the first."""

    catalogue: str
    link: str
    number: int | None
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class Overview:
    """The content of the start page. ``activity`` is None if the user may not see users.

    ``hidden`` is the number of checks that the user may not see.
    """

    checked_at: datetime
    cards: tuple[Card, ...]
    hidden: int
    bars: tuple[Bar, ...]
    most: int
    saves: int
    releases: tuple[ReleaseLine, ...]
    activity: Activity | None

    @property
    def wrong(self) -> tuple[Card, ...]:
        """Return the cards that need attention."""
        return tuple(card for card in self.cards if card.tone in ("warn", "bad"))

    @property
    def unchecked(self) -> tuple[Card, ...]:
        """Return the cards whose check could not run."""
        return tuple(card for card in self.cards if card.tone == "unknown")

    @property
    def is_good(self) -> bool:
        """Return whether every check ran, for this user too, and is good."""
        return not (self.wrong or self.unchecked or self.hidden)

    @property
    def tone(self) -> str:
        """Return how the verdict is drawn: warn, good or plain."""
        if self.wrong or self.unchecked:
            return "warn"
        return "good" if self.is_good else "plain"


def overview(request: HttpRequest) -> Overview:
    """Return the content of the start page for the tenants in scope, limited to the user's permissions."""
    now = timezone.now()
    people = activity() if _may_view(request, ("tenants", "user")) else None
    active = Check(title="Active users", label=("tenants", "user"), look=lambda _: _active(people))
    cards, hidden = run_checks(request, (*WORK_CHECKS, *PLATFORM_CHECKS, active))
    bars = _bars(now) if _may_view(request, ("copies", "copy")) else ()
    releases = tuple(_releases()) if _may_view(request, ("catalogue", "catalogue")) else ()
    most, saves = max((bar.saves for bar in bars), default=0), sum(bar.saves for bar in bars)
    return Overview(
        checked_at=now,
        cards=cards,
        hidden=hidden,
        bars=bars,
        most=most,
        saves=saves,
        releases=releases,
        activity=people,
    )


def _may_view(request: HttpRequest, label: tuple[str, str]) -> bool:
    return request.user.has_perm(f"{label[0]}.view_{label[1]}")


def _active(people: Activity | None) -> Finding:
    if people is None or not people.hours:
        raise NotChecked("Redis does not respond")
    programs = f"{people.programs:,} API client{'' if people.programs == 1 else 's'}; seen in the last five minutes"
    return Finding(figure=f"{people.people:,}", text=programs)


def _bars(now: datetime) -> tuple[Bar, ...]:
    """Return a bar for each of the last hours, ending with the current hour."""
    last = now.replace(minute=0, second=0, microsecond=0)
    first = last - timedelta(hours=HOURS - 1)
    counted = (
        CopyRevision.objects.filter(created_at__gte=first)
        .annotate(hour=TruncHour("created_at"))
        .order_by()
        .values("hour")
        .annotate(saves=Count("pk"), forms=Count("copy_id", distinct=True))
    )
    by_hour = {row["hour"]: (row["saves"], row["forms"]) for row in counted}
    most = max((saves for saves, _ in by_hour.values()), default=0) or 1
    width = 100 / HOURS
    return tuple(
        Bar(
            hour,
            saves,
            forms,
            round(place * width, 2),
            round(100 - saves / most * 100, 2),
            round(saves / most * 100, 2),
        )
        for place in range(HOURS)
        for hour in (first + timedelta(hours=place),)
        for saves, forms in (by_hour.get(hour, (0, 0)),)
    )


def _releases() -> Iterable[ReleaseLine]:
    latest = (
        Release.objects.exclude(roll_out__state__in=NOT_CURRENT)
        .defer("content")
        .order_by("catalogue_id", "-number")
        .distinct("catalogue_id")
    )
    current = {release.catalogue_id: release for release in latest}
    for catalogue in Catalogue.objects.all():
        link = reverse("admin:catalogue_catalogue_change", args=(catalogue.pk,))
        release = current.get(catalogue.pk)
        number, since = (release.number, release.published_at) if release else (None, None)
        yield ReleaseLine(catalogue.title, link, number, since)
