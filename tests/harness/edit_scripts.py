"""Random edits of a form through its changeset, for any catalogue."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from random import Random
from typing import Any, TypeAlias
from uuid import UUID

import hypothesis.strategies as st
import msgspec

from batch.changes.changeset import Changeset
from batch.changes.mutators.pools import PoolMutator, RowMutator
from batch.changes.records import CopyRecord, FormRecord, Loaded, SaveContext
from batch.changes.snapshots import CopyFields
from catalogue.demo import CATALOGUE_FILE
from catalogue.files import read_catalogue
from catalogue.releases import CompiledRelease
from copies.document import Answer, AnswerValue, Document
from rules.definition.catalogue import Question
from rules.definition.compiler import compile_catalogue
from rules.definition.model import CompiledCatalogue
from tenants.access import Actor

AS_OF = date(2026, 6, 1)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
COPY_ID = UUID(int=7)


#: The questions that show and hide most in the demo.
DEMO_MOVERS = ("mqs_lobs", "mqs_naics", "mqs_legal_entity", "mqs_has_fein", "mqs_any_losses")
Step: TypeAlias = tuple[str, Any, Any, int]


class OpenSealing:
    """A sealing that leaves values readable, so that the test can compare them."""

    def seal(self, path: str, value: AnswerValue) -> bytes:
        return msgspec.json.encode(value)

    def reveal(self, path: str, answer: Answer) -> AnswerValue:
        return answer.value if answer.sealed is None else msgspec.json.decode(answer.sealed)


@cache
def demo_catalogue() -> CompiledCatalogue:
    return compile_catalogue(read_catalogue(CATALOGUE_FILE))


def changeset_of(document: Document, catalogue: CompiledCatalogue) -> Changeset:
    """Return a changeset of a copy that was loaded with ``document``, for work without a database."""
    loaded = Loaded(FormRecord(COPY_ID, "demo", None, NOW), CopyRecord(COPY_ID, COPY_ID, 1, CopyFields(), NOW, NOW))
    release = CompiledRelease(id=1, number=1, catalogue_code="demo", compiled=catalogue)
    actor = Actor(type="user", id="7", source="web")
    context = SaveContext(tenant_id=COPY_ID, actor=actor, now=NOW, as_of=AS_OF, today=AS_OF, release=release)
    return Changeset(document, loaded=loaded, context=context, sealing=OpenSealing())


SAMPLES: dict[str, list[Any]] = {
    "text": ["A", "Main house"],
    "long_text": ["A demo business described in a sentence."],
    "boolean": [True, False],
    "integer": [0, 1, 5, 40],
    "number": [0, 2.5, 400],
    "decimal": [0.8, 1.3],
    "money": [0, 500, 90_000, 4_000_000],
    "percent": [0, 22, 60],
    "date": ["2026-06-20", "2025-01-31", "1980-02-29"],
    "year": [1950, 1990, 2010, 2026],
    "zip": ["78701", "43215"],
    "email": ["robin@example.com"],
    "phone": ["614-555-0101"],
    "url": ["https://example.com"],
    "fein": ["00-0000001"],
    "ssn": ["987-65-4321", "987-65-4322"],
    "vin": ["1DMTRK451PX000002", "1DMTRLR19PX000003"],
    "naics": ["722511", "238160", "561730", "541512"],
}


def values_for(catalogue: CompiledCatalogue, question: Question) -> st.SearchStrategy[Any]:
    """Return valid values of the question, and None."""
    codes = list(catalogue.choices(question)) if question.choices else []
    if question.type == "multi_choice":
        return st.lists(st.sampled_from(codes), max_size=4, unique=True)
    return st.sampled_from([*(codes or SAMPLES[question.type]), None])


@st.composite
def steps(draw: st.DrawFn, catalogue: CompiledCatalogue, movers: tuple[str, ...] = DEMO_MOVERS) -> Step:
    """Return one edit: (kind, question or pool, value, row)."""
    which = draw(st.integers(0, 5))
    if catalogue.pools and draw(st.integers(0, 9)) < 3:
        what = draw(st.sampled_from(["add", "add", "remove"]))
        return what, draw(st.sampled_from(list(catalogue.pools))), None, which
    # Half of the edits are to the questions that show and hide most.
    code = draw(st.sampled_from(movers) if draw(st.booleans()) else st.sampled_from(list(catalogue.questions)))
    question = catalogue.questions[code].question
    return "answer", code, draw(values_for(catalogue, question)), which


def fill(changeset: Changeset, random: Random) -> None:
    """Answer most questions, in one or two rows of every pool."""
    catalogue = changeset.catalogue
    for pool in catalogue.pools:
        for owner in owners_of(changeset, pool):
            for _ in range(random.choice([1, 2, 2])):
                owner.find_pool(pool).add()
    for code, question in catalogue.questions.items():
        codes = list(catalogue.choices(question.question)) if question.question.choices else []
        for place in [row for _, row in rows_of(changeset, question.pool)] if question.pool else [changeset]:
            value = random.choice(codes or SAMPLES[question.question.type])
            if random.random() < 0.85:
                place.find_answer(code).apply([value] if question.question.type == "multi_choice" else value)


def rows_of(changeset: Changeset, pool: str) -> list[tuple[PoolMutator, RowMutator]]:
    """Return all rows of ``pool``, each with the pool that it is in."""
    below = [owner.find_pool(pool) for owner in owners_of(changeset, pool)]
    return [(found, row) for found in below for row in found.rows]


def owners_of(changeset: Changeset, pool: str) -> list[Changeset] | list[RowMutator]:
    """Return the containers of rows of ``pool``: the document, or the rows around it."""
    parent = changeset.catalogue.pools[pool].pool.parent
    return [row for _, row in rows_of(changeset, parent)] if parent else [changeset]


def carry_out(changeset: Changeset, step: Step, held: dict[str, Any]) -> None:
    """Apply one edit; ``held`` has the expected value of every answer."""
    what, name, value, which = step
    if what == "answer":
        pool = changeset.catalogue.questions[name].pool
        places = [row for _, row in rows_of(changeset, pool)] if pool else [changeset]
        if places:
            mutator = places[which % len(places)].find_answer(name)
            mutator.apply(value)
            held[mutator.path] = value
    elif what == "add":
        owners = owners_of(changeset, name)
        if owners:
            found = owners[which % len(owners)].find_pool(name)
            if len(found.rows) < 3:
                found.add()
    else:
        rows = rows_of(changeset, name)
        if rows:
            _, row = rows[which % len(rows)]
            row.remove()
            for answered in [answered for answered in held if answered.startswith(row.path + "/")]:
                del held[answered]
