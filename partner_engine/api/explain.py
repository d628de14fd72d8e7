"""``/copies/{id}/explain``: the reasons for a question, a product's outcome or a premium."""

from __future__ import annotations

from datetime import date
from typing import ClassVar
from uuid import UUID

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from batch.context import BatchContext
from copies.paths import lower_row_ids
from partner_engine.api.bodies import ExplainQuery
from partner_engine.api.copies import respond_to_read
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.schema import documented
from partner_engine.audit import note_personal_read
from partner_engine.copy_visibility import visibility_of
from rules.explain.trace import PriceStep, TracedRule, explain
from tenants.access import Right


class ExplanationShape(msgspec.Struct, frozen=True, kw_only=True):
    """The explanation of ``target`` at ``version``: one sentence, the rules with their values and truth, and the steps
    of a premium. ``way_back`` says what would take a decline back, ``nearest`` is the rule with the smallest way back.
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
    way_back: str
    nearest: str


class Explain(Endpoint):
    """Explanations of a copy's evaluation."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "Explain",
        "Explains a product, premium, question, question set, derived value or message: each rule with its condition, "
        "truth (`true`, `false`, `unknown`) and the values it read, and what would make it match, or take a decline "
        "back (`way_back`). `target` is "
        "`product:CODE`, `premium:CODE`, `question:PATH`, `set:CODE`, `derived:CODE`, `message:RULE` or a bare code.",
        query=ExplainQuery,
        responses={200: ExplanationShape, 304: None},
        refuses=(409, 422),
        tagged=True,
    )
    def get(self, request: Request, id: UUID, *, query: ExplainQuery) -> HttpResponse:
        return respond_to_read(self, id, query, lambda context: self._explain(context, query.target))

    def _explain(self, context: BatchContext, target: str) -> ExplanationShape:
        changeset, _ = context.current_view()
        visibility = visibility_of(context, actor=self.actor)
        explanation = explain(
            context.decision_release.compiled,
            changeset.document,
            lower_row_ids(target),
            as_of=context.decision_day,
            reveal=changeset.sealing.reveal,
            visibility=visibility,
            release=context.decision_release.id,
            ways_back=True,
        )
        note_personal_read(actor=self.actor, copy_id=context.copy.id, count=visibility.personal_shown)
        return ExplanationShape(
            target=explanation.target,
            kind=explanation.kind,
            version=context.version,
            result=explanation.result,
            text=explanation.text,
            release=explanation.release,
            as_of=explanation.as_of,
            rules=list(explanation.rules),
            premium_steps=list(explanation.premium_steps),
            way_back=explanation.way_back,
            nearest=explanation.nearest,
        )
