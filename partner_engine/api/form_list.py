"""Filters and summaries shared by the list of forms and the search."""

from __future__ import annotations

from typing import Any, TypeVar

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


def filter_copies(copies: QuerySet[C], query: listing.Filters, *, state: State | None, actor: Actor) -> QuerySet[C]:
    """Return ``copies`` filtered by ``query``. Raises ``Refused`` (400) for an invalid owner, and for a line if the
    caller may not see the lines of all forms.
    """
    try:
        return listing.filter_copies(copies, query, state=state, actor=actor)
    except listing.InvalidOwner as error:
        raise Refused.parameter("owner", str(error)) from error
    except listing.HiddenLines as error:
        raise Refused.parameter("line", str(error)) from error


def lists_tests(test: bool | None, actor: Actor) -> bool:
    """Return whether a list is of test forms or of all others: as requested, else those that the caller works on."""
    return actor.is_sandbox if test is None else test


def form_summary(copy: Any, names: InsuredNames) -> shapes.FormSummary:
    """Return the summary of a row of ``list_forms``, ``with_partner_fields``, and of its form."""
    return shapes.FormSummary(
        id=str(copy.application_form_id),
        external_id=copy.external_id or None,
        metadata=copy.metadata,
        test=copy.is_test,
        catalogue=copy.catalogue,
        as_of=copy.as_of,
        created_at=copy.form_created_at,
        deleted_at=copy.form_deleted_at,
        copy=copy_summary(copy, insured=names.of(copy, copy.catalogue)),
    )
