"""Reads stored copies with what their decision depends on, and notes what leads to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connections
from django.db.models import Q

from batch.changes.records import BOUND
from catalogue import releases
from catalogue.release_history import renames_between
from copies.models import Copy
from decisions.decide_many import StoredCopy
from encryption.wrapped_key import WrappedKey
from forms.models import ApplicationForm, Disposition
from rules.definition.renames import Renames
from tenants.models import Tenant

#: Tells PostgreSQL which decision a copy has now. The version guards it: a save meanwhile knows better.
_NOTE: Final = f"""UPDATE {Copy._meta.db_table} c
   SET decided_release_id = g.release_id, decided_on = g.day, decided_edition = g.edition
  FROM unnest(%(ids)s::uuid[], %(versions)s::int[], %(releases)s::int[], %(days)s::date[], %(editions)s::int[])
       AS g (id, version, release_id, day, edition)
 WHERE c.id = g.id AND c.version = g.version"""  # noqa: S608 - the name of our own table


class Waiting(NamedTuple):
    """A copy that waits, with its version and the day it was decided on, its form's catalogue, whether that form has an
    evaluation date of its own, and the lines that it requests.

    ``is_ended`` is True for the copies of bound and of archived forms, which keep their decision. ``decided_with`` is
    the release and the edition that lead to the stored decision.
    """

    copy: StoredCopy
    version: int
    decided_on: date | None
    catalogue: str
    has_own_day: bool
    is_ended: bool
    lines: tuple[str, ...]
    form_id: UUID
    decided_with: tuple[int | None, int]


class Noted(NamedTuple):
    """What leads to the decision of a copy at ``version``."""

    copy_id: UUID
    version: int
    release_id: int | None
    day: date | None
    edition: int


def read_waiting(
    condition: Q, *, tenant: Tenant, today: date, limit: int, order: Sequence[str] = ("decided_on", "id")
) -> list[Waiting]:
    """Return up to ``limit`` copies of ``tenant`` that meet ``condition``, in the order of what they were decided with.

    The tenant must be in scope.
    """
    columns = (
        "id", "tenant_id", "application_form_id", "version", "document", "evaluation", "wrapped_key", "key_id",
        "key_version", "decided_on", "release_id", "summary", "decided_release_id", "decided_edition",
    )  # fmt: skip
    copies = list(Copy.objects.filter(condition).order_by(*order).only(*columns)[:limit])
    form_ids = {copy.application_form_id for copy in copies}
    forms: dict[UUID, tuple[str, date | None, datetime | None]] = {
        pk: (catalogue, as_of, deleted_at)
        for pk, catalogue, as_of, deleted_at in ApplicationForm.objects.filter(pk__in=form_ids).values_list(
            "pk", "catalogue", "as_of", "deleted_at"
        )
    }
    bound = bound_forms(form_ids)
    return [
        _waiting(copy, *forms[copy.application_form_id], today=today, is_bound=copy.application_form_id in bound)
        for copy in copies
        if copy.application_form_id in forms
    ]


def bound_forms(form_ids: Iterable[UUID]) -> set[UUID]:
    """Return those of the forms whose latest disposition in force is that they were bound."""
    given = Disposition.objects.filter(application_form_id__in=set(form_ids), withdrawn_at=None)
    latest = dict(given.order_by("created_at", "id").values_list("application_form_id", "code"))
    return {form_id for form_id, code in latest.items() if code == BOUND}


def note_decisions(noted: Sequence[Noted], *, tenant: Tenant) -> int:
    """Store what leads to the decisions of copies, which are not changed by it; return how many were still at their
    version.
    """
    if not noted:
        return 0
    parameters: dict[str, Any] = {
        "ids": [one.copy_id for one in noted],
        "versions": [one.version for one in noted],
        "releases": [one.release_id for one in noted],
        "days": [one.day for one in noted],
        "editions": [one.edition for one in noted],
    }
    with connections[tenant.database_alias].cursor() as cursor:
        cursor.execute(_NOTE, parameters)
        return int(cursor.rowcount)


def _renames_since(release_id: int | None, catalogue: str) -> tuple[Renames, ...]:
    try:
        current = releases.current_id(catalogue)
    except releases.NoRelease:
        return ()
    return () if release_id in (None, current) else renames_between(release_id, current)


def _waiting(
    copy: Any, catalogue: str, as_of: date | None, deleted_at: datetime | None, *, today: date, is_bound: bool
) -> Waiting:
    key = None
    if copy.wrapped_key:
        key = WrappedKey.from_stored(bytes(copy.wrapped_key), key_id=copy.key_id, version=copy.key_version)
    stored = StoredCopy(
        id=copy.pk,
        tenant_id=copy.tenant_id,
        as_of=as_of or today,
        document=bytes(copy.document),
        evaluation=bytes(copy.evaluation),
        key=key,
        renames=_renames_since(copy.release_id, catalogue),
    )
    return Waiting(
        stored,
        copy.version,
        copy.decided_on,
        catalogue,
        as_of is not None,
        is_bound or deleted_at is not None,
        tuple(copy.summary.get("lines", ())),
        copy.application_form_id,
        (copy.decided_release_id, copy.decided_edition),
    )
