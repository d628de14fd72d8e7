"""Filters and summaries shared by the list of forms and the search."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from django.db.models import QuerySet

from catalogue import releases
from copies.models import Copy
from forms.selectors import in_state
from forms.states import State
from partner_engine.api import shapes
from partner_engine.api.copy_response import copy_summary
from partner_engine.api.http.problems import Refused
from tenants.access import Actor

C = TypeVar("C", bound=Copy)


class Filters(Protocol):
    """The query parameters that filter a list; empty and None filter nothing."""

    @property
    def line(self) -> str:
        """Return the code of a line of business."""

    @property
    def owner(self) -> str:
        """Return a user's id, or ``me``."""

    @property
    def updated_since(self) -> datetime | None:
        """Return the time of the oldest change to include."""


def filter_copies(copies: QuerySet[C], query: Filters, *, state: State | None, actor: Actor) -> QuerySet[C]:
    """Return ``copies`` filtered by ``query``. Raises ``Refused`` (400) for an invalid owner."""
    if state is not None:
        copies = in_state(copies, state)
    if query.line:
        copies = copies.filter(summary__lines__contains=[query.line])
    if query.owner:
        copies = copies.filter(owner_id=_owner(query.owner, actor))
    if query.updated_since is not None:
        copies = copies.filter(updated_at__gte=query.updated_since)
    return copies


def _owner(owner: str, actor: Actor) -> UUID:
    try:
        # API clients own no copies: their ids are not user ids.
        return UUID(actor.id if owner == "me" else owner)
    except ValueError as error:
        raise Refused.parameter("owner", "owner must be a user's id, or `me` for a signed-in user.") from error


class InsuredNames:
    """Decides per catalogue whether its summaries may contain the insured's name, which may be a personal answer."""

    def __init__(self, *, sees_personal: bool) -> None:
        self._sees_personal = sees_personal
        self._known: dict[str, bool] = {}

    def may_show(self, catalogue: str) -> bool:
        """Return whether summaries of forms of ``catalogue`` may name the insured."""
        if self._sees_personal:
            return True
        if catalogue not in self._known:
            compiled = releases.current(catalogue).compiled
            question = compiled.questions.get(compiled.definition.title_question)
            self._known[catalogue] = question is None or not question.question.sensitivity
        return self._known[catalogue]


def form_summary(copy: Any, readable: InsuredNames) -> shapes.FormSummary:
    """Return the summary of a row of ``list_forms`` and of its form."""
    return shapes.FormSummary(
        id=str(copy.application_form_id),
        catalogue=copy.catalogue,
        as_of=copy.as_of,
        created_at=copy.form_created_at,
        copy=copy_summary(copy, shows_insured=readable.may_show(copy.catalogue)),
    )
