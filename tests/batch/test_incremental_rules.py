"""For every edit, a partial run of the rules returns the same result as a full run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from random import Random
from types import MappingProxyType
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from batch.changes.changeset import Changeset
from batch.changes.decision import decide
from batch.errors import BatchError
from copies.document import Answer, Document, PoolRow, walk_containers
from copies.paths import Path
from rules.definition.model import CHECKS, RATING, CompiledCatalogue, Dependents, Readers
from rules.flow import check_flow
from rules.flow.evaluation import Evaluation, FlowResult
from rules.flow.messages import NO_LONGER_ASKED
from rules.incremental import partial_run
from tests.harness.boarding_catalogue import take_in
from tests.harness.edit_scripts import (
    AS_OF,
    OpenSealing,
    Step,
    carry_out,
    changeset_of,
    demo_catalogue,
    fill,
    owners_of,
    rows_of,
    steps,
)
from tests.harness.random_catalogues import random_catalogue
from tests.harness.tiers import amount

SCRIPTS_IN_FULL = int(os.environ.get("EDIT_SCRIPTS", "10000"))
CATALOGUES = 60
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
#: Values of other types, of removed choices, and beyond the limits of most questions.
MISTYPED: list[Any] = ["?", 3, True, [], "gone", ["a", "gone"], 2.5, "x" * 200, "7870", -1]
RARE = ["mistype", "mistype", "exclude", "include", "bypass", "replace", "take_off", "keep", "reopen", "crowd", "leave"]
RARE += ["forget"]
#: The seed of the first answers, and the saves.
Script = tuple[int, list[list[Step]]]


@st.composite
def other_steps(draw: st.DrawFn, catalogue: CompiledCatalogue) -> Step:
    """Return a rare kind of edit."""
    which = draw(st.integers(0, 5))
    what = draw(st.sampled_from(RARE))
    if what == "mistype" or not catalogue.pools:
        return "mistype", draw(st.sampled_from(list(catalogue.questions))), draw(st.sampled_from(MISTYPED)), which
    if what in ("crowd", "leave", "forget"):
        return what, draw(st.sampled_from(list(catalogue.pools))), None, which
    if what in ("exclude", "include", "bypass"):
        return what, draw(st.sampled_from(list(catalogue.products))), None, which
    if what == "replace":
        return what, draw(st.sampled_from(list(catalogue.pools))), None, which
    return what, draw(st.sampled_from(list(catalogue.sets))), None, which


def scripts(catalogue: CompiledCatalogue, movers: tuple[str, ...]) -> st.SearchStrategy[Script]:
    """Return saves, each of one to four edits."""
    step = st.one_of(*[steps(catalogue, movers)] * 4, other_steps(catalogue))
    saves = st.lists(st.lists(step, min_size=1, max_size=4), min_size=1, max_size=15)
    return st.tuples(st.integers(0, 20), saves)


def carry_out_any(changeset: Changeset, step: Step) -> None:
    what, name, value, which = step
    if what in ("answer", "add", "remove"):
        carry_out(changeset, step, {})
    elif what == "mistype":
        mistype(changeset, name, value, which)
    elif what in ("replace", "leave"):
        replace_row(changeset, name, which, with_orphans=what == "leave")
    elif what == "crowd":
        for owner in owners_of(changeset, name)[:2]:
            for _ in range(4):
                owner.find_pool(name).add_empty()
    elif what == "forget":
        forget_orphans(changeset)
    elif what in ("exclude", "include", "bypass"):
        exclusions = changeset.exclusions
        {"exclude": exclusions.force_exclude, "include": exclusions.include, "bypass": exclusions.bypass}[what](name)
    else:
        change_set(changeset, what, name)


def mistype(changeset: Changeset, code: str, value: Any, which: int) -> None:
    """Store ``value`` without cleaning it, as an earlier release may have done."""
    pool = changeset.catalogue.questions[code].pool
    places: list[Any] = [row for _, row in rows_of(changeset, pool)] if pool else [changeset]
    if places:
        mutator = places[which % len(places)].find_answer(code)
        answer = mutator._container.answers.get(code)
        changeset.tracker.touch_answer(mutator.path, answer)
        mutator._container.answers[code] = Answer(value=value)


def replace_row(changeset: Changeset, pool: str, which: int, *, with_orphans: bool) -> None:
    """Remove a row and put it back, perhaps with rows of a pool that the release does not have."""
    rows = rows_of(changeset, pool)
    if rows:
        found, row = rows[which % len(rows)]
        struct = row._row
        row.remove()
        if with_orphans:
            struct.answer_pools["left"] = [PoolRow(id=f"left-{which}", answers={"q": Answer(value="a")})]
        found.put_back(struct, position=0)


def forget_orphans(changeset: Changeset) -> None:
    """Remove the rows of the first pool that the release does not have."""
    for pool in changeset.catalogue.pools:
        for _, row in rows_of(changeset, pool):
            if row.orphans.rows("left"):
                return row.orphans.remove_rows("left")
    return None


def change_set(changeset: Changeset, what: str, code: str) -> None:
    found = changeset.add_question_set(code)
    if what == "take_off":
        found.remove()
    elif what == "keep":
        found.keep_if_ineligible()
    else:
        found.reopen() if found.completed_at else found.complete()


def full_run(catalogue: CompiledCatalogue, document: Document) -> FlowResult:
    return check_flow.run(catalogue, document, as_of=AS_OF, release=1, reveal=OpenSealing().reveal)


@contextmanager
def never_in_full() -> Iterator[None]:
    """Let a full run fail, so that only partial runs are tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check_flow, "run", None)
        patch.setattr(partial_run, "COST_OF_A_CHANGE", 0)
        yield


def rerun_in_parts(
    catalogue: CompiledCatalogue, document: Document, before: Evaluation, changed: list[str]
) -> FlowResult:  # fmt: skip
    """Return the result of a partial run; only orphaned pools and unknown codes may cause a full one."""
    orphans = any(message.code == NO_LONGER_ASKED for message in before.messages) or has_orphans(catalogue, document)
    orphans |= any("/left/" in path for path in changed)
    with nullcontext() if orphans else never_in_full():
        return partial_run.rerun(
            catalogue,
            document,
            before=before,
            changed=changed,
            as_of=AS_OF,
            release=1,
            reveal=OpenSealing().reveal,
        )


def has_orphans(catalogue: CompiledCatalogue, document: Document) -> bool:
    """Return whether ``document`` has answers or rows that ``catalogue`` does not have in their place."""
    return any(
        not container.answers.keys() <= catalogue.codes.get(Path(path).pool, frozenset())
        or not container.answer_pools.keys() <= catalogue.nested.get(Path(path).pool, frozenset())
        for path, container in walk_containers(document)
    )


def follow(
    catalogue: CompiledCatalogue, script: Script, *, sabotaged: CompiledCatalogue | None = None
) -> FlowResult:  # fmt: skip
    """Run the rules both ways after each save of ``script``, assert equal results, and apply them."""
    document = Document()
    seed, saves = script
    if seed:
        fill(changeset_of(document, catalogue), Random(seed))
    result = full_run(catalogue, document)
    take_in(document, result)
    for number, edits in enumerate(saves):
        changeset = changeset_of(document, catalogue)
        for edit in edits:
            try:
                carry_out_any(changeset, edit)
            except BatchError:
                continue  # refused: earlier changes stay, and are among the paths
        before = result.evaluation
        if number % 2:
            before = msgspec.json.decode(msgspec.json.encode(before), type=Evaluation)
        result = full_run(catalogue, document)
        partly = rerun_in_parts(sabotaged or catalogue, document, before, changeset.tracker.submitted_paths)
        assert partly == result
        assert list(partly.evaluation.eligibility) == list(result.evaluation.eligibility)
        assert list(partly.evaluation.derived) == list(result.evaluation.derived)
        take_in(document, result)
    return result


def random_movers(catalogue: CompiledCatalogue) -> tuple[str, ...]:
    return ("lines", "home", "trade", *list(catalogue.questions)[3:6])


@st.composite
def random_scripts(draw: st.DrawFn, count: int) -> tuple[int, Script]:
    seed = draw(st.integers(0, count - 1))
    catalogue = random_catalogue(seed)
    return seed, draw(scripts(catalogue, random_movers(catalogue)))


@settings(max_examples=amount(8, full=60), deadline=None, suppress_health_check=QUIET)
@given(scripts(demo_catalogue(), ("mqs_lobs", "mqs_naics", "mqs_legal_entity", "mqs_has_fein", "mqs_any_losses")))
def test_the_demo_is_decided_the_same(script: Script) -> None:
    follow(demo_catalogue(), script)


@settings(max_examples=amount(20, full=150), deadline=None, suppress_health_check=QUIET)
@given(random_scripts(CATALOGUES))
def test_any_catalogue_is_decided_the_same(made: tuple[int, Script]) -> None:
    seed, script = made
    follow(random_catalogue(seed), script)


@pytest.mark.slow
@settings(max_examples=SCRIPTS_IN_FULL // 4, deadline=None, suppress_health_check=QUIET)
@given(scripts(demo_catalogue(), ("mqs_lobs", "mqs_naics", "mqs_legal_entity", "mqs_has_fein", "mqs_any_losses")))
def test_the_demo_is_decided_the_same_by_many_scripts(script: Script) -> None:
    follow(demo_catalogue(), script)


@pytest.mark.slow
@settings(max_examples=SCRIPTS_IN_FULL, deadline=None, suppress_health_check=QUIET)
@given(random_scripts(500))
def test_very_many_catalogues_are_decided_the_same(made: tuple[int, Script]) -> None:
    seed, script = made
    follow(random_catalogue(seed), script)


def test_a_save_runs_only_the_affected_rules() -> None:
    document = Document()
    evaluation = decide(changeset_of(document, demo_catalogue()))
    changeset = changeset_of(document, demo_catalogue())
    changeset.find_answer("mqs_lobs").apply(["gl"])

    with never_in_full():
        partly = decide(changeset, before=evaluation)

    assert partly == full_run(demo_catalogue(), document).evaluation
    assert partly.eligibility
    assert "mqs_lobs" in changeset.tracker.touched_paths


def test_a_row_without_nested_rows_reaches_the_carrier_questions_of_other_rows() -> None:
    """The rate table of a product reads a nested pool in all rows, also from inside of it."""
    follow(random_catalogue(387), (4, [[("add", "p1", None, 0)]]))


# Sabotages: a catalogue without one kind of its dependencies


def without(catalogue: CompiledCatalogue, **changes: Any) -> CompiledCatalogue:
    return replace(catalogue, dependents=replace(catalogue.dependents, **changes))


def reading(dependents: Dependents, **changes: Any) -> MappingProxyType[str, Readers]:
    return MappingProxyType({code: replace(readers, **changes) for code, readers in dependents.readers.items()})


def without_parts(dependents: Dependents, is_left_out: Callable[[int], bool]) -> MappingProxyType[str, Readers]:
    """Remove from products the parts that read a value."""

    def left(readers: Readers) -> Readers:
        parts = {
            product: frozenset(part for part in parts if not is_left_out(part))
            for product, parts in readers.products.items()
        }
        return replace(readers, products=parts)

    return MappingProxyType({code: left(readers) for code, readers in dependents.readers.items()})


def all_local(dependents: Dependents) -> MappingProxyType[str, Readers]:
    """Let every row depend only on itself within the pool that it reads."""
    homes = {part: pool for pool, parts in dependents.parts.items() for part in map(_code, parts) if part}

    def local(code: str, readers: Readers) -> Readers:
        steps = tuple(
            reader._replace(is_local=bool(reader.pool) and reader.pool == homes[code]) for reader in readers.steps
        )
        related = tuple(
            reader._replace(is_local=bool(reader.pool) and reader.pool == homes[code]) for reader in readers.related
        )
        return replace(readers, steps=steps, related=related)

    return MappingProxyType({code: local(code, readers) for code, readers in dependents.readers.items()})


def _code(part: Any) -> str:
    if isinstance(part, str):
        return part
    return part.question.code if hasattr(part, "question") else part.derived.code


SABOTAGE = {
    "steps that read a value": lambda it: {"readers": reading(it, steps=())},
    "relations": lambda it: {"readers": reading(it, related=())},
    "form rules": lambda it: {"readers": reading(it, form_rules=())},
    "products": lambda it: {"readers": reading(it, products={})},
    "rules of products": lambda it: {"readers": without_parts(it, lambda part: part >= 0)},
    "base checks": lambda it: {"readers": without_parts(it, lambda part: part == CHECKS)},
    "ratings": lambda it: {"readers": without_parts(it, lambda part: part == RATING)},
    "rows that read other rows": lambda it: {"readers": all_local(it)},
    "form rules in rows": lambda it: {"form_rules": {}},
}


#: Found only after many scripts.
RARE = ("rows that read other rows", "base checks")


@pytest.mark.parametrize("edge", [pytest.param(edge, marks=[pytest.mark.slow] * (edge in RARE)) for edge in SABOTAGE])
def test_a_missing_dependency_is_detected(edge: str) -> None:
    @settings(
        max_examples=3000, deadline=None, suppress_health_check=QUIET, database=None, derandomize=True,
        phases=[Phase.generate], report_multiple_bugs=False,
    )  # fmt: skip
    @given(random_scripts(CATALOGUES))
    def check(made: tuple[int, Script]) -> None:
        seed, script = made
        catalogue = random_catalogue(seed)
        follow(catalogue, script, sabotaged=without(catalogue, **SABOTAGE[edge](catalogue.dependents)))

    with pytest.raises(AssertionError):
        check()


def excluding(catalogue: CompiledCatalogue) -> Iterator[Script]:
    """Return a script per product with carrier questions: it gets open, is excluded, and included again."""
    lines: list[Step] = [("answer", "lines", ["x", "y"], 0), ("answer", "home", "TX", 0)]
    for product in catalogue.dependents.gated:
        yield 0, [lines, [("exclude", product, None, 0)], [("include", product, None, 0)]]


def test_carrier_questions_follow_the_exclusion_of_their_product() -> None:
    for seed in range(amount(20, full=CATALOGUES)):
        for script in excluding(random_catalogue(seed)):
            follow(random_catalogue(seed), script)


def test_a_missing_dependency_of_carrier_questions_is_detected() -> None:
    with pytest.raises(AssertionError):
        for seed in range(CATALOGUES):
            catalogue = random_catalogue(seed)
            for script in excluding(catalogue):
                follow(catalogue, script, sabotaged=without(catalogue, gated={}))
