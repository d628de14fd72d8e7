"""Pools below their minimum and questions whose visibility is unknown: nothing is decided over them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from catalogue.demo import CATALOGUE_FILE
from catalogue.files import read_catalogue
from copies.document import Answer, Document, PoolRow
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import CompiledCatalogue, compile_catalogue
from rules.flow.evaluation import Evaluation, FlowResult, ProductOutcome
from rules.incremental import partial_run
from tests.harness.boarding_catalogue import AS_OF, document, fire, settle
from tests.rules.flow.test_premium import ANSWERS, ROW, catalogue, decided


@pytest.fixture(scope="module")
def demo() -> CompiledCatalogue:
    return compile_catalogue(read_catalogue(CATALOGUE_FILE))


def with_rule(when: str, **changes: Any) -> CompiledCatalogue:
    rule = {"id": "R", "when": when, "then": "decline", "why": "No"}
    return catalogue({"minimum": "100"}, rules=(rule,), **changes)


@pytest.mark.parametrize(
    "when",
    [
        "sum(rows.map(r, r.amount)) > 99",
        "count(rows) > 99",
        "size(rows) > 99",
        "size(rows) == 0",
        "max(rows.map(r, r.amount)) > 99",
        "rows.exists(r, r.amount > 99)",
        "!rows.exists(r, r.amount > 99)",
        "rows.all(r, r.amount > 99)",
        "rows.exists_one(r, r.amount > 99)",
        "count(rows.filter(r, r.amount > 99)) > 0",
        "rows.exists(r, r.parts.exists(p, p.weight > 99))",
    ],
)
def test_nothing_is_computed_over_a_pool_below_its_minimum(when: str) -> None:
    assert decided(with_rule(when), rows=None)["P0"] == ProductOutcome("need_info", missing=("rows",))


@pytest.mark.parametrize(
    ("parts", "missing"),
    [([], ("rows/a/parts",)), ([{"weight": 1}], ("rows/a/parts",)), ([{"weight": 1}, {"weight": 2}], ())],
)
def test_a_nested_pool_below_its_minimum_is_unanswered(parts: list[dict[str, Any]], missing: tuple[str, ...]) -> None:
    row = {"kind": "y", "amount": 3, **({"parts": parts} if parts else {})}

    outcome = decided(with_rule("rows.exists(r, r.parts.all(p, p.weight > 99))"), rows=[row])["P0"]

    assert (outcome.outcome, outcome.missing) == ("need_info" if missing else "eligible", missing)


def test_other_rows_are_still_known() -> None:
    full = {**ROW, "amount": 100}
    short = {"kind": "y", "amount": 1}

    outcome = decided(with_rule("rows.exists(r, r.amount > 99)"), rows=[short, full])["P0"]

    assert outcome.outcome == "decline"


@pytest.mark.parametrize("states", ["rows.map(r, r.kind)", "rows.map(r, r.amount > 5, r.kind)"])
def test_the_states_of_a_line_over_a_pool_below_its_minimum_are_unknown(states: str) -> None:
    made = catalogue({"minimum": "100"}, states=states, product={"states": ["x"]})

    assert decided(made, rows=None)["P0"] == ProductOutcome("need_info", missing=("rows",))


@pytest.mark.parametrize("pool", ["rows", "parts"])
def test_the_base_check_of_a_table_over_a_pool_below_its_minimum_is_unknown(pool: str) -> None:
    table = {"pool": pool, "rate_by": "kind", "rates": {"x": "1"}, "reason": "no_rate"}

    assert decided(catalogue({"tables": [table]}), rows=None)["P0"] == ProductOutcome("need_info", missing=("rows",))


def test_a_hidden_pool_is_empty_and_an_undecided_one_is_unknown() -> None:
    made = with_rule("rows.exists(r, r.amount > 99)")
    definition = msgspec.to_builtins(made.definition)
    for part in definition["question_sets"]:
        if part["code"] == "rows":
            part["when"] = "owns"
    hiding = compile_catalogue(msgspec.convert(definition, CatalogueDefinition))

    assert decided(hiding, owns=False, rows=None)["P0"].outcome == "eligible"
    assert decided(hiding, owns=None, rows=None)["P0"] == ProductOutcome("need_info", missing=("owns",))
    assert decided(hiding, owns=True, worth=1, rows=None)["P0"] == ProductOutcome("need_info", missing=("rows",))


def test_a_question_whose_visibility_is_unknown_decides_nothing() -> None:
    made = with_rule("worth > 99")

    assert decided(made, owns=None)["P0"] == ProductOutcome("need_info", missing=("owns",))
    assert decided(made, owns=False)["P0"].outcome == "eligible"
    assert decided(made, owns=True)["P0"] == ProductOutcome("need_info", missing=("worth",))


def test_an_undecided_question_is_neither_shown_nor_needed() -> None:
    made = catalogue({"minimum": "100"})
    evaluation = settle(made, filled(owns=None, worth=5))

    assert evaluation.undecided == {"worth": ("owns",)}
    assert evaluation.needed.quote == ("owns",)


def filled(**answers: Any) -> Document:
    known = {**ANSWERS, **answers}
    return document(known, without=tuple(code for code, value in known.items() if value is None))


# Partial runs


def rerun(made: CompiledCatalogue, form: Document, before: Evaluation, *changed: str) -> FlowResult:
    return partial_run.rerun(
        made, form, before=before, changed=changed, as_of=AS_OF, release=7, reveal=lambda path, answer: answer.value
    )


RATING = {
    "minimum": "100",
    "terms": [{"rate": "1", "of": "worth"}],
    "tables": [{"pool": "parts", "rate_by": "kind", "rates": {"y": "6"}, "amount": "weight"}],
    "factors": [{"id": "f", "when": "rows.exists(r, r.amount > 5)", "times": "2"}],
}


@pytest.mark.parametrize("start", [{}, {"owns": None}, {"owns": True}, {"rows": None}, {"n": None, "owns": None}])
def test_a_partial_run_decides_as_a_full_one(start: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    rules = ({"id": "R", "when": "worth > 500 || n > 50", "then": "refer", "why": "Much"},)
    made, form = catalogue(RATING, rules=rules), filled(**start)
    monkeypatch.setattr(partial_run, "COST_OF_A_CHANGE", 0)
    before = settle(made, form)

    for path, value in [
        ("owns", True), ("worth", 900), ("owns", None), ("worth", None), ("owns", False), ("n", None), ("n", 60),
        ("rows", "b"), ("rows/b/amount", 7), ("rows/b/kind", "y"), ("rows/b/parts", "c"), ("rows/b/parts", "d"),
        ("rows/b/parts/c/weight", 4), ("rows/b/parts/d/weight", 4), ("owns", True), ("rows/b/parts/-d", None),
        ("worth", 3), ("rows/-b", None), ("rows", "e"), ("owns", None),
    ]:  # fmt: skip
        changed = change(form, path, value)
        result = rerun(made, form, before, changed)
        assert result == fire(made, form), path
        before = settle(made, form)


def change(form: Document, path: str, value: Any) -> str:
    """Set the answer at ``path``, add the row ``value`` to a pool, or remove the row after a minus."""
    *around, last = path.split("/")
    container: Any = form
    for pool, row_id in zip(around[::2], around[1::2], strict=False):
        container = next(row for row in container.answer_pools[pool] if row.id == row_id)
    if last.startswith("-"):
        rows = container.answer_pools[around[-1]]
        rows[:] = [row for row in rows if row.id != last[1:]]
        return "/".join([*around, last[1:]])
    if last in ("rows", "parts"):
        container.answer_pools.setdefault(last, []).append(PoolRow(id=value))
        return f"{path}/{value}"
    container.answers.setdefault(last, Answer()).value = value
    return path


# The demo catalogue


def test_workers_compensation_without_payroll_has_no_price(demo: CompiledCatalogue) -> None:
    form = document({"mqs_lobs": ["wc"], "mqs_naics": "722511", "mqs_mail_state": "TX"})

    eligibility = settle(demo, form).eligibility

    assert {code: (found.outcome, found.premium) for code, found in eligibility.items()} == {
        "TT-WC": ("need_info", None), "LF-WC": ("need_info", None),
    }  # fmt: skip
    assert all("wc_classes" in found.missing for found in eligibility.values())


def test_a_location_without_its_interest_has_no_price(demo: CompiledCatalogue) -> None:
    buildings = [
        {"mqs_bld_sqft": 900, "mqs_bld_bpp_limit": 35000, "mqs_bld_year_built": 2010, "mqs_bld_sprinkler": "none"}
    ]
    form = document(
        {
            "mqs_lobs": ["bop"], "mqs_naics": "812112", "mqs_annual_revenue": 140000, "mqs_gl_limit": "l1m",
            "mqs_year_started": 2015, "mqs_cancelled": False, "mqs_any_losses": False,
            "locations": [{"mqs_loc_state": "PA", "buildings": buildings}],
        }
    )  # fmt: skip

    outcome = settle(demo, form).eligibility["LF-BOP"]

    assert (outcome.outcome, outcome.premium) == ("eligible", None)
    assert outcome.missing_for_price == ("locations/a/mqs_loc_interest",)


def test_an_empty_first_location_decides_no_more_than_none(demo: CompiledCatalogue) -> None:
    # The mailing state never stands for a location that is asked: a decline over it would open surplus lines of a
    # state in which nothing is insured.
    given = {"mqs_lobs": ["bop", "gl", "cyber"], "mqs_naics": "722511", "mqs_mail_state": "AK"}

    without, with_one = (settle(demo, document({**given, **rows})).eligibility for rows in ({}, {"locations": [{}]}))

    assert {code: found.outcome for code, found in with_one.items()} == {
        code: found.outcome for code, found in without.items()
    }
    assert not any(reason.rule == "state" for found in with_one.values() for reason in found.reasons)
