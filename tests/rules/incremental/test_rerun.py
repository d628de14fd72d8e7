"""Partial runs of the rules, case by case: each returns the result of a full run."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest

from copies.document import Answer, AnsweredBy, Document, DocumentQuestionSet, PoolRow
from rules.definition.compiler import CompiledCatalogue
from rules.flow import check_flow
from rules.flow.evaluation import EDITION, Evaluation, FlowResult, Message, Refusal
from rules.incremental import partial_run
from rules.incremental.lazy_state import LazyFrame, LazyState
from tests.harness.boarding_catalogue import ANSWERS, AS_OF, BOARDING, boarding, document, fire, settle, take_in

CATALOGUE = boarding()
SNAKES = [{"street": "1", "is_heated": True, "pets": [{"species": "snake", "weight": 1}]}]


def revealed(path: str, answer: Answer) -> Any:
    return answer.value


def rerun(
    catalogue: CompiledCatalogue, made: Document, before: Evaluation, *changed: str, as_of: date = AS_OF,
    release: int = 7,
) -> FlowResult:  # fmt: skip
    return partial_run.rerun(
        catalogue, made, before=before, changed=changed, as_of=as_of, release=release, reveal=revealed
    )


@pytest.fixture
def never_in_full(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function after whose call full runs fail."""
    return lambda: monkeypatch.setattr(check_flow, "run", None)


def answer(made: Document, code: str, value: Any) -> str:
    made.answers.setdefault(code, Answer()).value = value
    return code


def house(made: Document) -> PoolRow:
    return made.answer_pools["kennels"][0]


def add_house(made: Document) -> str:
    made.answer_pools["kennels"].append(PoolRow(id="z", answers={"street": Answer(value="1 Bark Lane")}))
    return "kennels/z"


def remove_house(made: Document) -> str:
    made.answer_pools["kennels"].pop()
    return "kennels/a"


def replace_house(made: Document) -> str:
    house(made).answers["is_heated"].value = False
    return "kennels/a"


def remove_guest(made: Document) -> str:
    house(made).answer_pools["pets"].pop(0)
    return "kennels/a/pets/b"


def weigh(made: Document, weight: int | None) -> str:
    house(made).answer_pools["pets"][0].answers["weight"].value = weight
    return "kennels/a/pets/b/weight"


def exclude(made: Document, product: str) -> str:
    made.forced_excluded_products.append(product)
    return f"forced_excluded_products/{product}"


def take_off(made: Document, code: str) -> str:
    made.question_sets = [part for part in made.question_sets if part.code != code]
    return f"question_sets/{code}"


def put_on(made: Document, code: str) -> str:
    made.question_sets.append(DocumentQuestionSet(code=code, added_by=AnsweredBy("user")))
    return f"question_sets/{code}"


def outcomes(result: FlowResult) -> dict[str, str]:
    return {code: found.outcome for code, found in result.evaluation.eligibility.items()}


def shown(result: FlowResult) -> dict[str, bool]:
    return {state.path: state.active for state in result.states}


# (1.5 * 900 + 10 * 2 + 4.25 * 0.5) * 1.5 = 2058.19 is PAW-CARE's premium where it rates the low limit.
#: Name of the case: (first answers, the edit, a sign of its effect).
CASES: dict[str, tuple[dict[str, Any], Callable[[Document], str], Callable[[FlowResult], bool]]] = {
    "an answer that nothing reads": (
        {}, lambda made: answer(made, "vet_fee", 5), lambda result: shown(result) == {"vet_fee": False},
    ),
    "hiding cascades": (
        {"exotic": True, "vet": True, "vet_fee": 90},
        lambda made: answer(made, "exotic", False),
        lambda result: shown(result) == {"vet": False, "vet_fee": False},
    ),
    "a line is taken off": (
        {}, lambda made: answer(made, "wanted", ["fire"]), lambda result: "guests" in result.removed_sets,
    ),
    "a line comes": (
        {"wanted": ["fire"]}, lambda made: answer(made, "wanted", ["care"]),
        lambda result: "guests" in result.added_sets,
    ),
    "a product declines and the surplus one opens": (
        {}, lambda made: answer(made, "home_state", "OH"),
        lambda result: outcomes(result) == {"PAW-CARE": "decline", "FIN-CARE": "need_info"},
    ),
    "a product opens and locks the surplus one": (
        {"home_state": "OH", "fin_survey": True}, lambda made: answer(made, "home_state", "TX"),
        lambda result: outcomes(result) == {"PAW-CARE": "eligible", "FIN-CARE": "locked"},
    ),
    "a decline gives way to what was unknown beside it": (
        {"home_state": "OH", "limit": None}, lambda made: answer(made, "home_state", "TX"),
        lambda result: outcomes(result)["PAW-CARE"] == "eligible",
    ),
    "a value is rated instead of the answer": (
        {"opened": "2026-01-01"}, lambda made: answer(made, "limit", "high"),
        lambda result: result.evaluation.eligibility["PAW-CARE"].adjustments[0].asked == "high",
    ),
    "what is rated is read by way of a derived value": (
        {"opened": "2026-01-01", "limit": "high"}, lambda made: answer(made, "income", 900_000),
        lambda result: result.evaluation.eligibility["PAW-CARE"].premium == 2058,
    ),
    "an excluded product asks its question no more": (
        {}, lambda made: exclude(made, "PAW-CARE"), lambda result: shown(result) == {"paw_survey": False},
    ),
    "an excluded rival still locks": (
        {}, lambda made: exclude(made, "FIN-CARE"), lambda result: outcomes(result) == {"PAW-CARE": "eligible"},
    ),
    "a row comes": (
        {}, add_house, lambda result: "kennels/z/share" in shown(result)
        and "kennels/z/is_heated" in result.evaluation.needed.quote
        and [message.path for message in result.evaluation.messages] == ["kennels/a/street", "kennels/z/street"],
    ),
    "the last row goes": ({}, remove_house, lambda result: result.evaluation.needed.quote == ("kennels",)),
    "a row goes with what was rated in it": (
        {"income": 400_000},
        remove_house,
        lambda result: result.evaluation.eligibility["PAW-CARE"].missing == ("kennels",)
        and result.evaluation.eligibility["PAW-CARE"].premium is None,
    ),
    "a row is another": ({}, replace_house, lambda result: "guests" in result.removed_sets),
    "a nested row goes": (
        {}, remove_guest, lambda result: result.evaluation.derived["heads"] == 1,
    ),
    "an answer in a nested row": (
        {}, lambda made: weigh(made, 31), lambda result: shown(result) == {"kennels/a/pets/b/muzzle": True},
    ),
    "an answer in a nested row goes": (
        {}, lambda made: weigh(made, None),
        lambda result: result.evaluation.eligibility["PAW-CARE"].missing == ("kennels/a/pets/b/weight",),
    ),
    "a rule in a row says no more": (
        {"kennels": SNAKES}, lambda made: remove_guest(made), lambda result: result.evaluation.messages == (),
    ),
    "a fault is fixed": (
        {"home_zip": "43215", "income": -1}, lambda made: answer(made, "income", 1),
        lambda result: [message.path for message in result.evaluation.messages] == ["home_zip"]
        and result.evaluation.needed.quote == ("home_zip",),
    ),
    "a relation is fixed from the other side": (
        {"home_zip": "43215", "home_state": "TX"}, lambda made: answer(made, "home_state", "OH"),
        lambda result: result.evaluation.messages == (),
    ),
    "another fault stands": (
        {"income": -1}, lambda made: answer(made, "kennel_name", "An all too long name for it"),
        lambda result: [refusal.path for refusal in result.refusals] == ["kennel_name", "income"],
    ),
    "an answer of another type": (
        {}, lambda made: answer(made, "income", "many"),
        lambda result: result.refusals[0].code == "wrong_type" and result.evaluation.needed.quote == ("income",),
    ),
    "a set is open again": (
        {}, lambda made: answer(made, "income", None), lambda result: result.reopened_sets == ("start",),
    ),
    "a set is complete": (
        {"income": None}, lambda made: answer(made, "income", 5), lambda result: result.completed_sets == ("start",),
    ),
    "a wanted set was taken off": (
        {}, lambda made: take_off(made, "houses"), lambda result: result.added_sets == ("houses",),
    ),
    "a set that nobody wants was put on": (
        {"wanted": ["fire"]}, lambda made: put_on(made, "guests"), lambda result: result.removed_sets == ("guests",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_partial_run_decides_as_a_full_run(case: str, never_in_full: Callable[[], None]) -> None:
    answers, edit, sign = CASES[case]
    made = document({**ANSWERS, **answers})
    before = settle(CATALOGUE, made)

    changed = edit(made)

    full = fire(CATALOGUE, made)
    never_in_full()
    assert rerun(CATALOGUE, made, before, changed) == full
    assert sign(full), full


def test_without_changes_the_evaluation_stays() -> None:
    made = document(ANSWERS)
    before = settle(CATALOGUE, made)

    result = rerun(CATALOGUE, made, before, "agent_bypassed_products/PAW-CARE", "copy/title")

    assert result == FlowResult(before)


def test_an_untouched_fault_is_still_among_the_refusals() -> None:
    made = document({**ANSWERS, "income": -1})
    before = settle(CATALOGUE, made)

    assert rerun(CATALOGUE, made, before, answer(made, "exotic", True)).refusals == (
        Refusal("income", "min", "Must be at least 0."),
    )


def test_a_kept_set_stays() -> None:
    made = document(ANSWERS)
    before = settle(CATALOGUE, made)
    made.question_sets[1].remove_if_ineligible = False

    result = rerun(CATALOGUE, made, before, answer(made, "wanted", ["fire"]), "question_sets/houses")

    assert result == fire(CATALOGUE, made)
    assert result.removed_sets == ("guests", "carrier_extra")


def test_only_read_answers_are_revealed() -> None:
    made, calls = document(ANSWERS), []
    made.answers["owner_ssn"] = Answer(sealed=b"x", mask="•••• 4321")
    made.answers["kennel_name"] = Answer(sealed=b"y", mask="••••")

    def reveal(path: str, answer: Answer) -> Any:
        calls.append(path)
        return "987-65-4321" if path == "owner_ssn" else "Happy Tails"

    first = check_flow.run(CATALOGUE, made, as_of=AS_OF, release=7, reveal=reveal)
    take_in(made, first)
    calls.clear()
    result = partial_run.rerun(
        CATALOGUE, made, before=first.evaluation, changed=["owner_ssn"], as_of=AS_OF, release=7, reveal=reveal
    )

    assert set(calls) == {"owner_ssn"}
    assert result == check_flow.run(CATALOGUE, made, as_of=AS_OF, release=7, reveal=reveal)


def test_a_surplus_product_opens_without_a_change_of_its_reads(never_in_full: Callable[[], None]) -> None:
    products = [BOARDING["products"][0], {**BOARDING["products"][1], "rules": []}]
    catalogue = boarding(products=products)
    made = document(ANSWERS)
    before = settle(catalogue, made)
    assert before.eligibility["FIN-CARE"].outcome == "locked"
    answer(made, "industry", "722511")
    full = fire(catalogue, made)

    never_in_full()
    assert rerun(catalogue, made, before, "industry") == full
    assert outcomes(full) == {"PAW-CARE": "decline", "FIN-CARE": "eligible"}


def test_an_unknown_derived_value_is_distinguished_from_a_hidden_one(never_in_full: Callable[[], None]) -> None:
    rules = [{"id": "B", "when": "!is_vetted", "then": "warn", "at": "vet", "say": "Without a vet"}]
    catalogue = boarding(derived=[*BOARDING["derived"], {"code": "is_vetted", "value": "vet"}], form_rules=rules)
    made = document(ANSWERS)
    before = settle(catalogue, made)
    assert [message.code for message in before.messages] == ["B"]
    answer(made, "exotic", True)
    full = fire(catalogue, made)

    never_in_full()
    assert rerun(catalogue, made, before, "exotic") == full
    assert full.evaluation.derived["is_vetted"] is None
    assert full.evaluation.messages == ()


# Full runs


@pytest.mark.parametrize(
    ("named", "as_of", "release"),
    [("exotic", date(2027, 6, 1), 7), ("exotic", AS_OF, 8), ("gone", AS_OF, 7), ("weight", AS_OF, 7)],
)
@pytest.mark.parametrize("moved", ["income"])
def test_another_day_release_or_an_unknown_path_is_run_in_full(
    named: str, as_of: date, release: int, moved: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = document({**ANSWERS, "opened": "2026-06-01"})
    before = settle(CATALOGUE, made)
    answer(made, moved, -1)
    expected = check_flow.run(CATALOGUE, made, as_of=as_of, release=release, reveal=revealed)
    calls = counted(monkeypatch)

    assert rerun(CATALOGUE, made, before, named, as_of=as_of, release=release) == expected
    assert len(calls) == 1


def test_evaluations_of_an_older_edition_are_not_reused(monkeypatch: pytest.MonkeyPatch) -> None:
    made = document(ANSWERS)
    before = msgspec.structs.replace(settle(CATALOGUE, made), edition=0)
    calls = counted(monkeypatch)

    assert rerun(CATALOGUE, made, before, "exotic").evaluation.edition == EDITION
    assert len(calls) == 1


def test_many_changes_cause_a_full_run(monkeypatch: pytest.MonkeyPatch) -> None:
    made = document(ANSWERS)
    before = settle(CATALOGUE, made)
    calls = counted(monkeypatch)

    assert rerun(CATALOGUE, made, before, *CATALOGUE.codes[""]).evaluation == before
    assert len(calls) == 1


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []
    full = check_flow.run
    monkeypatch.setattr(check_flow, "run", lambda *args, **kwargs: calls.append(1) or full(*args, **kwargs))
    return calls


def test_a_row_with_unknown_codes_causes_a_full_run(monkeypatch: pytest.MonkeyPatch) -> None:
    made = document(ANSWERS)
    before = settle(CATALOGUE, made)
    path = add_house(made)
    made.answer_pools["kennels"][1].answers["gone"] = Answer(value="x")
    calls = counted(monkeypatch)

    result = rerun(CATALOGUE, made, before, path)

    assert shown(result)["kennels/z/gone"] is False
    assert len(calls) == 1


def test_a_rule_named_like_a_validator_has_unique_reasons_by_a_full_run() -> None:
    rules = [{"id": "min", "when": "exotic", "then": "error", "at": "income", "say": "Must be at least 0."}]
    catalogue = boarding(form_rules=rules)
    made = document({**ANSWERS, "income": -1, "exotic": True})
    before = settle(catalogue, made)
    assert [message.code for message in before.messages] == ["min", "min"]

    result = rerun(catalogue, made, before, answer(made, "exotic", False))

    assert result.evaluation.messages == (Message("error", "income", "min", "Must be at least 0."),)
    assert result == fire(catalogue, made)


def test_a_rule_named_like_a_base_check_has_unique_reasons() -> None:
    products = msgspec.json.decode(msgspec.json.encode(BOARDING["products"]))
    products[0]["rules"].append({"id": "state", "when": "exotic", "then": "decline", "why": "Not offered in OH."})
    catalogue = boarding(products=products)
    made = document({**ANSWERS, "home_state": "OH", "exotic": True, "vet": True})
    before = settle(catalogue, made)
    assert [reason.rule for reason in before.eligibility["PAW-CARE"].reasons] == ["state", "state"]

    result = rerun(catalogue, made, before, answer(made, "exotic", False))

    assert [reason.rule for reason in result.evaluation.eligibility["PAW-CARE"].reasons] == ["state"]
    assert result == fire(catalogue, made)


def test_a_long_chain_of_derived_values_is_followed() -> None:
    chain = [{"code": "c0", "value": "income"}] + [
        {"code": f"c{number}", "value": f"c{number - 1} + 1"} for number in range(1, 1500)
    ]
    rules = [{"id": "B", "when": "c1499 > 41498 && exotic", "then": "warn", "at": "exotic", "say": "Much"}]
    catalogue = boarding(derived=[*BOARDING["derived"], *chain], form_rules=rules)
    made = document({**ANSWERS, "vet": True})
    before = settle(catalogue, made)

    result = rerun(catalogue, made, before, answer(made, "exotic", True))

    assert [message.code for message in result.evaluation.messages] == ["B"]
    assert result == fire(catalogue, made)


@pytest.mark.parametrize(("pools", "runs_in_full"), [(20, 0), (400, 1)])
def test_a_long_chain_of_pools_is_decided(pools: int, runs_in_full: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = [
        {
            "code": f"s{number}",
            "title": "S",
            "pool": {"code": f"p{number}"},
            "when": f"size(p{number - 1}) > 0" if number else "exotic",
            "questions": [{"code": f"q{number}", "label": "?", "type": "boolean"}],
        }
        for number in range(pools)
    ]
    last = f"p{pools - 1}"
    rules = [{"id": "B", "when": f"size({last}) > 0 && vet", "then": "warn", "at": "vet", "say": "All shown"}]
    catalogue = boarding(question_sets=[*BOARDING["question_sets"], *sets], form_rules=rules)
    rows = {f"p{number}": [{f"q{number}": True}] for number in range(pools)}
    made = document({**ANSWERS, **rows, "exotic": True, "vet": False}, names=map(str, itertools.count()))
    before = settle(catalogue, made)
    answer(made, "vet", True)
    expected = fire(catalogue, made)
    calls = counted(monkeypatch)

    result = rerun(catalogue, made, before, "vet")

    assert [message.code for message in result.evaluation.messages] == ["B"]
    assert result == expected
    assert len(calls) == runs_in_full


def test_a_run_is_freed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = 0
    begin = LazyState.__init__

    def counted(state: LazyState, *arguments: Any, **more: Any) -> None:
        nonlocal runs
        runs += 1
        begin(state, *arguments, **more)

    monkeypatch.setattr(LazyState, "__init__", counted)
    made = document(ANSWERS)
    before = settle(CATALOGUE, made)
    gc.collect()
    gc.disable()
    try:
        rerun(CATALOGUE, made, before, answer(made, "income", 50_000), add_house(made))

        assert [found for found in gc.get_objects() if isinstance(found, LazyState | LazyFrame)] == []
    finally:
        gc.enable()
    assert runs == 1
