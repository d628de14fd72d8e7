"""``/me``: the caller with its tenant and rights."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.schema import documented
from presentation import shapes


class Me(Endpoint):
    """The caller of the API."""

    rights: ClassVar = {"GET": None}

    @documented(
        "Read who you are",
        "The caller with its tenant and the rights of its token or session.",
        responses={200: shapes.Me},
    )
    def get(self, request: Request) -> HttpResponse:
        actor, tenant = self.actor, self.tenant
        tenant_shape = shapes.TenantShape(str(tenant.id), tenant.code, tenant.name, tenant.time_zone, tenant.catalogue)
        return self.respond(
            shapes.Me(
                type=actor.type,
                id=actor.id,
                label=actor.label,
                source=actor.source,
                rights=sorted(actor.rights),
                tenant=tenant_shape,
            )
        )
