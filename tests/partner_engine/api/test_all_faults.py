"""A refused request lists all of its faults at once, each with what was probably meant and what is allowed, briefly."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any
from urllib.parse import urlencode

import pytest

from batch.changes import input as submitted
from catalogue.demo import Sample
from presentation import shape_faults
from tests.harness.api_client import Api, assert_problem

pytestmark = pytest.mark.django_db


def faults(problem: dict[str, Any], *names: str) -> set[tuple[Any, ...]]:
    """Return these members of each fault of a problem."""
    return {tuple(fault.get(name) for name in names) for fault in problem["errors"]}


def test_faults_of_cleaning_and_of_validators_come_together(api: Api, s1: Sample) -> None:
    answers = {"mqs_email": "nope", "mqs_naics": "99", "mqs_lobs": ["x"], "mqs_business_nam": "X"}

    for problem in (
        assert_problem(api.post("/application_forms", {"answers": answers}), 422, "invalid_answers"),
        assert_problem(
            api.patch(f"/copies/{api.start(s1)['id']}/answers", {"answers": answers}), 422, "invalid_answers"
        ),
    ):
        assert {fault["pointer"] for fault in problem["errors"]} == {f"/answers/{code}" for code in answers}


def test_fixing_all_listed_faults_is_enough(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    wrong = {"mqs_email": "nope", "mqs_mail_zip": "abc", "mqs_full_time_emp": -3, "mqs_legal_entity": "LLCC"}

    problem = assert_problem(api.patch(f"/copies/{copy['id']}/answers", {"answers": wrong}), 422, "invalid_answers")
    refused = {fault["path"] for fault in problem["errors"]}
    rest = {code: value for code, value in wrong.items() if code not in refused}

    assert refused == set(wrong)
    assert api.patch(f"/copies/{copy['id']}/answers", {"answers": rest}).status_code == 200
    assert api.get(f"/copies/{copy['id']}").json()["version"] == copy["version"]


def test_faults_in_new_rows_have_one_spelling_of_their_path(api: Api) -> None:
    rows = [{"answers": {"mqs_loc_zip": "x", "mqs_loc_stat": "TX"}}]
    problem = assert_problem(
        api.post("/application_forms", {"answer_pools": {"locations": rows}}), 422, "invalid_answers"
    )

    assert faults(problem, "path", "pointer") == {
        ("locations/new/mqs_loc_zip", "/answer_pools/locations/0/answers/mqs_loc_zip"),
        ("locations/new/mqs_loc_stat", "/answer_pools/locations/0/answers/mqs_loc_stat"),
    }


@pytest.mark.parametrize(
    ("body", "meant", "is_among"),
    [
        ({"answers": {"mqs_business_nam": "X"}}, "mqs_business_name", "mqs_email"),
        ({"answers": {"mqs_legal_entity": "L.L.C."}}, "llc", "c_corp"),
        ({"answers": {"mqs_lobs": ["bop", "bopp"]}}, "bop", "gl"),
        ({"answers": {"mqs_mail_state": "T.X."}}, "TX", "OH"),
        ({"answer_pools": {"location": []}}, "locations", "vehicles"),
        ({"answer_pools": {"locations": [{"answer": {}}]}}, "answers", "delete"),
        ({"answer_pools": {"locations": [{"answer_pools": {"building": []}}]}}, "buildings", "buildings"),
    ],
)
def test_a_value_outside_of_a_list_names_what_was_meant(
    api: Api, body: dict[str, Any], meant: str, is_among: str
) -> None:
    problem = assert_problem(api.post("/application_forms", body), 422, "invalid_answers")

    [fault] = problem["errors"]
    assert fault["did_you_mean"] == meant
    assert {meant, is_among} <= set(fault["allowed"])


def test_a_nested_unknown_pool_has_its_documented_code(api: Api) -> None:
    rows = [{"answer_pools": {"nope": [{}]}}]
    problem = assert_problem(
        api.post("/application_forms", {"answer_pools": {"locations": rows}}), 422, "invalid_answers"
    )

    assert faults(problem, "code") == {("unknown_pool",)}


def test_all_faults_of_a_body_s_shape(api: Api) -> None:
    problem = assert_problem(
        api.post("/application_forms", {"titel": 1, "answerz": {}, "title": 4, "as_of": "2026-02-30"}),
        422,
        "invalid_body",
    )

    assert faults(problem, "pointer", "code", "did_you_mean") == {
        ("/titel", "unknown_field", "title"),
        ("/answerz", "unknown_field", "answers"),
        ("/title", "wrong_type", None),
        ("/as_of", "invalid_value", None),
    }


def test_all_faults_of_a_query(api: Api) -> None:
    query = urlencode({"limit": "0", "state": "READY", "bar": "1", "order": "creatd", "updated_since": "yesterday"})

    problem = assert_problem(api.get(f"/application_forms?{query}"), 400, "invalid_query")

    assert faults(problem, "path", "code", "did_you_mean") == {
        ("limit", "invalid_value", None),
        ("state", "invalid_value", "ready"),
        ("bar", "unknown_field", None),
        ("order", "invalid_value", "created"),
        ("updated_since", "invalid_value", None),
    }
    assert all(fault["allowed"] for fault in problem["errors"] if fault["path"] in ("state", "bar", "order"))


@pytest.mark.parametrize(
    "query",
    [
        *("state=null", "updated_since=null", "limit=1.0", "limit=null"),
        # Not seconds since 1970.
        *("updated_since=0.5", "updated_since=1700000000", "updated_since=-1", "updated_since=1e5"),
    ],
)
def test_a_query_is_read_strictly(api: Api, query: str) -> None:
    assert_problem(api.get(f"/application_forms?{query}"), 400, "invalid_query")


def test_no_sentence_is_the_library_s(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    responses = [
        api.get("/application_forms?limit=0"),
        api.get("/application_forms?limit=x&deleted=x&updated_since=2026-01-01T00:00:00"),
        api.get("/search"),
        api.post("/application_forms", {"title": None, "answers": []}),
        api.post("/application_forms", {"as_of": "2026-02-30"}),
        api.post("/application_forms", []),
        api.post(f"/copies/{copy['id']}/messages", {"text": "", "severity": "loud"}),
        api.post("/webhook_endpoints", {"url": "", "event_types": [1]}),
        api.get("/me", Accept="text/csv"),
        api.send("PUT", "/me", b""),
        api.send("POST", "/application_forms", b"{}", content_type="text/plain"),
    ]

    for response in responses:
        assert 400 <= response.status_code < 500
        text = response.content.decode()
        assert not any(word in text for word in ("Expected", "RFC3339", "got ", "enum", "Could not", "`int`")), text


def test_many_faults_are_listed_briefly(api: Api) -> None:
    body = {"answers": {f"code_{number}": 1 for number in range(20_000)}}

    response = api.post("/application_forms", body)

    problem = response.json()
    assert (len(problem["errors"]), problem["more_errors"]) == (100, 19_900)
    assert problem["detail"] == "20000 values are invalid; nothing was changed."
    assert len(response.content) < 200_000


@pytest.mark.parametrize("part", ["answers", "answer_pools", ""])
def test_what_was_meant_is_sought_for_listed_names_only(
    api: Api, s1: Sample, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    copy = api.start(s1)
    sought = {"names": 0, "renames": 0}

    def count(what: str, function: Any) -> Any:
        def counted(*args: Any, **options: Any) -> Any:
            sought[what] += 1
            return function(*args, **options)

        return counted

    for module in (submitted, shape_faults):
        monkeypatch.setattr(module, "nearest", count("names", module.nearest))
    monkeypatch.setattr(submitted, "renamed_parts", count("renames", submitted.renamed_parts))
    unknown = {f"answer{number}": [] for number in range(2_000)}

    response = api.patch(f"/copies/{copy['id']}/answers", {part: unknown} if part else unknown)

    assert response.status_code == 422
    assert (len(response.json()["errors"]), response.json()["more_errors"]) == (100, 1_900)
    # Answers are planned twice: the second time aside, for the faults of validators.
    assert sought["names"] <= 200
    assert sought["renames"] <= 2


@contextmanager
def calls_counted() -> Iterator[Counter[str]]:
    """Count the calls of Python functions in the block, as ``call``."""
    counted = Counter[str]()

    def count(_: FrameType, event: str, __: object) -> None:
        counted[event] += 1

    sys.setprofile(count)
    try:
        yield counted
    finally:
        sys.setprofile(None)


def test_too_many_rows_are_refused_without_a_look_at_each(api: Api) -> None:
    few, many = ({"answer_pools": {"vehicles": [{}] * amount}} for amount in (1_000, 21_000))

    steps = []
    for body in (few, few, many):
        content = json.dumps(body).encode()
        with calls_counted() as counted:
            problem = assert_problem(api.send("POST", "/application_forms", content), 422, "invalid_answers")
        steps.append(counted["call"])
        assert faults(problem, "path", "code") == {("vehicles", "pool_full")}

    # Reading the JSON takes four calls for each row; a look at each would take many more. The second request finds the
    # caches filled, as the third does.
    assert steps[2] - steps[1] < 8 * 20_000


@pytest.mark.parametrize("content", [b"", b"{}", b" { } "])
def test_an_empty_change_is_refused(api: Api, s1: Sample, content: bytes) -> None:
    copy = api.start(s1)
    endpoint = api.post("/webhook_endpoints", {"url": "https://example.com/x", "event_types": ["*"]}).json()["id"]

    for path in (
        f"/copies/{copy['id']}/answers",
        f"/copies/{copy['id']}/answers?dry_run=true",
        f"/webhook_endpoints/{endpoint}",
    ):
        problem = assert_problem(api.send("PATCH", path, content), 422, "invalid_body")
        assert faults(problem, "code") == {("empty_body",)}
