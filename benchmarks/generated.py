"""A catalogue and a document of any size for measurements: so many rules, so many answers, partly in rows. Seeded, so
that the same figures give the same content.
"""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Final

from copies.document import (
    Answer,
    AnsweredBy,
    AnswerValue,
    Container,
    Document,
    DocumentQuestionSet,
    PoolRow,
    find_container,
)
from rules.definition.catalogue import (
    Carrier,
    CatalogueDefinition,
    Derived,
    FormRule,
    Line,
    Link,
    Pool,
    Product,
    ProductRule,
    Question,
    QuestionSet,
    Rating,
    Term,
)
from rules.flow.evaluation import FlowResult

_TYPES: Final[tuple[str, ...]] = ("integer", "boolean", "choice", "money", "text")
_RULES_OF_PRODUCT: Final = 40
_QUESTIONS_OF_SET: Final = 20
_COMPLETED: Final = datetime(2026, 6, 1, tzinfo=UTC)
_LETTERS: Final = {"a": "A", "b": "B", "c": "C"}


def generated_catalogue(*, rules: int, answers: int, rows: int = 20, seed: int = 1) -> CatalogueDefinition:
    """Return a catalogue of ``rules`` rules, whose document of ``rows`` rows holds about ``answers`` answers.

    A third of the answers is in the rows. Of ten rules one is a form rule, seven are rules of products (40 each, one
    carrier of four not admitted) and two are conditions of questions; one rule of five looks at rows or at a derived
    value.
    """
    return _Maker(rules=rules, answers=answers, rows=rows, seed=seed).definition()


def generated_document(definition: CatalogueDefinition, *, rows: int = 20, seed: int = 1) -> Document:
    """Return a document with an answer to every question of ``definition``, with ``rows`` rows in each pool."""
    random, document = Random(seed), Document()
    for part in definition.question_sets:
        places: list[Container] = [document]
        if part.pool:
            places = [PoolRow(id=f"{part.pool.code}-{number}") for number in range(rows)]
            document.answer_pools[part.pool.code] = [place for place in places if isinstance(place, PoolRow)]
        for place in places:
            for question in part.questions:
                place.answers[question.code] = Answer(value=generated_value(definition, question, random))
    return document


def generated_value(definition: CatalogueDefinition, question: Question, random: Random) -> AnswerValue:
    """Return an answer that fits ``question``."""
    if question.code == definition.lines_question:
        return list(definition.choices["lines"])
    values: dict[str, list[AnswerValue]] = {
        "integer": [1, 5, 40, 90],
        "boolean": [True, False],
        "choice": ["a", "b", "c"],
        "money": [500, 90_000, 2_500_000],
        "text": ["Alder", "Birch", "Cedar"],
        "naics": ["722511", "238160"],
    }
    return random.choice(values[question.type])


def take_in(document: Document, result: FlowResult) -> None:
    """Apply what the check flow asks for, as a save does, so that ``document`` stands as after one."""
    for state in result.states:
        prefix, _, code = state.path.rpartition("/")
        container = find_container(document, prefix)
        assert container is not None
        answer = container.answers.setdefault(code, Answer())
        answer.active, answer.required, answer.readonly = state.active, state.required, state.readonly
    for path in result.dropped:
        prefix, _, code = path.rpartition("/")
        container = find_container(document, prefix)
        assert container is not None
        del container.answers[code]
    by = AnsweredBy("rule")
    kept = [part for part in document.question_sets if part.code not in result.removed_sets]
    document.question_sets = kept + [DocumentQuestionSet(code=code, added_by=by) for code in result.added_sets]
    for part in document.question_sets:
        if part.code in result.completed_sets:
            part.completed_at = _COMPLETED
        if part.code in result.reopened_sets:
            part.completed_at = None


class _Maker:
    def __init__(self, *, rules: int, answers: int, rows: int, seed: int) -> None:
        self._random = Random(seed)
        self._answers = answers
        self._in_rows = max(2, answers // 3 // rows)
        self._product_rules = rules * 7 // 10
        self._form_rules = rules // 10
        self._conditions = rules - self._product_rules - self._form_rules
        self._top: list[Question] = []
        self._row: list[Question] = []
        self._derived: list[Derived] = []
        self._rows = rows

    def definition(self) -> CatalogueDefinition:
        products = max(1, -(-self._product_rules // _RULES_OF_PRODUCT))
        self._questions()
        return CatalogueDefinition(
            code="generated",
            title="Generated",
            lines_question="lines",
            choices={"lines": {"one": "One", "two": "Two"}, "letters": _LETTERS},
            question_sets=self._sets(),
            derived=tuple(self._derived),
            form_rules=tuple(
                FormRule(
                    id=f"F{number}", when=self._truth(), then="warn", at=self._random.choice(self._top).code, say="?"
                )
                for number in range(self._form_rules)
            ),
            lines=tuple(
                Line(code=code, label=code, states='[state == "a" ? "TX" : "OH"]', industry="industry")
                for code in ("one", "two")
            ),
            carriers=tuple(
                Carrier(code=f"C{number}", name="?", admitted=number % 4 != 3, link=Link(mode="sync"))
                for number in range(products)
            ),
            products=tuple(self._product(number, products) for number in range(products)),
        )

    def _questions(self) -> None:
        self._top += [
            Question(code="lines", label="?", type="multi_choice", choices="lines", required="quote"),
            Question(code="state", label="?", type="choice", choices="letters", required="quote"),
            Question(code="industry", label="?", type="naics", required="quote"),
        ]
        top = max(20, self._answers - self._in_rows * self._rows - len(self._top))
        in_rows = min(self._in_rows // 5, self._conditions // 2)
        conditioned = _evenly(self._conditions - in_rows, first=9, last=top)
        for number in range(top):
            when = self._condition(self._top[-1 - self._random.randrange(5)]) if number in conditioned else ""
            self._top.append(self._question(f"q{number}", _TYPES[number % 5], when))
            if number % 50 == 40:
                self._derived.append(self._sum(f"d{number}", [item for item in self._top if item.type == "integer"]))
        conditioned = _evenly(in_rows, first=1, last=self._in_rows)
        for number in range(self._in_rows):
            when = self._condition(self._row[-1]) if number in conditioned else ""
            self._row.append(self._question(f"r{number}", _TYPES[number % 5], when))

    def _question(self, code: str, kind: str, when: str) -> Question:
        validate = {"integer": ("min:0",), "text": ("max:40",)}.get(kind, ())
        choices = "letters" if kind == "choice" else ""
        return Question(
            code=code, label="?", type=kind, choices=choices, required="quote", when=when, validate=validate
        )

    def _sum(self, code: str, numbers: list[Question]) -> Derived:
        return Derived(code=code, value=" + ".join(item.code for item in self._random.sample(numbers, 2)))

    def _condition(self, question: Question) -> str:
        """Return what mostly shows the question that waits for ``question``."""
        return {
            "integer": f"{question.code} < 1000",
            "money": f"{question.code} < 2600000",
            "boolean": f"{question.code} || !{question.code}",
            "choice": f'{question.code} in ["a", "b", "c"]',
            "text": f'{question.code} != ""',
        }.get(question.type, "true")

    def _sets(self) -> tuple[QuestionSet, ...]:
        parts = [self._top[start : start + _QUESTIONS_OF_SET] for start in range(0, len(self._top), _QUESTIONS_OF_SET)]
        sets = [QuestionSet(code=f"set{number}", title="?", questions=tuple(part)) for number, part in enumerate(parts)]
        return (*sets, QuestionSet(code="rows", title="?", pool=Pool(code="sites"), questions=tuple(self._row)))

    def _truth(self) -> str:
        kind = self._random.random()
        row = self._random.choice([item for item in self._row if item.type in ("integer", "boolean")])
        if kind < 0.1:
            return f"sites.exists(s, {self._atom(row, 's.')})"
        if kind < 0.2 and self._derived:
            return f"{self._random.choice(self._derived).code} > 150"
        one, other = self._random.sample(self._top[3:], 2)
        return f"{self._atom(one)} && {self._atom(other)}"

    def _atom(self, question: Question, prefix: str = "") -> str:
        code = f"{prefix}{question.code}"
        return {
            "integer": f"{code} > 45",
            "money": f"{code} > 1000000",
            "boolean": code,
            "choice": f'{code} == "c"',
            "text": f'{code}.startsWith("C")',
        }[question.type]

    def _product(self, number: int, products: int) -> Product:
        share = range(number, self._product_rules, products)
        numbers = [item for item in self._top if item.type == "money"]
        terms = tuple(Term(rate="1.25", per="1000", of=self._random.choice(numbers).code) for _ in range(2))
        return Product(
            code=f"P{number}",
            carrier=f"C{number}",
            line="one" if number % 2 else "two",
            rate_type="bindable",
            states=("TX", "OH"),
            rating=Rating(minimum="500", terms=terms),
            rules=tuple(
                ProductRule(id=f"R{rule}", when=self._truth(), then="refer" if rule % 8 else "decline", why="?")
                for rule in share
            ),
        )


def _evenly(count: int, *, first: int, last: int) -> set[int]:
    """Return ``count`` places from ``first`` to before ``last``, evenly spread; fewer where there are not so many."""
    count = min(count, last - first)
    return {first + (last - first) * number // count for number in range(count)}
