"""The start page of the admin: numbers with links to their lists, and the saves of the last day.

Every count is bounded, so the page stays fast with any number of forms.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import urlencode

from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Count, Min, QuerySet, Sum
from django.db.models.functions import TruncHour
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from redis.exceptions import RedisError

from actions.models import ActionState, OutboxAction
from carriers.links.inspection import breaker_views
from carriers.models import CarrierLink
from catalogue.models import Catalogue, Release
from catalogue.roll_out_models import NOT_CURRENT
from copies.models import CopyRevision
from forms.models import ApplicationForm
from operations.models import BatchOperation
from partner_engine.admin.activity import Activity, activity
from partner_engine.admin.viewing import age

#: Counts stop at this number.
COUNTED: Final = 10_000
HOURS: Final = 24
#: An action that is due for longer than this is a warning.
LONG_WAIT: Final = timedelta(minutes=5)
Tone = Literal["good", "warn", "bad", "plain"]


@dataclass(frozen=True, slots=True)
class Card:
    """One number with its meaning and the URL of its list ("" if the user may not see it)."""

    title: str
    figure: str
    text: str
    link: str
    tone: Tone = "plain"


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
    """The content of the start page. ``activity`` is None if the user may not see users."""

    cards: tuple[Card, ...]
    bars: tuple[Bar, ...]
    most: int
    saves: int
    releases: tuple[ReleaseLine, ...]
    activity: Activity | None

    @property
    def wrong(self) -> tuple[Card, ...]:
        """Return the cards that need attention."""
        return tuple(card for card in self.cards if card.tone in ("warn", "bad"))


def overview(request: HttpRequest) -> Overview:
    """Return the content of the start page for the tenants in scope, limited to the user's permissions."""
    now = timezone.now()
    makers = (
        (("forms", "applicationform"), lambda: _form_cards(now)),
        (("actions", "outboxaction"), lambda: _outbox_cards(now)),
        (("axes", "accessattempt"), lambda: _sign_in_cards(now)),
        (("carriers", "carrierlink"), _circuit_cards),
        (("operations", "batchoperation"), lambda: _operation_cards(now)),
    )
    cards = tuple(card for label, make in makers if _may_view(request, label) for card in make())
    bars = _bars(now) if _may_view(request, ("copies", "copy")) else ()
    releases = tuple(_releases()) if _may_view(request, ("catalogue", "catalogue")) else ()
    people = activity() if _may_view(request, ("tenants", "user")) else None
    if people is not None:
        cards = (*cards, _active_card(people))
    most, saves = max((bar.saves for bar in bars), default=0), sum(bar.saves for bar in bars)
    return Overview(cards, bars, most, saves, releases, people)


def _may_view(request: HttpRequest, label: tuple[str, str]) -> bool:
    return request.user.has_perm(f"{label[0]}.view_{label[1]}")


def _list(app: str, model: str, **query: Any) -> str:
    address = reverse(f"admin:{app}_{model}_changelist")
    return f"{address}?{urlencode(query)}" if query else address


def _bounded(rows: QuerySet[Any]) -> tuple[int, str]:
    """Return the number of ``rows``, at most ``COUNTED``, as number and text."""
    amount = rows.order_by()[: COUNTED + 1].count()
    return amount, f"{COUNTED:,}+" if amount > COUNTED else f"{amount:,}"


def _active_card(people: Activity) -> Card:
    programs = f"{people.programs:,} API client{'' if people.programs == 1 else 's'}; seen in the last five minutes"
    return Card("Active users", f"{people.people:,}", programs, _list("tenants", "user"))


def _form_cards(now: datetime) -> Iterable[Card]:
    forms = ApplicationForm.objects.filter(deleted_at=None)
    _, total = _bounded(forms)
    _, started = _bounded(forms.filter(created_at__gte=now - timedelta(hours=HOURS)))
    yield Card("Application forms", total, f"{started} started in the last day", _list("forms", "applicationform"))


def _outbox_cards(now: datetime) -> Iterable[Card]:
    rows = OutboxAction.objects.filter(state=ActionState.WAITING)
    waiting, text = _bounded(rows)
    oldest = rows.filter(next_attempt_at__lte=now).aggregate(since=Min("next_attempt_at"))["since"]
    is_late = oldest is not None and now - oldest > LONG_WAIT
    due_text = f"the oldest has been due for {age(oldest)}" if oldest else "nothing is due"
    yield Card(
        "Outbox",
        text,
        due_text if waiting else "nothing is waiting",
        _list("actions", "outboxaction"),
        "warn" if is_late else "good",
    )
    failing, text = _bounded(rows.filter(attempts__gt=0, last_error__gt=""))
    link = _list("actions", "outboxaction", state="failing")
    yield Card("Failing actions", text, "failed and will be tried again", link, "warn" if failing else "good")
    dead, text = _bounded(OutboxAction.objects.filter(state=ActionState.DEAD))
    link = _list("actions", "outboxaction", state="dead")
    yield Card("Dead letters", text, "actions that are not tried again", link, "bad" if dead else "good")


def _sign_in_cards(now: datetime) -> Iterable[Card]:
    lately = AccessAttempt.objects.filter(attempt_time__gte=now - timedelta(hours=HOURS))
    failures = lately.aggregate(all=Sum("failures_since_start"))["all"] or 0
    locked = len(
        lately.filter(
            failures_since_start__gte=settings.AXES_FAILURE_LIMIT, attempt_time__gte=now - settings.AXES_COOLOFF_TIME
        ).values_list("pk")[: COUNTED + 1]
    )
    link = _list("axes", "accessattempt")
    yield Card("Failed sign-ins", f"{failures:,}", "in the last day, without a successful sign-in since", link)
    yield Card("Locked out", f"{locked:,}", "users who cannot try again yet", link, "warn" if locked else "good")


def _circuit_cards() -> Iterable[Card]:
    """Return the card of open circuits; the fleet calls these carriers only to try whether they are back."""
    link = _list("carriers", "carrierlink")
    carriers = dict(CarrierLink.objects.filter(is_enabled=True).values_list("base_url", "carrier")[:COUNTED])
    try:
        views = breaker_views(carriers)
    except RedisError:
        yield Card("Open circuits", "?", "Redis is not responding", link, "warn")
        return
    silent = sorted({carrier for address, carrier in carriers.items() if views[address].is_open})
    text = f"not responding: {', '.join(silent)}" if silent else "every carrier responds"
    yield Card("Open circuits", f"{len(silent):,}", text, link, "bad" if silent else "good")


def _operation_cards(now: datetime) -> Iterable[Card]:
    link = _list("operations", "batchoperation", state="open")
    still = BatchOperation.objects.filter(finished_at=None)
    _, text = _bounded(still)
    _, paused = _bounded(still.exclude(paused_at=None))
    yield Card("Operations", text, f"waiting or running, {paused} of them paused", link)
    lately = BatchOperation.objects.filter(created_at__gte=now - timedelta(hours=HOURS), failed__gt=0)
    failed, text = _bounded(lately)
    link = _list("operations", "batchoperation", state="failed")
    yield Card("Operations with failures", text, "submitted in the last day", link, "warn" if failed else "good")


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
