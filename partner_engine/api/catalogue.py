"""``/catalogue``: the questions and products of the current release, without rates and carriers' rules."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, ClassVar, get_args

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from batch.errors import UnknownCatalogue
from catalogue import releases
from partner_engine.api.bodies import CatalogueQuery
from partner_engine.api.http.conditional import version_tag
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.schema import documented
from presentation.answers_schema import answers_schema
from presentation.listed_values import one_of
from rules.definition.catalogue import Pool, Question, RequiredWhen, Sensitivity
from tenants.access import Right


class ChoiceShape(msgspec.Struct, frozen=True):
    """One choice of a question."""

    code: str
    label: str


class RequiredWhenShape(msgspec.Struct, frozen=True):
    """The conditions (CEL) while which an answer is needed before a quote and before binding; "" is never."""

    quote: str
    bind: str


class QuestionShape(msgspec.Struct, frozen=True, kw_only=True):
    """A question: its type, choices, visibility condition (CEL) and validation rules.

    ``required`` is quote, bind, optional, or conditional; then ``required_when`` has the conditions.
    """

    code: str
    label: str
    type: str
    required: Annotated[str, one_of("quote", "bind", "optional", "conditional")]
    required_when: RequiredWhenShape | None
    choices: list[ChoiceShape]
    when: str
    validate: list[str]
    products: list[str]
    sensitivity: Annotated[str, one_of(*get_args(Sensitivity))]
    help: str


class PoolShape(msgspec.Struct, frozen=True, kw_only=True):
    """A repeating group. ``key`` lists the questions that identify a row, ``parent`` is the pool that it nests in."""

    code: str
    parent: str
    min: int
    max: int
    key: list[str]


class CatalogueSetShape(msgspec.Struct, frozen=True, kw_only=True):
    """A question set; with a ``pool`` its questions are asked for every row."""

    code: str
    title: str
    when: str
    pool: PoolShape | None
    questions: list[QuestionShape]


class CarrierShape(msgspec.Struct, frozen=True):
    """A carrier; a carrier that is not admitted writes surplus lines."""

    code: str
    name: str
    admitted: bool


class ProductShape(msgspec.Struct, frozen=True):
    """A product of a carrier in one line of business."""

    code: str
    label: str
    carrier: str
    line: str
    bindable: bool


class CatalogueShape(msgspec.Struct, frozen=True, kw_only=True):
    """A published catalogue.

    ``lines_question`` is the question for the requested lines, ``title_question`` the one whose answer names the
    insured.
    """

    code: str
    title: str
    currency: str
    release: int
    number: int
    lines_question: str
    title_question: str
    question_sets: list[CatalogueSetShape]
    lines: list[ChoiceShape]
    carriers: list[CarrierShape]
    products: list[ProductShape]


class Catalogue(Endpoint):
    """The catalogue of new forms."""

    rights: ClassVar = {"GET": Right.READ_CATALOGUE}

    @documented(
        "Read the catalogue",
        "Question sets, pools, questions with their choices, lines, carriers and products of the current release. The "
        "entity tag changes with a new release.",
        query=CatalogueQuery,
        responses={200: CatalogueShape, 304: None},
        refuses=(422,),
    )
    def get(self, request: Request, *, query: CatalogueQuery) -> HttpResponse:
        release = _release(self, query.code)
        return self.respond(catalogue_shape(release.id), etag=version_tag(release.id))


class AnswersSchema(msgspec.Struct, frozen=True, kw_only=True):
    """A JSON Schema (2020-12); its other members are those of the standard."""

    title: str


class CatalogueJsonSchema(Endpoint):
    """The JSON Schema of a catalogue's answers."""

    rights: ClassVar = {"GET": Right.READ_CATALOGUE}

    @documented(
        "Read the schema of answers",
        "A JSON Schema (2020-12) of the `answers` and `answer_pools` that forms of this catalogue take, with the "
        "choices of each question, of the questions that `/catalogue` lists. It describes answers in their stored "
        "form; more spellings are accepted. The entity tag changes with a new release.",
        query=CatalogueQuery,
        responses={200: AnswersSchema, 304: None},
        refuses=(422,),
        selects=False,
    )
    def get(self, request: Request, *, query: CatalogueQuery) -> HttpResponse:
        release = _release(self, query.code)
        return self.respond(_json_schema(release.id), etag=version_tag(release.id))


def _release(endpoint: Endpoint, code: str) -> releases.CompiledRelease:
    """Return the current release of a catalogue, "" for the tenant's. Raises ``UnknownCatalogue``."""
    named = code or endpoint.tenant.catalogue
    try:
        return releases.current(named, tenant_id=endpoint.tenant.id)
    except releases.NoRelease as error:
        raise UnknownCatalogue(named) from error


@lru_cache(maxsize=8)
def _json_schema(release_id: int) -> dict[str, Any]:
    """Return the JSON Schema of a release; a release never changes."""
    return answers_schema(releases.get(release_id).compiled.definition)


@lru_cache(maxsize=8)
def catalogue_shape(release_id: int) -> CatalogueShape:
    """Return the shape of a release; a release never changes."""
    release = releases.get(release_id)
    definition = release.compiled.definition
    choices = {
        code: [ChoiceShape(choice, label) for choice, label in labels.items()]
        for code, labels in definition.choices.items()
    }
    return CatalogueShape(
        code=definition.code,
        title=definition.title,
        currency=definition.currency,
        release=release.id,
        number=release.number,
        lines_question=definition.lines_question,
        title_question=definition.title_question,
        question_sets=[
            CatalogueSetShape(
                code=question_set.code,
                title=question_set.title,
                when=question_set.when,
                pool=_pool(question_set.pool) if question_set.pool else None,
                questions=[
                    _question(question, choices.get(question.choices, [])) for question in question_set.questions
                ],
            )
            for question_set in definition.question_sets
        ],
        lines=[ChoiceShape(line.code, line.label) for line in definition.lines],
        carriers=[CarrierShape(carrier.code, carrier.name, carrier.admitted) for carrier in definition.carriers],
        products=[
            ProductShape(product.code, product.label, product.carrier, product.line, product.rate_type == "bindable")
            for product in definition.products
        ],
    )


def _pool(pool: Pool) -> PoolShape:
    return PoolShape(code=pool.code, parent=pool.parent, min=pool.min, max=pool.max, key=list(pool.key))


def _question(question: Question, choices: list[ChoiceShape]) -> QuestionShape:
    condition = question.required if isinstance(question.required, RequiredWhen) else None
    return QuestionShape(
        code=question.code,
        label=question.label,
        type=question.type,
        required="conditional" if isinstance(question.required, RequiredWhen) else question.required,
        required_when=RequiredWhenShape(condition.quote, condition.bind) if condition else None,
        choices=choices,
        when=question.when,
        validate=list(question.validate),
        products=list(question.products),
        sensitivity=question.sensitivity,
        help=question.help,
    )
