"""``/search``: the tenant's copies by words, misspelt ones too, and by beginnings of ids; the best first."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from forms.selectors import list_every_copy
from partner_engine.api.bodies import SearchQuery
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.pagination import decode_ranked, encode_ranked, next_link
from partner_engine.api.http.schema import documented
from partner_engine.api.listing import form_summary, narrow
from partner_engine.copy_visibility import InsuredNames
from presentation import shapes
from presentation.visibility import Reader
from search.forms import Ranked, rank_forms
from tenants.access import Right


class Search(Endpoint):
    """All copies of the caller's tenant."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "Search",
        "Copies that hold every word of `q` in their title or indexed answers, as a whole word or as the beginning of "
        "one, or whose id (or whose form's id) begins with it; where there are none, words that are spelt alike. The "
        "best come first. Personal answers are searched only with the right `answers:pii`, sensitive ones never. A "
        "copy is found as soon as it is saved.",
        query=SearchQuery,
        answers={200: shapes.SearchPage},
    )
    def get(self, request: Request) -> HttpResponse:
        """Search."""
        query = self.query(SearchQuery)
        sees_personal = self.actor.may(Right.READ_PERSONAL)
        every_copy = list_every_copy(deleted=query.state == "deleted")
        copies = narrow(every_copy, query, state=query.state, actor=self.actor)
        after = Ranked(*decode_ranked(query.cursor)) if query.cursor else None
        ranked = rank_forms(copies, query.q, personal=sees_personal, after=after, limit=query.limit + 1)
        shown = ranked[: query.limit]
        rows = {copy.pk: copy for copy in every_copy.filter(pk__in=[found.copy_id for found in shown])}
        names = InsuredNames(Reader.for_actor(self.actor))
        results = [
            shapes.SearchHit(found.score, form_summary(rows[found.copy_id], names))
            for found in shown
            # One that was deleted between the two queries is not there any more.
            if found.copy_id in rows
        ]
        parameters = {name: str(value) for name, value in request.GET.items() if name != "cursor"}
        cursor = encode_ranked(*shown[-1]) if len(ranked) > query.limit else ""
        return self.answer(shapes.SearchPage(results, next_link(request.path, parameters, cursor)))
