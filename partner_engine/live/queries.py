"""What sockets ask of the database: whether a copy is there, its version, what changed, which release is in force, who
its listeners are.

Called in threads; each call sets its own tenant.
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
from partner_engine.active_users import API_CLIENT, Sign, note_all_active
from partner_engine.api.changes import changes_since_version
from partner_engine.live.frames import BadFrame, ChangesAnswer, ErrorFrame
from partner_engine.live.grants import Grant
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User


class CopyFacts(msgspec.Struct, frozen=True):
    """What the snapshot tells of a copy, and the catalogue that it is asked by."""

    version: int
    release: int
    catalogue: str


def read_copy(tenant: Tenant, copy_id: UUID) -> CopyFacts | None:
    """Return what holds of a copy now; None where the tenant has no such copy."""
    with use_tenant(tenant):
        copy = Copy.objects.filter(pk=copy_id, deleted_at=None).values("version", "application_form_id").first()
        if copy is None:
            return None
        form = ApplicationForm.objects.filter(pk=copy["application_form_id"], deleted_at=None).values("catalogue")
        catalogue = form.first()
    if catalogue is None:
        return None
    return CopyFacts(copy["version"], release_in_force(catalogue["catalogue"]), catalogue["catalogue"])


def versions(tenant: Tenant, copy_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the version of each copy that is there, in one query."""
    with use_tenant(tenant):
        return dict(Copy.objects.filter(pk__in=copy_ids, deleted_at=None).values_list("pk", "version"))


def releases_in_force(catalogues: Iterable[str]) -> dict[str, int]:
    """Return the release in force of each catalogue; 0 for one that was never published."""
    return {code: release_in_force(code) for code in catalogues}


def release_in_force(catalogue: str) -> int:
    """Return the id of the release in force, 0 for none."""
    try:
        return releases.current(catalogue).id
    except releases.NoRelease:
        return 0


def changes_frame(grant: Grant, copy_id: UUID, *, since: int) -> ChangesAnswer:
    """Return what changed after version ``since``, as the API would tell it. Raises ``BadFrame``, ``NotFound``."""
    with use_tenant(grant.tenant):
        context = batch.find(copy_id, scope=grant.tenant, actor=grant.actor)
        if context.copy.id != copy_id:
            raise NotFound
        try:
            return ChangesAnswer(since=since, body=changes_since_version(context, since, actor=grant.actor))
        except NoSuchVersion as error:
            fault = {"pointer": "/version", "code": "no_such_version", "detail": str(error)}
            raise BadFrame(ErrorFrame(code="no_such_version", detail=str(error), errors=[fault])) from error


def note_listeners(grants: Collection[Grant]) -> None:
    """Note that the people and programs who listen by ``grants`` are at work, in one query and one call to Redis."""
    people = {grant.user_id: grant.tenant.id for grant in grants if grant.kind == "session"}
    roles = User.objects.filter(pk__in=people).values_list("pk", "role")
    signs = [Sign(people[str(pk)], role, str(pk)) for pk, role in roles]
    programs = {grant.actor.id: grant.tenant.id for grant in grants if grant.actor.type == API_CLIENT}
    note_all_active([*signs, *(Sign(tenant_id, API_CLIENT, key) for key, tenant_id in programs.items())])
