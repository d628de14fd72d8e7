"""Books of the demo's catalogues, decided without a database: their golden cases, varied, and drafts of any kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from random import Random
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from catalogue.case_files import FileCase
from catalogue.demo import DEMO_FOLDER
from catalogue.files import CatalogueFile, read_file
from catalogue.golden_answers import document_of
from catalogue.packages.contents import without_carrier
from copies.codec import encode, encode_document
from copies.document import Container, Document, walk_containers
from decisions.copy_effect import BookCopy
from decisions.decide_many import StoredCopy
from decisions.supposition import DraftRelease
from rules.definition.catalogue import CatalogueDefinition, Product, Question
from tests.harness.boarding_catalogue import settle

NAMES: Final = ("catalogue", "commercial_package", "cyber")


def read_demo(name: str) -> CatalogueFile:
    """Return one of the demo's catalogues with its golden cases."""
    return read_file(DEMO_FOLDER / f"{name}.yaml")


def demo_documents(file: CatalogueFile, release: DraftRelease, count: int, *, seed: int = 1) -> Iterator[BookCopy]:
    """Yield ``count`` copies that ``release`` decided: golden cases with other numbers, choices and yes or no, some
    without an answer.
    """
    chance = Random(seed)  # noqa: S311 - a seeded sample
    for number in range(count):
        case = file.cases[number % len(file.cases)]
        made = _varied(case, file.definition, chance)
        evaluation = settle(release.compiled, made, as_of=case.as_of)
        copy = StoredCopy(
            id=UUID(int=number),
            tenant_id=UUID(int=1),
            as_of=case.as_of,
            document=encode_document(made),
            evaluation=encode(evaluation),
        )
        lines = made.answers[file.definition.lines_question].value
        yield BookCopy(copy=copy, form_id=UUID(int=number), is_present=True, lines=tuple(lines))  # type: ignore[arg-type]


def _varied(case: FileCase, definition: CatalogueDefinition, chance: Random) -> Document:
    made = document_of(case.case_answers)
    questions = {question.code: question for part in definition.question_sets for question in part.questions}
    kept = {definition.lines_question, definition.industry_question}
    for _, container in walk_containers(made):
        for code in list(container.answers):
            if code not in kept and chance.random() < 0.15:
                _vary(container, questions[code], definition, chance)
    return made


def _vary(container: Container, question: Question, definition: CatalogueDefinition, chance: Random) -> None:
    answer = container.answers[question.code]
    if chance.random() < 0.1:
        del container.answers[question.code]
    elif question.type == "choice":
        answer.value = chance.choice(list(definition.choices[question.choices]))
    elif question.type == "boolean":
        answer.value = not answer.value
    elif isinstance(answer.value, int) and answer.value > 100:
        answer.value = int(answer.value * chance.choice([0.5, 0.9, 1.7, 6]))


def dearer(definition: CatalogueDefinition) -> CatalogueDefinition:
    """Return ``definition`` with other terms, factors and minimums of its first product."""
    first, *others = definition.products
    rating = first.rating
    terms = tuple(replace(term, rate=_times(term.rate, "1.13")) for term in rating.terms)
    tables = tuple(
        replace(table, rates={code: _times(rate, "0.93") for code, rate in table.rates.items()})
        for table in rating.tables
    )
    factors = tuple(replace(factor, times=_times(factor.times, "1.05")) for factor in rating.factors)
    rating = replace(rating, minimum=_times(rating.minimum, "1.1"), terms=terms, tables=tables, factors=factors)
    return replace(definition, products=(replace(first, rating=rating), *others))


def with_other_tables(definition: CatalogueDefinition) -> CatalogueDefinition:
    """Return ``definition`` with every rate table replaced: the rate of one class is gone, the others are dearer."""
    products = []
    for product in definition.products:
        tables = tuple(
            replace(table, rates={code: _times(rate, "1.21") for code, rate in list(table.rates.items())[1:]})
            for table in product.rating.tables
        )
        products.append(replace(product, rating=replace(product.rating, tables=tables)))
    return replace(definition, products=tuple(products))


def with_carrier(definition: CatalogueDefinition) -> CatalogueDefinition:
    """Return ``definition`` with a new carrier, whose products are open to all and ask one more question."""
    carrier = replace(definition.carriers[0], code="NEW", name="New Carrier", admitted=True)
    products = tuple(_open(product) for product in definition.products[:2])
    question = Question(
        code="new_safe", label="Is there a safe?", type="boolean", required="quote", products=("NEW-0",)
    )  # fmt: skip
    products = tuple(replace(product, code=f"NEW-{place}") for place, product in enumerate(products))
    sets = definition.question_sets
    place = next(place for place, part in enumerate(sets) if part.pool is None)
    extended = replace(sets[place], questions=(*sets[place].questions, question))
    return replace(
        definition,
        carriers=(*definition.carriers, carrier),
        products=(*definition.products, *products),
        question_sets=(*sets[:place], extended, *sets[place + 1 :]),
    )


def _open(product: Product) -> Product:
    return replace(product, carrier="NEW", states=None, industries=None, rules=(), payload=None)


def without_first_carrier(definition: CatalogueDefinition) -> CatalogueDefinition:
    """Return ``definition`` without its first carrier, as if it was withdrawn."""
    return without_carrier(definition, definition.carriers[0].code)


def without_rules(definition: CatalogueDefinition) -> CatalogueDefinition:
    """Return ``definition`` with one rule less for each product: products come back."""
    products = (replace(product, rules=product.rules[1:]) for product in definition.products)
    return replace(definition, products=tuple(products))


def asking_more(definition: CatalogueDefinition) -> CatalogueDefinition:
    """Return ``definition`` with a needed question that every copy lacks."""
    question = Question(code="is_new", label="Is anything new?", type="boolean", required="quote")
    sets = definition.question_sets
    place = next(place for place, part in enumerate(sets) if part.pool is None and not part.when)
    extended = replace(sets[place], questions=(*sets[place].questions, question))
    return replace(definition, question_sets=(*sets[:place], extended, *sets[place + 1 :]))


def _times(number: str, factor: str) -> str:
    return str((Decimal(number) * Decimal(factor)).quantize(Decimal("0.0001")).normalize().__format__("f"))


#: Changes of a definition, by name.
CHANGES: Final[dict[str, Callable[[CatalogueDefinition], CatalogueDefinition]]] = {
    "dearer": dearer,
    "other tables": with_other_tables,
    "a new carrier": with_carrier,
    "a carrier withdrawn": without_first_carrier,
    "rules gone": without_rules,
    "a new needed question": asking_more,
}
