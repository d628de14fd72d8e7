"""``/copies/{id}/explain``: the reasons for a question, a product's outcome or a premium."""

from __future__ import annotations

from datetime import date
from typing import ClassVar
from uuid import UUID

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from partner_engine.api.bodies import ExplainQuery
from partner_engine.api.copies import find_copy
from partner_engine.api.copy_response import discretion_of
from partner_engine.api.http.conditional import version_tag
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.schema import documented
from partner_engine.audit import note_personal_read
from presentation.redaction import Discretion
from rules.explain.trace import PriceStep, TracedPart, TracedRule, explain
from tenants.access import Right


class ExplanationShape(msgspec.Struct, frozen=True, kw_only=True):
    """The explanation of ``target`` at ``version``: one sentence, the rules with their values and truth, and the steps
    of a premium.
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
    """Explanations of a copy's evaluation."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "Explain",
        "Explains a product, premium, question, question set, derived value or message: each rule with its condition, "
        "truth (`true`, `false`, `unknown`) and the values it read, and what would make it match. `target` is "
        "`product:CODE`, `premium:CODE`, `question:PATH`, `set:CODE`, `derived:CODE`, `message:RULE` or a bare code.",
        query=ExplainQuery,
        responses={200: ExplanationShape},
        tagged=True,
    )
    def get(self, request: Request, id: UUID, *, query: ExplainQuery) -> HttpResponse:
        context = find_copy(self, id, query)
        changeset = context.read_only_changeset()
        explanation = explain(
            context.release.compiled,
            changeset.document,
            query.target,
            as_of=context.setting.as_of,
            reveal=changeset.sealing.reveal,
            release=context.release.id,
        )
        discretion = discretion_of(self.actor, context)
        shape = ExplanationShape(
            target=explanation.target,
            kind=explanation.kind,
            version=context.version,
            result=explanation.result,
            text=explanation.text,
            release=explanation.release,
            as_of=explanation.as_of,
            rules=[_rule(rule, discretion) for rule in explanation.rules],
            premium_steps=list(explanation.premium_steps),
        )
        note_personal_read(actor=self.actor, copy_id=id, count=discretion.personal_shown)
        return self.respond_in_full(shape, version_tag(context.version))


def _rule(rule: TracedRule, discretion: Discretion) -> TracedRule:
    parts = tuple(TracedPart(part.condition, part.truth, discretion.values(part.values)) for part in rule.parts)
    return msgspec.structs.replace(rule, values=discretion.values(rule.values), parts=parts)
