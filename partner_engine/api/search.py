"""``/search``: search the tenant's copies by words, tolerating typing errors, and by the first characters of ids."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from decisions.listing import present_rows
from forms.selectors import list_every_copy, with_partner_fields
from partner_engine.api.bodies import SearchQuery
from partner_engine.api.form_list import filter_copies, form_summary, lists_tests
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.pagination import decode_ranked, encode_ranked, next_page
from partner_engine.api.http.schema import documented
from partner_engine.copy_visibility import InsuredNames
from presentation import shapes
from presentation.visibility import Reader
from search.form_search import Ranked, rank_forms
from tenants.access import Right
from tenants.limits.scopes import SEARCH


class Search(Endpoint):
    """The search in the copies of the caller's tenant."""

    rights: ClassVar = {"GET": Right.READ_FORMS}
    limits: ClassVar = {"GET": SEARCH}

    @documented(
        "Search",
        "Copies that contain every word of `q` in their title or indexed answers, as a whole word or as the beginning "
        "of one, or whose id or form's id begins with it; without a match, copies with words of similar spelling. "
        "The best matches come first. Personal answers are searched only with the right `answers:pii`, sensitive ones "
        "never. A copy can be found as soon as it is saved. `test` as in the list of forms.",
        query=SearchQuery,
        responses={200: shapes.SearchPage},
    )
    def get(self, request: Request, *, query: SearchQuery) -> HttpResponse:
        sees_personal = self.actor.may(Right.READ_PERSONAL)
        every_copy = list_every_copy(deleted=query.state == "deleted", tests=lists_tests(query.test, self.actor))
        copies = filter_copies(every_copy, query, state=query.state, actor=self.actor)
        if query.updated_since is not None:
            copies = copies.filter(updated_at__gte=query.updated_since)
        after = Ranked(*decode_ranked(query.cursor)) if query.cursor else None
        ranked = rank_forms(copies, query.q, personal=sees_personal, after=after, limit=query.limit + 1)
        shown = ranked[: query.limit]
        matching = every_copy.filter(pk__in=[match.copy_id for match in shown])
        found = present_rows(with_partner_fields(matching), state=query.state)
        rows = {copy.pk: copy for copy in found}
        names = InsuredNames(Reader.for_actor(self.actor))
        results = [
            shapes.SearchHit(match.score, form_summary(rows[match.copy_id], names))
            for match in shown
            # A copy may be deleted, or decided anew, between the two queries.
            if match.copy_id in rows
        ]
        cursor = encode_ranked(*shown[-1]) if len(ranked) > query.limit else ""
        return self.respond(shapes.SearchPage(results, next_page(request, cursor)))
