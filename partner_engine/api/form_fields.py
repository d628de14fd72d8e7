"""The fields of forms and copies that are no answers, as requests contain them: checked, and put into a changeset."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from msgspec import UNSET, UnsetType

from batch.changes.changeset import Changeset
from batch.changes.free_texts import clean_line
from batch.changes.mutators.copy_fields import MAX_TITLE
from partner_engine.api.http.field_errors import errors_of_field, errors_of_fields
from partner_engine.problems import Refused
from presentation.faults import join_pointer
from tenants.models import Tenant
from tenants.selectors import find_colleague


def checked_title(title: str) -> str:
    """Return ``title`` in its stored form. Raises ``Refused`` (422) for one that cannot be stored."""
    with errors_of_field("/title"):
        return clean_line(title, field="title", most=MAX_TITLE)


def checked_owner(owner_id: str | None | UnsetType, *, tenant: Tenant) -> UUID | None | UnsetType:
    """Return the id of an active user of ``tenant``; null and UNSET as they are. Raises ``Refused`` (422)."""
    if owner_id is None or owner_id is UNSET:
        return owner_id
    user = find_colleague(owner_id, tenant=tenant)
    if user is None:
        raise Refused.field("/owner_id", "Your organization has no active user with this id.", code="unknown_user")
    return user.pk


def change_form_fields(
    changeset: Changeset, *, external_id: str | None | UnsetType, metadata: Mapping[str, str | None]
) -> None:
    """Set the external id of the form (null for none) and merge ``metadata``. Raises ``Refused`` (422)."""
    form = changeset.application_form
    if external_id is not UNSET:
        with errors_of_field("/external_id"):
            form.set_external_id(external_id or "")
    if metadata:
        pointers = {f"metadata/{key}": join_pointer("/metadata", key) for key in metadata}
        with errors_of_fields({"metadata": "/metadata", **pointers}):
            form.merge_metadata(metadata)
