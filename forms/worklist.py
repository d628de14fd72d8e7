"""The worklist of a tenant's forms: saved views, filters, orders by what a list shows, pages by position, and counts.

Its rows are those of ``list_forms``: one copy for each form, the one that a user touched last.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar
from uuid import UUID

import msgspec
from django.db import connections, router
from django.db.models import BooleanField, Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable
from msgspec import Meta

from copies.models import BEST_PREMIUM, INSURED, STARTS_ON, STATUS, Copy
from forms.models import ApplicationForm, GuestLink, QuoteRequest
from forms.status_order import NO_STEP, STEPS, VALID, QuoteStep
from forms.worklist_views import MATCH, OWNER, QUOTE_VIEWS, VIEWS, Counts, Filters, View, Viewer

if TYPE_CHECKING:
    from forms.selectors import ListedForm

C = TypeVar("C", bound=Copy)
#: Quotes without a request at the carrier.
_NOT_SENT: Final = ("draft", "withdrawn")
STARTS_WITHIN: Final = timedelta(days=30)
#: Counts look at so many copies, those touched last: a list of any length opens at once.
MOST_COUNTED: Final = 5_000
#: Deleted forms are counted up to so many.
MOST_DELETED_COUNTED: Final = 1_001
#: The id of nobody, in positions.
_NOBODY: Final = UUID(int=0)

#: What the list can be ordered by. Rows without a value come last in either direction.
ORDER_KEYS: Final[Mapping[str, Combinable]] = {
    "touched": F("last_touched_by_user_at"),
    "insured": INSURED,
    "starts": STARTS_ON,
    "premium": BEST_PREMIUM,
    "status": STATUS,
}
#: The type of the values of each order, in positions.
_TYPES: Final[Mapping[str, Any]] = {
    "touched": Annotated[datetime, Meta(tz=True)],
    "insured": str,
    "starts": str,
    "premium": Annotated[int, Meta(ge=0, le=2**63 - 1)],
    "status": Annotated[int, Meta(ge=0, lt=2**31)],
    OWNER: Annotated[str, Meta(max_length=400)],
    MATCH: Annotated[int, Meta(ge=0, lt=2**31)],
}


class Position(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The end of a page: its order, the last row's value in that order as JSON, and that row's id."""

    order: str
    value: Any
    id: UUID


class InvalidPosition(ValueError):
    """The position is not one of this list and order."""


def in_view(copies: QuerySet[ListedForm], view: View, *, viewer: Viewer) -> QuerySet[ListedForm]:
    """Narrow ``copies`` to those of the saved ``view``; the state ``ready`` is left to the caller, who knows present
    decisions.
    """
    return copies.filter(condition) if (condition := _condition(view, viewer)) is not None else copies


def at_step(copies: QuerySet[C], step: QuoteStep, *, today: date) -> QuerySet[C]:
    """Narrow ``copies`` to those whose furthest quote is at ``step`` on the day ``today``."""
    return copies.filter(_is_at_step(step, today))


def not_bound(copies: QuerySet[C]) -> QuerySet[C]:
    """Narrow ``copies`` to those without a bound quote."""
    return copies.exclude(_has_quote(state__in=STEPS["bound"]))


def filtered(copies: QuerySet[ListedForm], filters: Filters) -> QuerySet[ListedForm]:
    """Narrow ``copies`` to those that meet all ``filters``."""
    if filters.lines:
        any_line = Q()
        for line in filters.lines:
            any_line |= Q(summary__lines__contains=[line])
        copies = copies.filter(any_line)
    if filters.us_states:
        copies = copies.filter(summary__us_state__in=filters.us_states)
    if filters.carriers:
        copies = copies.filter(_has_quote(~Q(state__in=_NOT_SENT), carrier__in=filters.carriers))
    if filters.owner is not None:
        copies = copies.filter(owner_id=filters.owner or None)
    # Days are ISO texts, which sort like days.
    if filters.starts_from:
        copies = copies.annotate(starts_on=STARTS_ON).filter(starts_on__gte=filters.starts_from.isoformat())
    if filters.starts_to:
        copies = copies.annotate(starts_on=STARTS_ON).filter(starts_on__lte=filters.starts_to.isoformat())
    return copies


def page_in_order(
    copies: QuerySet[ListedForm], order: str, *, limit: int, after: str = ""
) -> tuple[list[ListedForm], str]:
    """Return up to ``limit`` rows behind the position ``after`` in ``order`` ("-touched" is the latest first), and the
    position of the next page or "". Every page costs the same, and no row comes twice.

    Raises ``InvalidPosition``.
    """
    descending, name = order.startswith("-"), order.lstrip("-")
    key = ORDER_KEYS[name]
    copies = copies.annotate(sort_key=key)
    # PostgreSQL reads an index backwards with its empty values first: the rows with a value and those without are two
    # ranges.
    position = decode_position(after, order) if after else None
    rows: list[Any] = []
    if position is None or position.value is not None:
        valued = copies.filter(sort_key__isnull=False)
        if position is not None:
            valued = valued.filter(_behind("sort_key", position, descending))
        signs = ("-sort_key", "-id") if descending else ("sort_key", "id")
        rows = list(valued.order_by(*signs)[: limit + 1])
    if len(rows) <= limit:
        empty = copies.filter(sort_key__isnull=True)
        if position is not None and position.value is None:
            empty = empty.filter(**{f"id__{'lt' if descending else 'gt'}": position.id})
        rows += empty.order_by("-id" if descending else "id")[: limit + 1 - len(rows)]
    if len(rows) <= limit:
        return rows, ""
    last = rows[limit - 1]
    return rows[:limit], encode_position(Position(order, last.sort_key, last.pk))


def page_by_owner(
    copies: QuerySet[ListedForm], order: str, *, owners: Sequence[UUID | None], limit: int, after: str = ""
) -> tuple[list[ListedForm], str]:
    """Return a page as ``page_in_order`` does, by the place of each form's owner in ``owners`` (None is nobody), and of
    one owner the form touched last first: one query by index for each owner on the page.

    ``order`` is ``owner`` or ``-owner``, of which positions are. Raises ``InvalidPosition``.
    """
    position = decode_position(after, order) if after else None
    left, inner = list(owners), ""
    if position is not None:
        present = position.id if position.id != _NOBODY else None
        if position.value is None or present not in left:
            raise InvalidPosition
        left, inner = left[left.index(present) :], position.value
    rows: list[ListedForm] = []
    for owner in left:
        of_owner = copies.filter(owner_id=owner)
        if len(rows) == limit:
            if of_owner.exists():
                return rows, encode_position(Position(order, "", owner or _NOBODY))
            continue
        found, following = page_in_order(of_owner, "-touched", limit=limit - len(rows), after=inner)
        rows, inner = rows + found, ""
        if following:
            return rows, encode_position(Position(order, following, owner or _NOBODY))
    return rows, ""


def encode_position(position: Position) -> str:
    """Return ``position`` as a text for an address."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def decode_position(text: str, order: str) -> Position:
    """Return the position in ``text``, the end of a page in ``order``. Raises ``InvalidPosition``."""
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        position = msgspec.json.decode(content, type=Position)
        value = msgspec.convert(position.value, _TYPES[order.removeprefix("-")] | None)
        if isinstance(value, datetime):
            value = value.astimezone(UTC)
    except (binascii.Error, ValueError, OverflowError) as error:  # msgspec's errors are ValueErrors
        raise InvalidPosition from error
    if position.order != order or (isinstance(value, str) and "\0" in value):
        raise InvalidPosition
    return msgspec.structs.replace(position, value=value)


def count_deleted_forms() -> int:
    """Return the number of deleted forms, up to ``MOST_DELETED_COUNTED``."""
    return ApplicationForm.objects.exclude(deleted_at=None).order_by()[:MOST_DELETED_COUNTED].count()


def count_test_forms() -> int:
    """Return the number of test forms that are not deleted, up to ``MOST_DELETED_COUNTED``."""
    forms = ApplicationForm.objects.filter(is_test=True, deleted_at=None).order_by()
    return forms[:MOST_DELETED_COUNTED].count()


def count_views(*, viewer: Viewer, without: Collection[View] = ()) -> Counts:
    """Return the number of forms of each saved view but Tests, Deleted and those in ``without``, by one query over the
    copies touched last and one that looks for more. States are those of the stored decisions.
    """
    flags = {
        view: _flag(condition & _state_of(view))
        for view in VIEWS
        if view not in ("all", "tests", "deleted", *without) and (condition := _condition(view, viewer)) is not None
    }
    # The latest copies, and of each form the last of them: the rows of ``list_forms`` without a look-up for each.
    touched = F("last_touched_by_user_at").desc(nulls_last=True)
    window = Copy.objects.filter(deleted_at=None).order_by(touched, "-id").values("pk")
    forms = ApplicationForm.objects.filter(id=OuterRef("application_form_id"))
    left_out = forms.filter(~Q(deleted_at=None) | Q(is_test=True))
    latest = (
        Copy.objects.filter(~Exists(left_out), pk__in=window[:MOST_COUNTED])
        .order_by("application_form_id", touched, "created_at", "id")
        .distinct("application_form_id")
        .annotate(**{f"in_{view}": flag for view, flag in flags.items()})
        .values("pk", *(f"in_{view}" for view in flags))
    )
    sql, parameters = latest.query.sql_with_params()
    sums = ", ".join(["count(*)", *(f"count(*) FILTER (WHERE in_{view})" for view in flags)])
    with connections[router.db_for_read(Copy)].cursor() as cursor:
        cursor.execute(f"SELECT {sums} FROM ({sql}) AS latest", parameters)  # noqa: S608 - composed by Django
        numbers = dict(zip(("all", *flags), cursor.fetchone(), strict=True))
    return Counts(numbers, not window[MOST_COUNTED : MOST_COUNTED + 1].exists())


def _condition(view: View, viewer: Viewer) -> Q | None:
    if view == "mine":
        return Q(owner_id=viewer.user_id)
    if view == "waiting":
        links = GuestLink.objects.filter(copy_id=OuterRef("pk"), finished_at=None, revoked_at=None)
        return Q(Exists(links.filter(expires_at__gt=viewer.now)))
    if view == "ready":
        return _is_at_step(NO_STEP, viewer.today)
    if view in QUOTE_VIEWS:
        return Q(_has_quote(_shown_in(STEPS[QUOTE_VIEWS[view]], viewer.today)))
    if view == "starts":
        days = (viewer.today.isoformat(), (viewer.today + STARTS_WITHIN).isoformat())
        return Q(summary__starts_on__gte=days[0], summary__starts_on__lte=days[1])
    return None


def _state_of(view: View) -> Q:
    return Q(locked_at=None, summary__standing="ready") if view == "ready" else Q()


def _is_at_step(step: QuoteStep, today: date) -> Q:
    further = frozenset[str]()
    for other, states in STEPS.items():
        if other == step:
            return Q(_has_quote(_shown_in(states, today))) & ~Q(_has_quote(_shown_in(further, today)))
        further |= states
    return ~Q(_has_quote(state__in=further))


def _shown_in(states: Collection[str], today: date) -> Q:
    """Return the condition on requests that are shown in one of ``states``: a quote whose last day is over has
    expired, whenever that is recorded.
    """
    found, is_over = Q(state__in=states), Q(state__in=VALID, valid_until__lt=today)
    if "expired" in states:
        return found | is_over
    return found if set(states).isdisjoint(VALID) else found & ~is_over


def _has_quote(*conditions: Q, **values: Any) -> Exists:
    return Exists(QuoteRequest.objects.filter(*conditions, copy_id=OuterRef("pk"), **values))


def _flag(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())


def _behind(key: str, position: Position, descending: bool) -> Q:
    comparison = "lt" if descending else "gt"
    same = Q(**{key: position.value, f"id__{comparison}": position.id})
    return Q(**{f"{key}__{comparison}": position.value}) | same
