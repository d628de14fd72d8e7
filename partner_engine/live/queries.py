"""The database queries of sockets: copies, their versions and changes, current releases, active viewers.

They run in threads; each call sets its own tenant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

import msgspec

from batch import service as batch
from batch.errors import NotFound
from catalogue import releases
from copies.history import NoSuchVersion
from copies.models import Copy
from forms.models import ApplicationForm
from partner_engine.active_users import API_CLIENT, Activity, note_all_active
from partner_engine.copy_changes import changes_since_version
from partner_engine.live.frames import BadFrame, ChangesFrame, ErrorFrame
from partner_engine.live.grants import Grant
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User


class CopyFacts(msgspec.Struct, frozen=True):
    """The version, release, catalogue and form of a copy, for the snapshot and its room."""

    version: int
    release: int
    catalogue: str
    form_id: UUID


def load_copy_facts(tenant: Tenant, copy_id: UUID) -> CopyFacts | None:
    """Return the current facts of a copy, None if the tenant has no such copy."""
    with use_tenant(tenant):
        copy = Copy.objects.filter(pk=copy_id, deleted_at=None).values("version", "application_form_id").first()
        if copy is None:
            return None
        form = ApplicationForm.objects.filter(pk=copy["application_form_id"], deleted_at=None).values("catalogue")
        catalogue = form.first()
    if catalogue is None:
        return None
    code = catalogue["catalogue"]
    return CopyFacts(copy["version"], current_release(code, tenant.id), code, copy["application_form_id"])


def load_versions(tenant: Tenant, copy_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the version of each existing copy, in one query; a deleted form has none."""
    with use_tenant(tenant):
        forms = ApplicationForm.objects.filter(deleted_at=None)
        copies = Copy.objects.filter(pk__in=copy_ids, deleted_at=None, application_form_id__in=forms.values("pk"))
        return dict(copies.values_list("pk", "version"))


def current_releases(catalogues: Iterable[tuple[str, UUID]]) -> dict[tuple[str, UUID], int]:
    """Return the current release of each catalogue at each tenant, 0 for an unpublished one."""
    return {(code, tenant_id): current_release(code, tenant_id) for code, tenant_id in catalogues}


def current_release(catalogue: str, tenant_id: UUID) -> int:
    """Return the id of the current release at a tenant, 0 for none."""
    try:
        return releases.current(catalogue, tenant_id=tenant_id).id
    except releases.NoRelease:
        return 0


def changes_frame(grant: Grant, copy_id: UUID, *, since: int) -> ChangesFrame:
    """Return the changes after version ``since`` in the API's shape. Raises ``BadFrame``, ``NotFound``."""
    with use_tenant(grant.tenant):
        context = batch.find(copy_id, scope=grant.tenant, actor=grant.actor)
        if context.copy.id != copy_id:
            raise NotFound
        try:
            return ChangesFrame(since=since, body=changes_since_version(context, since, actor=grant.actor))
        except NoSuchVersion as error:
            fault = {"pointer": "/version", "code": "no_such_version", "detail": str(error)}
            raise BadFrame(ErrorFrame(code="no_such_version", detail=str(error), errors=[fault])) from error


def note_viewers_active(grants: Collection[Grant]) -> None:
    """Mark the people and programs with ``grants`` as active, in one query and one round trip to Redis."""
    people = {grant.user_id: grant.tenant.id for grant in grants if grant.kind == "session"}
    roles = User.objects.filter(pk__in=people).values_list("pk", "role")
    activities = [Activity(people[str(pk)], role, str(pk)) for pk, role in roles]
    programs = {grant.actor.id: grant.tenant.id for grant in grants if grant.actor.type == API_CLIENT}
    note_all_active([*activities, *(Activity(tenant_id, API_CLIENT, key) for key, tenant_id in programs.items())])
