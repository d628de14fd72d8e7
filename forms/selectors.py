"""Selectors of forms and copies for lists and pages. Code that writes loads them through the batch instead."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar
from uuid import UUID

from django.db import connections
from django.db.models import (
    BooleanField,
    Case,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from copies.models import Copy
from forms.models import ApplicationForm, Event, Message
from forms.states import State, state_of
from tenants.current_tenant import current_tenant
from tenants.postgresql.kept_plans import KeptPlan

C = TypeVar("C", bound=Copy)

#: The catalogues of forms; the event of each save needs that of its form.
CATALOGUES: Final = KeptPlan(
    "forms_catalogues",
    f"SELECT id, catalogue::text FROM {ApplicationForm._meta.db_table}"  # noqa: S608 - our own name
    " WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s)",
    {"tenant": "uuid", "ids": "uuid[]"},
    {"id": "uuid", "catalogue": "text"},
)

if TYPE_CHECKING:
    from datetime import date, datetime
    from typing import TypedDict

    from django_stubs_ext import WithAnnotations

    class FormColumns(TypedDict):
        """The columns of the form that ``list_forms`` adds to each copy."""

        catalogue: str
        as_of: date | None
        form_created_at: datetime
        form_deleted_at: datetime | None
        is_test: bool
        is_base: bool

    class BaseColumn(TypedDict):
        """The columns of the form that ``list_copies`` adds to each copy."""

        form_deleted_at: datetime | None
        is_base: bool

    ListedForm: TypeAlias = WithAnnotations[Copy, FormColumns]
    ListedCopy: TypeAlias = WithAnnotations[Copy, BaseColumn]


def catalogues_of(form_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the codes of the catalogues of these forms of the current tenant."""
    tenant = current_tenant()
    with connections[tenant.database_alias].cursor() as cursor:
        cursor.execute(CATALOGUES.call, {"tenant": tenant.id, "ids": list(form_ids)})
        return dict(cursor.fetchall())


def is_test_form(form_id: str) -> bool:
    """Return whether the form exists and is a test form."""
    return ApplicationForm.objects.filter(pk=form_id, is_test=True).exists()


def list_copies(form_id: UUID, *, archived: bool = False) -> QuerySet[ListedCopy]:
    """Return the form's copies in the order they were made, without their documents; ``is_base`` marks the base."""
    forms = ApplicationForm.objects.filter(id=OuterRef("application_form_id"))
    copies = (
        Copy.objects.filter(application_form_id=form_id)
        .annotate(is_base=_is_base(forms), form_deleted_at=Subquery(forms.values("deleted_at")[:1]))
        .defer("document", "evaluation")
    )
    return (copies if archived else copies.filter(deleted_at=None)).order_by("created_at", "id")


def list_forms(*, deleted: bool = False, tests: bool | None = None) -> QuerySet[ListedForm]:
    """Return one copy for each form of the current tenant: the one last touched by a user, without its document;
    ``deleted`` gives for each deleted form its copy last touched, and the deleted copy last touched of each other form
    that has one. ``tests`` gives only test forms, or only the others.

    Rows come with ``as_of``, ``catalogue``, ``form_created_at``, ``form_deleted_at`` and ``is_test``; order and filter
    them like any queryset.
    """
    siblings = Copy.objects.filter(application_form_id=OuterRef("application_form_id"))
    if deleted:
        siblings = siblings.filter(~Q(deleted_at=None) | Exists(_archived_form_of(OuterRef("application_form_id"))))
    else:
        siblings = siblings.filter(deleted_at=None)
    # A deleted form is shown by a copy that was not deleted by itself.
    by_itself = Case(When(deleted_at=None, then=0), default=1)
    touched = F("last_touched_by_user_at").desc(nulls_last=True)
    latest = siblings.order_by(*([by_itself] if deleted else []), touched, "created_at", "id")
    return _with_form(Copy.objects.filter(id=Subquery(latest.values("id")[:1])), deleted=deleted, tests=tests)


def list_deleted_forms() -> QuerySet[ListedForm]:
    """Return one copy for each deleted (archived) form of the current tenant, as ``list_forms`` does for the others."""
    siblings = Copy.objects.filter(application_form_id=OuterRef("application_form_id"), deleted_at=None)
    latest = siblings.order_by(F("last_touched_by_user_at").desc(nulls_last=True), "created_at", "id")
    archived = ApplicationForm.objects.filter(id=OuterRef("application_form_id")).exclude(deleted_at=None)
    copies = Copy.objects.filter(Exists(archived), id=Subquery(latest.values("id")[:1]))
    return _with_form(copies, deleted=True)


def list_used_catalogues(catalogues: Collection[str]) -> QuerySet[ApplicationForm, str]:
    """Return which of ``catalogues`` forms of the current tenant have, those of deleted forms included."""
    forms = ApplicationForm.objects.filter(catalogue__in=catalogues).order_by()
    return forms.values_list("catalogue", flat=True).distinct()


def find_meant_copy(form_or_copy_id: UUID, *, archived: bool = False) -> UUID | None:
    """Return the id of the copy with this id, else of the form's copy that a user touched last; None without one.

    Deleted copies are none, and without ``archived`` neither are copies of archived forms. It is the rule by which the
    batch loads.
    """
    copies = Copy.objects.filter(Q(id=form_or_copy_id) | Q(application_form_id=form_or_copy_id), deleted_at=None)
    if not archived:
        copies = copies.exclude(Exists(_archived_form_of(OuterRef("application_form_id"))))
    found = copies.order_by(
        Case(When(id=form_or_copy_id, then=0), default=1),
        F("last_touched_by_user_at").desc(nulls_last=True),
        "created_at",
    )
    return found.values_list("id", flat=True).first()


def list_latest_changes() -> QuerySet[Copy]:
    """Return for each form of the current tenant the copy that was changed last, by anybody, deleted ones included.

    Its ``updated_at`` is the time of the form's last change: order by it to synchronize.
    """
    siblings = Copy.objects.filter(application_form_id=OuterRef("application_form_id"))
    later = siblings.filter(
        Q(updated_at__gt=OuterRef("updated_at")) | Q(updated_at=OuterRef("updated_at"), id__gt=OuterRef("id"))
    )
    return Copy.objects.filter(~Exists(later)).defer("document", "evaluation")


def in_forms_changed_since(copies: QuerySet[C], moment: datetime) -> QuerySet[C]:
    """Narrow ``copies`` to those of forms of which any copy was changed at ``moment`` or later."""
    changed = Copy.objects.filter(updated_at__gte=moment).order_by().values("application_form_id")
    return copies.filter(application_form_id__in=changed)


def list_every_copy(*, deleted: bool = False, tests: bool | None = None) -> QuerySet[ListedForm]:
    """Return all copies of all forms of the current tenant, or the deleted ones, with the columns of ``list_forms``."""
    return _with_form(_standing(Copy.objects.all(), deleted=deleted), deleted=deleted, tests=tests)


def with_partner_fields(copies: QuerySet[C]) -> QuerySet[Any]:
    """Add ``external_id`` and ``metadata`` of its form to each copy."""
    forms = ApplicationForm.objects.filter(id=OuterRef("application_form_id"))
    return copies.annotate(
        external_id=Subquery(forms.values("external_id")[:1]), metadata=Subquery(forms.values("metadata")[:1])
    )


def list_messages(copy_id: UUID) -> QuerySet[Message]:
    """Return the messages about the copy that were not dismissed."""
    return Message.objects.filter(copy_id=copy_id, dismissed_at=None)


def list_events(copy_id: UUID) -> QuerySet[Event]:
    """Return the events of the copy."""
    return Event.objects.filter(copy_id=copy_id)


def _archived_form_of(form_id: OuterRef) -> QuerySet[ApplicationForm]:
    return ApplicationForm.objects.filter(id=form_id).exclude(deleted_at=None)


def _standing(copies: QuerySet[Copy], *, deleted: bool) -> QuerySet[Copy]:
    return copies.exclude(deleted_at=None) if deleted else copies.filter(deleted_at=None)


def _with_form(copies: QuerySet[Copy], *, deleted: bool, tests: bool | None = None) -> QuerySet[ListedForm]:
    forms = ApplicationForm.objects.filter(id=OuterRef("application_form_id"))
    if tests is not None:
        forms = forms.filter(is_test=tests)
    form_deleted_at: Subquery | Value = Subquery(forms.values("deleted_at")[:1])
    if not deleted:
        forms, form_deleted_at = forms.filter(deleted_at=None), Value(None, output_field=DateTimeField())
    return (
        copies.annotate(
            form_created_at=Subquery(forms.values("created_at")[:1]),
            as_of=Subquery(forms.values("as_of")[:1]),
            catalogue=Subquery(forms.values("catalogue")[:1]),
            form_deleted_at=form_deleted_at,
            is_test=Subquery(forms.values("is_test")[:1]),
            is_base=_is_base(forms),
        )
        .exclude(form_created_at=None)
        .defer("document", "evaluation")
    )


def _is_base(forms: QuerySet[ApplicationForm]) -> ExpressionWrapper:
    """Return the column that is true for the base of its form, the one row of ``forms``."""
    base = forms.values(base=Coalesce("base_copy_id", "id"))[:1]
    return ExpressionWrapper(Q(id=Subquery(base)), output_field=BooleanField())


def in_state(copies: QuerySet[C], state: State) -> QuerySet[C]:
    """Narrow ``copies`` to those in ``state``, by the definition of ``state_of_copy``."""
    if state == "deleted":
        return copies.exclude(deleted_at=None)
    copies = copies.filter(deleted_at=None)
    if state == "locked":
        return copies.exclude(locked_at=None)
    copies = copies.filter(locked_at=None)
    return copies.filter(summary__standing=state)


def state_of_copy(copy: Copy) -> State:
    """Return the state of a listed copy; with the columns of its form it is deleted where the form is."""
    return state_of(
        deleted=copy.deleted_at is not None or getattr(copy, "form_deleted_at", None) is not None,
        locked=copy.locked_at is not None,
        standing=copy.summary.get("standing", "incomplete"),
    )
