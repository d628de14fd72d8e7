"""``/copies/{id}/explain``: why a question is asked, a product came out as it did, a price is what it is."""

from __future__ import annotations

from datetime import date
from typing import ClassVar
from uuid import UUID

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from partner_engine.api.bodies import ExplainQuery
from partner_engine.api.copies import find_copy
from partner_engine.api.http.conditional import version_tag
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.schema import documented
from partner_engine.audit import note_personal_read
from partner_engine.copy_visibility import visibility_of
from rules.explain.trace import PriceStep, TracedRule, explain
from tenants.access import Right


class ExplanationShape(msgspec.Struct, frozen=True, kw_only=True):
    """Why ``target`` is what it is at ``version``: one sentence, the rules with their values and truth, a price's
    steps.
    """

    target: str
    kind: str
    version: int
    result: str | float | bool | None
    text: str
    release: int
    as_of: date
    rules: list[TracedRule]
    premium_steps: list[PriceStep]


class Explain(Endpoint):
    """Why something on a copy is as it is."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "Explain",
        "Why a product, premium, question, question set, derived value or message is what it is: each rule with its "
        "condition, truth (`true`, `false`, `unknown`) and the values read, and what would make it match. `target` is "
        "`product:CODE`, `premium:CODE`, `question:PATH`, `set:CODE`, `derived:CODE`, `message:RULE` or a bare code.",
        query=ExplainQuery,
        answers={200: ExplanationShape},
        tagged=True,
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """Explain."""
        query = self.query(ExplainQuery)
        context = find_copy(self, id, query)
        changeset = context.read_only_changeset()
        visibility = visibility_of(context, actor=self.actor)
        found = explain(
            context.release.compiled,
            changeset.document,
            query.target,
            as_of=context.save_context.as_of,
            reveal=changeset.sealing.reveal,
            visibility=visibility,
            release=context.release.id,
        )
        shape = ExplanationShape(
            target=found.target,
            kind=found.kind,
            version=context.version,
            result=found.result,
            text=found.text,
            release=found.release,
            as_of=found.as_of,
            rules=list(found.rules),
            premium_steps=list(found.premium_steps),
        )
        note_personal_read(actor=self.actor, copy_id=id, count=visibility.personal_shown)
        return self.answer_with_tag(shape, version_tag(context.version))
