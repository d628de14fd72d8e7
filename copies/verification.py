"""Verifies the hash chains of stored copies, copy by copy, with the links that were noted outside as anchors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from copies.chain_check import COPY_COLUMNS, REVISION_COLUMNS, Finding, check
from copies.models import Copy, CopyRevision
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: The links of one copy that were noted, by version.
Anchors = Mapping[int, str]
_CHUNK: Final = 200
#: A copy that is saved between the two reads seems to have a version too many, so a fault is looked at again.
_ATTEMPTS: Final = 3


class Verified(NamedTuple):
    """One copy that was verified, with the number of its versions and what was found."""

    copy_id: UUID
    versions: int
    findings: list[Finding]


def heads(tenant: Tenant, *, form_id: UUID | None = None) -> Iterator[tuple[UUID, int, str]]:
    """Yield id, version and last link (hexadecimal) of each copy of the tenant, deleted ones too."""
    with use_tenant(tenant):
        rows = _copies(form_id).values_list("id", "version", "chain")
        for copy_id, version, chain in rows.iterator(chunk_size=_CHUNK):
            yield copy_id, version, bytes(chain).hex()


def verify(
    tenant: Tenant, *, form_id: UUID | None = None, anchors: Mapping[UUID, Anchors] | None = None
) -> Iterator[Verified]:
    """Verify each copy of the tenant, or of one form; copies that only the anchors know are missing."""
    noted = dict(anchors or {})
    with use_tenant(tenant):
        for copy_id in list(_copies(form_id).values_list("id", flat=True)):
            yield _verify(copy_id, noted.pop(copy_id, {}))
    if form_id is None:
        for copy_id, links in noted.items():
            yield Verified(copy_id, 0, [Finding(max(links), "missing", "The copy was removed with all its versions.")])


def _copies(form_id: UUID | None) -> QuerySet[Copy]:
    copies = Copy.objects.order_by("id")
    return copies if form_id is None else copies.filter(application_form_id=form_id)


def _verify(copy_id: UUID, anchors: Anchors) -> Verified:
    revisions = CopyRevision.objects.filter(copy_id=copy_id).order_by("version")
    for _ in range(_ATTEMPTS):
        copy = Copy.objects.values(*COPY_COLUMNS).get(pk=copy_id)
        amends = list(revisions.exclude(amends=b"").values("version", "amends"))
        rows = revisions.values(*REVISION_COLUMNS).iterator(chunk_size=50)
        findings = check(rows, copy, amends=amends, anchors=anchors)
        if not findings:
            break
    return Verified(copy_id, copy["version"], findings)
