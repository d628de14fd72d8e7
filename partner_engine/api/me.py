"""``/me``: who calls, for which tenant, with which rights."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from partner_engine.api.bodies import NoQuery
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.schema import documented
from presentation import shapes


class Me(Endpoint):
    """The caller."""

    rights: ClassVar = {"GET": None}

    @documented(
        "Read who you are",
        "The caller with its tenant and rights: what a token or session is good for.",
        query=NoQuery,
        answers={200: shapes.Me},
    )
    def get(self, request: Request) -> HttpResponse:
        """Read the caller."""
        self.query()
        actor, tenant = self.actor, self.tenant
        found = shapes.TenantShape(str(tenant.id), tenant.code, tenant.name, tenant.time_zone, tenant.catalogue)
        return self.answer(
            shapes.Me(
                type=actor.type,
                id=actor.id,
                label=actor.label,
                source=actor.source,
                rights=sorted(actor.rights),
                tenant=found,
            )
        )
