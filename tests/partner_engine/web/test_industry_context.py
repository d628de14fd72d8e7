"""The context of an industry search: ZIP code and employees, from the questions that the catalogue names."""

import msgspec
import pytest

from copies.document import Answer, Document, PoolRow
from partner_engine.web.industry_context import place_and_size
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import compile_catalogue
from rules.definition.model import CompiledCatalogue


def catalogue(*employees: str, zip_questions: tuple[str, ...] = ("yard_zip",)) -> CompiledCatalogue:
    questions = [
        {"code": "crew", "label": "Crew", "type": "integer"},
        {"code": "helpers", "label": "Helpers", "type": "integer"},
        {"code": "zip", "label": "ZIP", "type": "zip"},
    ]
    yard = [{"code": "yard_zip", "label": "ZIP", "type": "zip"}]
    source = {
        "code": "yards",
        "title": "Yards",
        "employees_questions": employees,
        "zip_questions": zip_questions,
        "question_sets": [
            {"code": "start", "title": "Start", "questions": questions},
            {"code": "yards", "title": "Yards", "pool": {"code": "yards", "max": 3}, "questions": yard},
        ],
    }
    return compile_catalogue(msgspec.convert(source, CatalogueDefinition))


def document(**answers: object) -> Document:
    yard = PoolRow(id="1", answers={"yard_zip": Answer(value="43215")})
    return Document(
        answers={code: Answer(value=value) for code, value in answers.items()},  # type: ignore[arg-type]
        answer_pools={"yards": [yard]},
    )


@pytest.mark.parametrize(
    ("employees", "answers", "size"),
    [
        ((), {"crew": 5}, None),
        (("crew",), {"crew": 5, "helpers": 2}, 5),
        (("crew", "helpers"), {"crew": 5, "helpers": 2}, 7),
        (("crew", "helpers"), {"helpers": 0}, 0),
        (("crew", "helpers"), {}, None),
    ],
)
def test_the_catalogue_names_the_questions_that_count_employees(
    employees: tuple[str, ...], answers: dict[str, object], size: int | None
) -> None:
    assert place_and_size(document(**answers), catalogue(*employees)) == ("43215", size)


@pytest.mark.parametrize(
    ("named", "found"),
    [
        (("zip",), "78701"),
        (("yard_zip",), "43215"),
        (("yard_zip", "zip"), "43215"),
        (("zip", "yard_zip"), "78701"),
        ((), ""),
    ],
)
def test_the_catalogue_names_the_questions_of_the_place(named: tuple[str, ...], found: str) -> None:
    assert place_and_size(document(zip="78701"), catalogue(zip_questions=named)) == (found, None)


def test_hidden_answers_do_not_count() -> None:
    made = document(crew=5)
    made.answers["crew"].active = False

    assert place_and_size(made, catalogue("crew"))[1] is None
