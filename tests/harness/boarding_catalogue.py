"""A second line of business with codes of its own, small enough to decide by hand: boarding houses for pets."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from copies.document import Answer, AnsweredBy, Container, Document, DocumentQuestionSet, PoolRow, find_container
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import CompiledCatalogue, compile_catalogue
from rules.flow import check_flow
from rules.flow.evaluation import Evaluation, FlowResult

AS_OF = date(2026, 6, 1)

BOARDING: dict[str, Any] = {
    "code": "boarding",
    "title": "Pet boarding",
    "allow_test_identities": True,
    "lines_question": "wanted",
    "title_question": "kennel_name",
    "choices": {
        "lines": {"care": "Animal care", "fire": "Fire"},
        "states": {"TX": "Texas", "OH": "Ohio"},
        "species": {"dog": "Dog", "cat": "Cat", "snake": "Snake"},
        "limits": {"low": "Low", "high": "High"},
    },
    "question_sets": [
        {
            "code": "start",
            "title": "Start",
            "questions": [
                {"code": "kennel_name", "label": "Name", "type": "text", "required": "quote", "validate": ["max:20"]},
                {"code": "wanted", "label": "Cover", "type": "multi_choice", "choices": "lines", "required": "quote"},
                {"code": "home_state", "label": "State", "type": "choice", "choices": "states", "required": "quote"},
                {"code": "home_zip", "label": "ZIP", "type": "zip", "validate": ["zip_matches_state:home_state"]},
                {"code": "industry", "label": "Industry", "type": "naics", "required": "quote", "validate": ["naics6"]},
                {"code": "income", "label": "Income", "type": "money", "required": "quote", "validate": ["min:0"]},
                {
                    "code": "opened",
                    "label": "Opened",
                    "type": "date",
                    "required": "quote",
                    "validate": ["not_after:as_of"],
                },
                {
                    "code": "owner_ssn",
                    "label": "SSN",
                    "type": "ssn",
                    "required": "bind",
                    "sensitivity": "spi",
                    "validate": ["ssn"],
                },
                {"code": "limit", "label": "Limit", "type": "choice", "choices": "limits", "required": "quote"},
                {"code": "exotic", "label": "Exotic pets?", "type": "boolean", "required": "quote"},
                {"code": "vet", "label": "Vet on call?", "type": "boolean", "required": "quote", "when": "exotic"},
                {"code": "vet_fee", "label": "Vet's fee", "type": "money", "when": "vet"},
            ],
        },
        {
            "code": "houses",
            "title": "Houses",
            "when": '"care" in wanted',
            "pool": {"code": "kennels", "min": 1, "max": 5, "key": ["street"]},
            "questions": [
                {
                    "code": "street",
                    "label": "Street",
                    "type": "text",
                    "required": "quote",
                    "validate": ["unique_in_pool"],
                },
                {"code": "share", "label": "Share", "type": "percent", "validate": ["pool_sum_max:100"]},
                {"code": "is_heated", "label": "Heated?", "type": "boolean", "required": "quote"},
            ],
        },
        {
            "code": "guests",
            "title": "Guests",
            "when": "is_heated",
            "pool": {"code": "pets", "parent": "kennels"},
            "questions": [
                {"code": "species", "label": "Species", "type": "choice", "choices": "species", "required": "quote"},
                {"code": "weight", "label": "Weight", "type": "number", "required": "quote"},
                {
                    "code": "muzzle",
                    "label": "Muzzle?",
                    "type": "boolean",
                    "required": "quote",
                    "when": 'species == "dog" && weight > 30',
                },
            ],
        },
        {
            "code": "carrier_extra",
            "title": "Carriers' own",
            "questions": [
                {
                    "code": "paw_survey",
                    "label": "Survey?",
                    "type": "boolean",
                    "required": "quote",
                    "products": ["PAW-CARE"],
                },
                {
                    "code": "fin_survey",
                    "label": "Fin's survey?",
                    "type": "boolean",
                    "required": "quote",
                    "products": ["FIN-CARE"],
                },
            ],
        },
    ],
    "derived": [
        {"code": "years_open", "value": "years(opened)"},
        {"code": "heads", "value": "sum(kennels.map(k, count(k.pets)))"},
        {"code": "rated_income", "value": 'limit == "high" ? income * 2 : income'},
        {"code": "heaviest", "value": "max(kennels.map(k, max(k.pets.map(p, p.weight))))"},
    ],
    "form_rules": [
        {"id": "B-1", "when": "income > 900000", "then": "warn", "at": "income", "say": "A lot for a kennel"},
        {"id": "B-2", "when": 'species == "snake"', "then": "error", "at": "species", "say": "No snakes"},
    ],
    "lines": [
        {"code": "care", "label": "Care", "states": "[home_state]", "industry": "industry"},
        {"code": "fire", "label": "Fire", "states": "[home_state]", "industry": "industry"},
    ],
    "carriers": [
        {"code": "PAW", "name": "Paw Mutual", "admitted": True, "link": {"mode": "sync"}},
        {"code": "FIN", "name": "Fin Specialty", "admitted": False, "link": {"mode": "manual"}},
    ],
    "products": [
        {
            "code": "PAW-CARE",
            "carrier": "PAW",
            "line": "care",
            "rate_type": "bindable",
            "states": ["TX"],
            "industries": ["8129"],
            "rating": {
                "minimum": "100",
                "terms": [{"rate": "1.5", "per": "1000", "of": "rated_income"}],
                "tables": [
                    {
                        "pool": "pets",
                        "rate_by": "species",
                        "rates": {"dog": "10", "cat": "4.25"},
                        "amount": "weight",
                        "per": "10",
                        "reason": "kind",
                    }
                ],
                "factors": [{"id": "new", "when": "years_open < 2", "times": "1.5"}],
            },
            "rules": [
                {"id": "P1", "when": "heaviest > 80", "then": "decline", "why": "Too heavy"},
                {"id": "P2", "when": "paw_survey == false", "then": "decline", "why": "No survey"},
                {"id": "P3", "when": "exotic && !vet", "then": "refer", "why": "No vet"},
                {
                    "id": "P4",
                    "when": 'limit == "high" && years_open < 1',
                    "then": "adjust",
                    "set": {"limit": "low"},
                    "why": "Too new",
                },
            ],
        },
        {
            "code": "FIN-CARE",
            "carrier": "FIN",
            "line": "care",
            "rate_type": "indication",
            "rating": {"minimum": "500"},
            "rules": [{"id": "F1", "when": "fin_survey == false", "then": "decline", "why": "No survey"}],
        },
    ],
}

#: A kennel that PAW-CARE takes: 1.5 * 40 + 10 * 2 + 4.25 * 0.5 = 82.125, at least 100.
ANSWERS: dict[str, Any] = {
    "kennel_name": "Happy Tails",
    "wanted": ["care"],
    "home_state": "TX",
    "industry": "812910",
    "income": 40000,
    "opened": "2020-06-02",
    "limit": "low",
    "exotic": False,
    "paw_survey": True,
    "kennels": [
        {
            "street": "1 Bark Lane",
            "is_heated": True,
            "pets": [{"species": "dog", "weight": 20}, {"species": "cat", "weight": 5}],
        }
    ],
}


def boarding(**changes: Any) -> CompiledCatalogue:
    """Return the catalogue compiled, with top-level keys changed."""
    return compile_catalogue(definition(**changes))


def definition(**changes: Any) -> CatalogueDefinition:
    """Return the catalogue's definition, with top-level keys changed."""
    return msgspec.convert({**BOARDING, **changes}, CatalogueDefinition)


def document(
    answers: Mapping[str, Any], *, without: tuple[str, ...] = (), names: Iterator[str] | None = None
) -> Document:  # fmt: skip
    """Return a document of plain values; lists of dicts are pools, whose rows are named by ``names``, else a, b, c ...
    over the whole document.
    """
    made = Document()
    _fill(
        made,
        {code: value for code, value in answers.items() if code not in without},
        names or map(chr, itertools.count(97)),
    )
    return made


def _fill(container: Container, answers: Mapping[str, Any], names: Iterator[str]) -> None:
    for code, value in answers.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = container.answer_pools[code] = []
            for given in value:
                rows.append(PoolRow(id=next(names)))
                _fill(rows[-1], given, names)
        else:
            container.answers[code] = Answer(value=value)


def fire(catalogue: CompiledCatalogue, made: Document, *, as_of: date = AS_OF) -> FlowResult:
    """Run the check flow once."""
    return check_flow.run(catalogue, made, as_of=as_of, release=7, reveal=lambda path, answer: answer.value)


def settle(catalogue: CompiledCatalogue, made: Document, *, as_of: date = AS_OF) -> Evaluation:
    """Run the check flow, apply its result, check that a second run changes nothing, and return the
    evaluation.
    """
    result = fire(catalogue, made, as_of=as_of)
    take_in(made, result)
    again = fire(catalogue, made, as_of=as_of)
    assert msgspec.structs.replace(again, refusals=()) == FlowResult(evaluation=result.evaluation)
    return result.evaluation


def take_in(made: Document, result: FlowResult) -> None:
    """Apply a result to the document."""
    for state in result.states:
        prefix, _, code = state.path.rpartition("/")
        container = find_container(made, prefix)
        assert container is not None
        answer = container.answers.setdefault(code, Answer())
        answer.active, answer.required, answer.readonly = state.active, state.required, state.readonly
    for path in result.dropped:
        prefix, _, code = path.rpartition("/")
        container = find_container(made, prefix)
        assert container is not None
        del container.answers[code]
    kept = [part for part in made.question_sets if part.code not in result.removed_sets]
    made.question_sets = kept + [
        DocumentQuestionSet(code=code, added_by=AnsweredBy("rule")) for code in result.added_sets
    ]
    for part in made.question_sets:
        if part.code in result.completed_sets:
            part.completed_at = datetime(2026, 6, 1, tzinfo=UTC)
        if part.code in result.reopened_sets:
            part.completed_at = None
