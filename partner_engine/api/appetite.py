"""``/appetite``: the products that want a business, from any part of its answers; and the table of a release."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import ClassVar, Final

import msgspec
from django.http import HttpResponse
from msgspec.structs import astuple
from rest_framework.request import Request

from batch import service as batch
from batch.changes.changeset import Changeset
from batch.errors import AnswerFault, InvalidAnswers
from partner_engine.api.bodies import AppetiteQuery, AppetiteTableQuery
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.schema import documented
from partner_engine.problems import Fault, Refused
from presentation.strict_json import JsonFault, parse
from presentation.visibility import NOBODY, Confidentiality, Visibility
from rules.definition.labels import label_of
from rules.definition.model import CompiledCatalogue
from rules.flow.appetite import Appetite, Wanted, appetites
from rules.flow.appetite_table import appetite_table
from rules.flow.evaluation import Outcome, Reason
from tenants.access import Right

#: Servers on the way of a request log its address.
_SENSITIVE: Final = "{code} is personal and must not be in the address of a request: leave it out."


class DependsOnShape(msgspec.Struct, frozen=True):
    """A question, or a pool, that an appetite depends on."""

    path: str
    label: str


class AppetiteShape(msgspec.Struct, frozen=True, kw_only=True):
    """The appetite of one product: ``yes``, ``no``, or ``depends`` on further questions.

    ``outcome`` is that of the known answers; a ``yes`` can be ``eligible`` or ``refer``.
    """

    carrier: str
    line: str
    wanted: Wanted
    outcome: Outcome
    reasons: list[Reason]
    depends_on: list[DependsOnShape]


class AppetitesShape(msgspec.Struct, frozen=True, kw_only=True):
    """The appetite of every product of the release, in the order of the catalogue."""

    release: int
    as_of: date
    products: dict[str, AppetiteShape]


class Appetites(Endpoint):
    """The appetite of all products for a business."""

    rights: ClassVar = {"GET": Right.READ_CATALOGUE}

    @documented(
        "Read the appetite",
        "Returns for every product whether it wants a business of which only `answers` are known: `yes` and `no` hold "
        "whatever else is answered, `depends` names the questions that decide next. `answers` and `answer_pools` are "
        "JSON as in a new form, in any part. Without an answer to the question for the lines, each product is decided "
        "as if its line alone were requested. Nothing is stored.",
        query=AppetiteQuery,
        responses={200: AppetitesShape, 304: None},
    )
    def get(self, request: Request, *, query: AppetiteQuery) -> HttpResponse:
        answers, pools = _object("answers", query.answers), _object("answer_pools", query.answer_pools)
        with batch.build_context(scope=self.tenant, actor=self.actor, catalogue=query.catalogue) as context:
            catalogue, as_of = context.release.compiled, context.save_context.as_of
            _refuse_sensitive(catalogue, answers, pools)
            changeset = context.changeset
            changeset.apply_answers(answers, pools)
            found = appetites(catalogue, changeset.document, as_of=as_of, reveal=changeset.sealing.reveal)
            if found.refusals:
                raise InvalidAnswers([AnswerFault(*astuple(item)) for item in found.refusals])
            shape = AppetitesShape(
                release=context.release.id,
                as_of=as_of,
                products={code: _shape(changeset, code, item) for code, item in found.products.items()},
            )
        return self.respond_with_digest(shape)


class AppetiteRow(msgspec.Struct, frozen=True):
    """The appetite of all products, by their codes, for one industry in one state."""

    industry: str
    title: str
    state: str
    wanted: dict[str, Wanted]


class AppetiteTableShape(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the table of a release: one row for each industry and state."""

    release: int
    as_of: date
    rows: list[AppetiteRow]


class AppetiteTable(Endpoint):
    """The appetite of a release by industry and state."""

    rights: ClassVar = {"GET": Right.READ_CATALOGUE}

    @documented(
        "Read the appetite table",
        "Returns the appetite of every product for the industries whose codes begin with `industry` (two digits or "
        "more), in `state` or in every state that the catalogue knows, as far as these two decide. "
        "`manage.py appetite_table` writes the whole table.",
        query=AppetiteTableQuery,
        responses={200: AppetiteTableShape, 304: None},
    )
    def get(self, request: Request, *, query: AppetiteTableQuery) -> HttpResponse:
        with batch.build_context(scope=self.tenant, actor=self.actor, catalogue=query.catalogue) as context:
            catalogue, as_of = context.release.compiled, context.save_context.as_of
        states = [query.state] if query.state else ()
        rows = appetite_table(catalogue, as_of=as_of, industry=query.industry, states=states)
        shape = AppetiteTableShape(
            release=context.release.id, as_of=as_of, rows=[AppetiteRow(*row[:3], dict(row.wanted)) for row in rows]
        )
        return self.respond_with_digest(shape)


def _object(name: str, text: str) -> dict[str, object]:
    """Return the JSON object in the parameter ``name``. Raises ``Refused`` (400)."""
    try:
        value = parse(text.encode())
    except JsonFault as fault:
        shown = Fault(path=name, code=fault.code, detail=fault.text)
        raise Refused(
            400, "invalid_query", f"The parameter {name} is not JSON: {fault.text}", faults=[shown]
        ) from fault
    if not isinstance(value, dict):
        shown = Fault(path=name, code="wrong_type", detail='Must be a JSON object, such as {"code": "value"}.')
        raise Refused(400, "invalid_query", f"The parameter {name} must be a JSON object.", faults=[shown])
    return value


def _refuse_sensitive(catalogue: CompiledCatalogue, answers: dict[str, object], pools: dict[str, object]) -> None:
    """Raise ``Refused`` (422) for answers that must not be in the address of a request."""
    visibility = Visibility(catalogue, NOBODY)
    faults = [
        Fault(path=code, code="sensitive_in_address", detail=_SENSITIVE.format(code=code))
        for code in dict.fromkeys((*answers, *_names_in(pools)))
        if code in catalogue.questions and visibility.of(code) is not Confidentiality.PUBLIC
    ]
    if faults:
        raise Refused(422, "sensitive_in_address", faults[0].detail, faults=faults)


def _names_in(value: object) -> Iterator[str]:
    """Yield the names in ``value`` at any depth."""
    if isinstance(value, dict):
        yield from value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _names_in(part)


def _shape(changeset: Changeset, code: str, found: Appetite) -> AppetiteShape:
    product = changeset.catalogue.products[code].product
    return AppetiteShape(
        carrier=product.carrier,
        line=product.line,
        wanted=found.wanted,
        outcome=found.outcome,
        reasons=list(found.reasons),
        depends_on=[DependsOnShape(path, label_of(changeset.catalogue, path)) for path in found.depends_on],
    )
