"""Random catalogues and random next releases over filled forms: no answer that the next release would refuse counts,
renames lose nothing, and partial runs still return the results of full ones.
"""

from __future__ import annotations

from random import Random
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from batch.errors import BatchError
from copies.document import Answer, Document, find_container, walk_answers, walk_containers
from copies.paths import split_path
from rules.definition.compiler import compile_catalogue
from rules.definition.model import CompiledCatalogue
from rules.definition.renames import Moved, renames_of
from rules.flow.evaluation import FlowResult
from rules.flow.followed_renames import follow_renames
from rules.flow.refused_answers import refused
from rules.incremental import partial_run
from rules.types.stored_answers import TypeMismatch
from rules.types.stored_verdicts import StoredVerdicts
from tests.batch.test_incremental_rules import carry_out_any, full_run, other_steps, random_movers, rerun_in_parts
from tests.harness.boarding_catalogue import take_in
from tests.harness.edit_scripts import AS_OF, OpenSealing, changeset_of, fill, steps
from tests.harness.next_releases import narrowed, renamed
from tests.harness.random_catalogues import random_catalogue
from tests.harness.tiers import amount

CATALOGUES = 60
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
SEEDS = st.tuples(st.integers(0, CATALOGUES - 1), st.integers(1, 10_000))


def filled(catalogue: CompiledCatalogue, random: Random) -> Document:
    """Return a form that ``catalogue`` has decided, with most answers given."""
    document = Document()
    fill(changeset_of(document, catalogue), random)
    take_in(document, full_run(catalogue, document))
    return document


def next_of(catalogue: CompiledCatalogue, random: Random) -> CompiledCatalogue:
    return narrowed(catalogue.definition, random)


def prices_and_values(result: FlowResult) -> dict[str, Any]:
    """Return outcomes, premiums and derived values; nothing is bindable while an answer has an error."""
    outcomes = result.evaluation.eligibility.items()
    eligibility = {code: msgspec.structs.replace(outcome, bindable=False) for code, outcome in outcomes}
    return {"eligibility": eligibility, "derived": result.evaluation.derived}


def without(document: Document, paths: tuple[str, ...]) -> Document:
    """Return a copy of ``document`` in which the answers and rows at ``paths`` were never given."""
    copy = msgspec.json.decode(msgspec.json.encode(document), type=Document)
    for path in paths:
        prefix, code = split_path(path)
        container = find_container(copy, prefix)
        assert container is not None
        container.answers.pop(code, None)
    return copy


def judge(made: tuple[int, int]) -> None:
    """Assert that every refused answer counts as a missing one."""
    seed, script = made
    random = Random(script)
    document = filled(random_catalogue(seed), random)
    release = next_of(random_catalogue(seed), random)
    expected = full_run(release, document)
    take_in(document, expected)

    result = full_run(release, document)

    wrong = tuple(refusal.path for refusal in result.refusals)
    errors = {message.path for message in result.evaluation.messages if message.kind == "error"}
    assert prices_and_values(result) == prices_and_values(full_run(release, without(document, wrong)))
    assert set(wrong) <= errors <= set(result.evaluation.needed.quote)
    assert not (wrong and any(outcome.bindable for outcome in result.evaluation.eligibility.values()))
    assert {path for path in refused(release, document, as_of=AS_OF) if _is_open_answer(document, path)} == {
        path for path in wrong if _is_open_answer(document, path)
    }


def _is_open_answer(document: Document, path: str) -> bool:
    answer = dict(walk_answers(document)).get(path)
    return answer is not None and answer.sealed is None


@settings(max_examples=amount(5, full=40), deadline=None, suppress_health_check=QUIET)
@given(SEEDS)
def test_what_the_next_release_would_refuse_counts_as_missing(made: tuple[int, int]) -> None:
    judge(made)


def test_an_answer_that_counts_although_it_would_be_refused_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release whose rules read stored answers without judging them."""

    def unjudged(self: StoredVerdicts, catalogue: Any, question: Any, stored: Any) -> Any:
        return None

    @settings(
        max_examples=300, deadline=None, suppress_health_check=QUIET, database=None, derandomize=True,
        phases=[Phase.generate], report_multiple_bugs=False,
    )  # fmt: skip
    @given(SEEDS)
    def check(made: tuple[int, int]) -> None:
        seed, script = made
        random = Random(script)
        document = filled(random_catalogue(seed), random)
        release = next_of(random_catalogue(seed), random)
        wrong = tuple(refusal.path for refusal in full_run(release, document).refusals)
        with monkeypatch.context() as patch:
            patch.setattr(StoredVerdicts, "fault_of", unjudged)
            result = full_run(release, document)
        assert prices_and_values(result) == prices_and_values(full_run(release, without(document, wrong)))

    with pytest.raises((AssertionError, TypeError, AttributeError)):
        check()


@st.composite
def edited(draw: st.DrawFn) -> tuple[int, int, list[Any]]:
    seed, script = draw(SEEDS)
    release = next_of(random_catalogue(seed), Random(script))
    step = st.one_of(*[steps(release, random_movers(release))] * 4, other_steps(release))
    return seed, script, draw(st.lists(st.lists(step, min_size=1, max_size=3), min_size=1, max_size=6))


def follow_edits(made: tuple[int, int, list[Any]]) -> None:
    """Assert after each save that a partial run returns the result of a full one."""
    seed, script, saves = made
    release = next_of(random_catalogue(seed), Random(script))
    document = filled(random_catalogue(seed), Random(script))
    result = full_run(release, document)
    take_in(document, result)
    for edits in saves:
        changeset = changeset_of(document, release)
        for edit in edits:
            try:
                carry_out_any(changeset, edit)
            except BatchError:
                continue
        before = result.evaluation
        result = full_run(release, document)
        assert rerun_in_parts(release, document, before, changeset.tracker.submitted_paths) == result
        take_in(document, result)


@settings(max_examples=amount(3, full=30), deadline=None, suppress_health_check=QUIET)
@given(edited())
def test_partial_runs_after_a_release_equal_full_ones(made: tuple[int, int, list[Any]]) -> None:
    follow_edits(made)


@pytest.mark.slow
def test_a_partial_run_that_reads_refused_answers_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    # A partial run that does not know which answers had an error of their own before.
    monkeypatch.setattr(partial_run, "refusals_in", lambda catalogue, messages: ())

    @settings(
        max_examples=500, deadline=None, suppress_health_check=QUIET, database=None, derandomize=True,
        phases=[Phase.generate], report_multiple_bugs=False,
    )  # fmt: skip
    @given(edited())
    def check(made: tuple[int, int, list[Any]]) -> None:
        follow_edits(made)

    with pytest.raises((AssertionError, TypeMismatch)):
        check()


# Renames


def renamed_path(path: str, new: dict[str, str]) -> str:
    return "/".join(new.get(step, step) for step in path.split("/"))


def contents(document: Document) -> dict[str, Any]:
    return {
        path: (answer.value, answer.sealed, answer.mask, answer.answered_by, answer.created_at)
        for path, answer in walk_answers(document)
        if answer.is_answered
    }


@settings(max_examples=amount(12, full=40), deadline=None, suppress_health_check=QUIET)
@given(SEEDS)
def test_renames_lose_nothing(made: tuple[int, int]) -> None:
    seed, script = made
    random, catalogue = Random(script), random_catalogue(seed)
    document = filled(catalogue, random)
    before, held = full_run(catalogue, document), contents(document)
    rows = [path for path, _ in walk_containers(document)]
    sets = [part.code for part in document.question_sets]
    definition, new = renamed(catalogue.definition, random)
    release = compile_catalogue(definition)

    follow_renames(document, [renames_of(definition)], sealing=OpenSealing())

    after = full_run(release, document)
    assert contents(document) == {renamed_path(path, new): value for path, value in held.items()}
    assert {path for path, _ in walk_containers(document)} == {renamed_path(path, new) for path in rows}
    assert [part.code for part in document.question_sets] == [new.get(code, code) for code in sets]
    outcomes = [(found.outcome, found.premium) for found in after.evaluation.eligibility.values()]
    assert outcomes == [(found.outcome, found.premium) for found in before.evaluation.eligibility.values()]
    for moved, expected in (
        (after.evaluation.needed.quote, before.evaluation.needed.quote),
        (after.evaluation.needed.bind, before.evaluation.needed.bind),
    ):
        assert moved == tuple(renamed_path(path, new) for path in expected)
    # A second time, nothing more changes.
    encoded = msgspec.json.encode(document)
    follow_renames(document, [renames_of(definition)], sealing=OpenSealing())
    assert msgspec.json.encode(document) == encoded


def test_an_answer_is_not_moved_over_another() -> None:
    catalogue = random_catalogue(1)
    definition = msgspec.structs.replace(catalogue.definition, question_sets=())
    document = Document(answers={"old": Answer(value="a"), "new": Answer(value="b")})
    renames = renames_of(definition)._replace(questions={"old": Moved("new", "")}, homes={"new": ""})

    follow_renames(document, [renames])

    assert {code: answer.value for code, answer in document.answers.items()} == {"old": "a", "new": "b"}
