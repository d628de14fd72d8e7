"""``?fields=`` returns the named parts of reads and lists, and refuses names that are not there."""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.demo import Sample
from partner_engine.api.http.selection import Selection, read_selection, select
from partner_engine.problems import Refused
from presentation import shapes
from tests.harness.api_client import Api, assert_problem


@pytest.mark.parametrize(
    ("text", "selection"),
    [
        ("", None),
        (" , ", None),
        ("id, title", {"id": None, "title": None}),
        ("eligibility.QM-BOP.premium", {"eligibility": {"QM-BOP": {"premium": None}}}),
        ("needed.quote,needed.bind", {"needed": {"quote": None, "bind": None}}),
        ("needed.quote,needed", {"needed": None}),
        ("needed,needed.quote", {"needed": None}),
        ("messages.text", {"messages": {"text": None}}),
    ],
)
def test_a_text_is_read_as_a_selection(text: str, selection: Selection | None) -> None:
    assert read_selection(text, (shapes.CopyShape,)) == selection


@pytest.mark.parametrize(
    ("text", "meant", "known"),
    [("titel", "title", "eligibility"), ("needed.quotes", "quote", "bind"), ("title.x", None, None)],
)
def test_an_unknown_field_is_refused(text: str, meant: str | None, known: str | None) -> None:
    with pytest.raises(Refused) as refused:
        read_selection(text, (shapes.CopyShape,))

    [fault] = refused.value.faults
    assert (fault.path, fault.code) == ("fields", "unknown_field")
    assert fault.did_you_mean == meant or meant is None
    assert known is None or known in (fault.allowed or [])


@pytest.mark.parametrize(
    ("value", "selection", "selected"),
    [
        ({"a": 1, "b": 2}, {"a": None}, {"a": 1}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": None}}, {"a": {"x": 1}}),
        ({"a": None}, {"a": {"x": None}}, {"a": None}),
        ({"a": [{"x": 1, "y": 2}]}, {"a": {"x": None}}, {"a": [{"x": 1}]}),
        ({"results": [{"x": 1, "y": 2}], "next": "n"}, {"x": None}, {"results": [{"x": 1}], "next": "n"}),
        ({"a": {}}, {"a": {"gone": None}}, {"a": {}}),
    ],
)
def test_a_value_is_cut(value: Any, selection: Selection, selected: Any) -> None:
    assert select(value, selection) == selected


@pytest.mark.django_db
def test_reads_and_lists_take_it(api: Api, s1: Sample) -> None:
    copy = api.start(s1)

    read = api.get(f"/copies/{copy['id']}?fields=id,answers.mqs_business_name.value").json()
    form = api.get(f"/application_forms/{copy['id']}?fields=copy.version,copies.title").json()
    page = api.get("/application_forms?fields=id,copy.title&limit=1").json()

    assert read == {"id": copy["id"], "answers": {"mqs_business_name": {"value": s1.answers["mqs_business_name"]}}}
    assert form == {"copy": {"version": 1}, "copies": [{"title": s1.title}]}
    assert page == {"results": [{"id": copy["id"], "copy": {"title": s1.title}}], "next": None}
    fresh = api.get(f"/copies/{copy['id']}?fields=id", If_None_Match=api.get(f"/copies/{copy['id']}?fields=id")["ETag"])
    assert fresh.status_code == 304
    problem = assert_problem(api.get("/application_forms?fields=titel,id&limit=0"), 400, "invalid_query")
    assert [fault["path"] for fault in problem["errors"]] == ["limit"]
    problem = assert_problem(api.get("/application_forms?fields=copy.titel,id"), 400, "invalid_query")
    assert [fault["did_you_mean"] for fault in problem["errors"]] == ["title"]
    assert_problem(api.post("/application_forms?fields=id", {}), 400, "invalid_query")
