"""Reads of forms and copies for lists and pages. What is to be written is found through the batch instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeVar
from uuid import UUID

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from copies.models import Copy
from forms.models import ApplicationForm
from forms.states import State, state_of

C = TypeVar("C", bound=Copy)

if TYPE_CHECKING:
    from datetime import date, datetime
    from typing import TypedDict

    from django_stubs_ext import WithAnnotations

    class FormColumns(TypedDict):
        """What ``list_forms`` adds of the form to each copy."""

        catalogue: str
        as_of: date | None
        form_created_at: datetime

    ListedForm: TypeAlias = WithAnnotations[Copy, FormColumns]


def list_copies(form_id: UUID, *, archived: bool = False) -> QuerySet[Copy]:
    """Return the form's copies in the order they were made, without their documents."""
    copies = Copy.objects.filter(application_form_id=form_id).defer("document", "evaluation")
    return (copies if archived else copies.filter(deleted_at=None)).order_by("created_at", "id")


def list_forms(*, deleted: bool = False) -> QuerySet[ListedForm]:
    """Return one copy for each form of the current tenant: the one last touched by a user, without its document;
    ``deleted`` gives the deleted copy last touched of each form that has one.

    Rows come with ``as_of``, ``catalogue`` and ``form_created_at``; order and filter them like any queryset.
    """
    forms = ApplicationForm.objects.filter(id=OuterRef("application_form_id"))
    siblings = Copy.objects.filter(application_form_id=OuterRef("application_form_id"))
    if deleted:
        siblings = siblings.exclude(deleted_at=None)
    else:
        forms, siblings = forms.filter(deleted_at=None), siblings.filter(deleted_at=None)
    latest = siblings.order_by(F("last_touched_by_user_at").desc(nulls_last=True), "created_at", "id")
    return (
        Copy.objects.filter(id=Subquery(latest.values("id")[:1]))
        .annotate(
            form_created_at=Subquery(forms.values("created_at")[:1]),
            as_of=Subquery(forms.values("as_of")[:1]),
            catalogue=Subquery(forms.values("catalogue")[:1]),
        )
        .exclude(form_created_at=None)
        .defer("document", "evaluation")
    )


def search_forms(copies: QuerySet[C], text: str, *, personal: bool) -> QuerySet[C]:
    """Narrow ``copies`` to those that hold every word of ``text`` in their title or indexed answers, or whose id starts
    with it. ``personal`` answers are searched only for who may read them: being found would give them away.
    """
    for word in text.split():
        matching = Q(search_text__icontains=word) | Q(title__icontains=word)
        if personal:
            matching |= Q(search_personal__icontains=word)
        if len(word) >= 4:
            matching |= Q(application_form_id__istartswith=word) | Q(id__istartswith=word)
        copies = copies.filter(matching)
    return copies


def in_state(copies: QuerySet[C], state: State) -> QuerySet[C]:
    """Narrow ``copies`` to those in ``state``: as ``state_of_copy`` says row by row."""
    if state == "deleted":
        return copies.exclude(deleted_at=None)
    copies = copies.filter(deleted_at=None)
    if state == "locked":
        return copies.exclude(locked_at=None)
    copies = copies.filter(locked_at=None)
    return copies.filter(summary__standing=state)


def state_of_copy(copy: Copy) -> State:
    """Return the state of a listed copy."""
    return state_of(
        deleted=copy.deleted_at is not None,
        locked=copy.locked_at is not None,
        standing=copy.summary.get("standing", "incomplete"),
    )
