"""``/what_if``: what an answer that is given everywhere would change for the tenant's open copies."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from msgspec import Meta
from rest_framework.request import Request

from batch.errors import UnknownCatalogue
from catalogue import releases
from copies.models import Copy
from decisions.book_report import BookReport
from decisions.errors import AnswerNotSupposed, BookTooLarge
from decisions.what_if import MOST_AT_ONCE, answers_supposition, report_at_once
from partner_engine.api.bodies import Code
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.input import Body
from partner_engine.api.http.schema import documented
from partner_engine.problems import Fault, Refused
from presentation.faults import join_pointer
from presentation.visibility import Reader
from search.form_search import search_forms
from tenants.access import Right
from tenants.limits.scopes import WHAT_IF


class WhatIfInput(Body, frozen=True, kw_only=True):
    """The ``answers`` that are supposed, by question code (null clears an answer), for the open copies of ``catalogue``
    (by default the tenant's) that the search finds by ``query`` (all of them without it).
    """

    answers: dict[str, Any]
    catalogue: Code = ""
    query: Annotated[str, Meta(max_length=200)] = ""


class WhatIf(Endpoint):
    """Suppositions about the caller's open copies."""

    rights: ClassVar = {"POST": Right.READ_FORMS}
    limits: ClassVar = {"POST": WHAT_IF}

    @documented(
        "Suppose answers everywhere",
        "Decides the tenant's open copies as if every copy that asks these questions had these answers, and reports "
        "what would be different: outcomes, premiums in sum and by state, industry and cause, questions, quotes that "
        "would be stale, and products that would be open again or cheaper. The causes are the parts of each premium's "
        "formula with their exact shares, and the rules that open or close a product. Nothing is saved. Personal and "
        "sensitive answers cannot be supposed, and `query` does not search the sensitive ones (personal ones with the "
        "right `answers:pii`). Products whose decision depends on an answer that the caller may not see are left out "
        "and counted in `left_out`. Limited by the scope `what_if` (429). "
        f"More than {MOST_AT_ONCE} open copies are refused with 409: narrow them with `query`.",
        body=WhatIfInput,
        responses={200: BookReport},
        write=True,
        keyed=False,
    )
    def post(self, request: Request, *, body: WhatIfInput) -> HttpResponse:
        code = body.catalogue or self.tenant.catalogue
        try:
            supposition = answers_supposition(code, body.answers, reader=Reader.for_actor(self.actor))
            report = report_at_once(supposition, [self.tenant], narrow=self._narrowed(body.query))
        except releases.NoRelease as error:
            raise UnknownCatalogue(code) from error
        except AnswerNotSupposed as error:
            faults = [
                Fault(pointer=join_pointer("/answers", *filter(None, [place])), path=place, code=fault, detail=text)
                for place, fault, text in error.faults
            ]
            raise Refused(422, error.code, error.detail, faults=faults) from error
        except BookTooLarge as error:
            raise Refused(409, error.code, error.detail) from error
        return self.respond_with_status(200, report)

    def _narrowed(self, query: str) -> Any:
        personal = self.actor.may(Right.READ_PERSONAL)

        def narrow(copies: QuerySet[Copy]) -> QuerySet[Copy]:
            return search_forms(copies, query, personal=personal)

        return narrow if query.strip() else None
