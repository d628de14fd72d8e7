"""The reach of a change: what it may move, and in which rows."""

from __future__ import annotations

import msgspec

from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import compile_catalogue
from rules.incremental.reach import reach_of, values_of_row


def question(code, kind="integer", **more):
    return {"code": code, "label": code, "type": kind, **more}


CATALOGUE = compile_catalogue(
    msgspec.convert(
        {
            "code": "reach",
            "title": "Reach",
            "question_sets": [
                {"code": "a_set", "title": "A", "pool": {"code": "a"}, "questions": [
                    question("x"), question("local", when="x > 1")]},
                {"code": "inner_set", "title": "Inner", "pool": {"code": "inner", "parent": "a"}, "questions": [
                    question("deep", when="x > 2")]},
                {"code": "b_set", "title": "B", "pool": {"code": "b"}, "questions": [
                    question("y", when="a.exists(r, r.x > 5)")]},
                {"code": "last", "title": "Last", "questions": [question("z", when="total > 3")]},
            ],
            "derived": [{"code": "total", "value": "sum(a.map(r, r.x))"}],
        },
        CatalogueDefinition,
    )
)  # fmt: skip


def test_a_change_in_a_row_stays_there_until_something_reads_all_rows():
    reach = reach_of(CATALOGUE, [("x", "a/1/")])

    assert reach == {"x": "a/1/", "local": "a/1/", "deep": "a/1/", "y": "", "total": "", "z": ""}


def test_two_starts_widen_the_reach():
    assert reach_of(CATALOGUE, [("x", "a/1/"), ("x", "a/2/")])["local"] == ""


def test_a_row_changes_its_pool_and_the_pools_inside_it():
    reach = reach_of(CATALOGUE, values_of_row(CATALOGUE, "a", owner="", row="a/1/"))

    assert reach["a"] == ""
    assert reach["inner"] == "a/1/"
    assert reach["total"] == ""
