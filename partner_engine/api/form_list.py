"""Filters and summaries shared by the list of forms and the search."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from django.db.models import QuerySet

from copies.models import Copy
from decisions import listing
from forms.states import State
from partner_engine.api.copy_response import copy_summary
from partner_engine.copy_visibility import InsuredNames
from partner_engine.problems import Refused
from presentation import shapes
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


def filter_copies(copies: QuerySet[C], query: Filters, *, state: State | None, actor: Actor) -> QuerySet[C]:
    """Return ``copies`` filtered by ``query``. Raises ``Refused`` (400) for an invalid owner."""
    try:
        return listing.filter_copies(copies, state=state, line=query.line, owner=query.owner, actor=actor)
    except listing.InvalidOwner as error:
        raise Refused.parameter("owner", str(error)) from error


def form_summary(copy: Any, names: InsuredNames) -> shapes.FormSummary:
    """Return the summary of a row of ``list_forms``, ``with_partner_fields``, and of its form."""
    return shapes.FormSummary(
        id=str(copy.application_form_id),
        external_id=copy.external_id or None,
        metadata=copy.metadata,
        catalogue=copy.catalogue,
        as_of=copy.as_of,
        created_at=copy.form_created_at,
        deleted_at=copy.form_deleted_at,
        copy=copy_summary(copy, insured=names.of(copy, copy.catalogue)),
    )
