"""The catalogue of the fault tests: the kennel catalogue with a pool of labelled entries to append to, and its
answers.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec

from rules.definition.catalogue import Pool, Question, QuestionSet
from tenants.access import Actor, Right
from tests.harness.kennel_catalogue import ANSWERS, KENNELS

#: The limit of rows on one form: documents stay small in spite of many appends.
CAPACITY: Final = 40
TENANT: Final = "ledger"
ACTOR: Final = Actor(type="user", id=str(UUID(int=7)), source="web", label="Robin Agent", rights=frozenset(Right))

LEDGER: Final = msgspec.structs.replace(
    KENNELS,
    code=TENANT,
    title="Boarding kennels with a ledger",
    question_sets=(
        *KENNELS.question_sets,
        QuestionSet(
            code="entries",
            title="Ledger",
            pool=Pool(code="entries", max=CAPACITY),
            questions=(Question(code="entry", label="Entry", type="text"),),
        ),
    ),
)


def beginning(label: str) -> dict[str, Any]:
    """Return the answers of a new form: with ``HOUSES``, PA-CARE is eligible."""
    return {**ANSWERS, "kennel_name": label, "has_cats": True, "cat_count": 20}


def next_cats(cats: object) -> int:
    """Return the number of cats that changes PA-CARE's outcome: each save then changes products, and every second one
    opens surplus lines.
    """
    return 20 if cats == 101 else 101
