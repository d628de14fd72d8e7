"""``/naics``: search for industry codes, ranked by how often the tenant's forms use them."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from batch.errors import UnknownCatalogue
from catalogue import releases
from partner_engine.api.bodies import NaicsQuery
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.schema import documented
from rules.industries import find_industries
from search.industries import search_industries
from tenants.access import Right
from tenants.limits.scopes import SEARCH


class IndustryShape(msgspec.Struct, frozen=True):
    """An industry of NAICS 2022 with its six-digit code. ``formerly`` is its code in NAICS 2017 if the search named
    that code, else "".
    """

    code: str
    title: str
    formerly: str


class IndustriesShape(msgspec.Struct, frozen=True):
    """The matching industries, best first; twelve at most."""

    results: list[IndustryShape]


class Naics(Endpoint):
    """The search for industry codes."""

    rights: ClassVar = {"GET": Right.READ_CATALOGUE}
    limits: ClassVar = {"GET": SEARCH}

    @documented(
        "Search for an industry",
        "Returns codes that begin with `q`, in NAICS 2022 or, with their successors, in NAICS 2017; or industries "
        "whose official title, index entries or everyday names (`plumber`, `coffee shop`) contain all of its words, "
        "whatever their endings. Misspelled words are replaced by similar ones; if no industry has all words, those "
        "with any of them are returned. Among equal matches, industries rank higher that the tenant's forms name more "
        "often in the state of `zip`, or that were chosen at about `employees`; this requires the right `forms:read` "
        "too.",
        query=NaicsQuery,
        responses={200: IndustriesShape},
    )
    def get(self, request: Request, *, query: NaicsQuery) -> HttpResponse:
        industries = find_industries(query.q)
        if self.actor.may(Right.READ_FORMS) and (query.zip or query.employees is not None):
            try:
                catalogue = releases.current(self.tenant.catalogue, tenant_id=self.tenant.id).compiled
            except releases.NoRelease as error:
                raise UnknownCatalogue(self.tenant.catalogue) from error
            industries = search_industries(query.q, catalogue, zip_code=query.zip, employees=query.employees)
        return self.respond(IndustriesShape([IndustryShape(*industry) for industry in industries]))
