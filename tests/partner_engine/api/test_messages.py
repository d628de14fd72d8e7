"""``/copies/{id}/messages``: posted, listed, dismissed; what is refused changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalogue.demo import Sample
from forms.models import Message
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import NOBODY, Api, assert_problem
from tests.harness.outbox_events import published_events

pytestmark = pytest.mark.django_db
#: The token with its client, the copy, its messages.
QUERIES_OF_A_LIST = 3
#: The token with its client, the copy, the save between a savepoint and its release.
QUERIES_OF_A_POST = 5


@pytest.fixture
def copy(api: Api, s1: Sample) -> dict[str, Any]:
    return api.start(s1)


@pytest.fixture
def url(copy: dict[str, Any]) -> str:
    return f"/copies/{copy['id']}/messages"


def posted(api: Api, url: str, text: str = "Call the owner", **fields: str) -> dict[str, Any]:
    response = api.post(url, {"text": text, **fields})
    assert response.status_code == 201, response.content
    return response.json()


def listed(api: Api, url: str) -> list[dict[str, Any]]:
    return api.get(url).json()["results"]


def messages_of(tenant: Tenant) -> list[dict[str, Any]]:
    with use_tenant(tenant):
        return list(Message.objects.values())


def test_a_message_is_posted_and_listed(api: Api, url: str, harbor: Tenant, harbor_client: ApiClient) -> None:
    response = api.post(url, {"text": " Call the owner ", "severity": "task", "path": "mqs_gl_limit"})

    message = response.json()
    assert (response.status_code, response["ETag"]) == (201, '"2"')
    assert message == {
        "id": message["id"],
        "kind": "answer",
        "severity": "task",
        "path": "mqs_gl_limit",
        "text": "Call the owner",
        "by": {"type": "api_client", "id": str(harbor_client.pk), "name": "Harbor"},
        "created_at": message["created_at"],
    }
    assert api.get(url).json() == {"results": [message], "next": None}
    told = {"id": message["id"], "kind": "answer", "severity": "task", "path": "mqs_gl_limit", "text": "Call the owner"}
    assert published_events(harbor, "message") == [("message.added", 2, told)]


def test_it_is_about_the_form_without_a_path(api: Api, url: str) -> None:
    message = posted(api, url)

    assert (message["kind"], message["severity"], message["path"]) == ("application_form", "info", "")


def test_it_is_about_a_row_or_an_answer_in_it(api: Api, url: str, copy: dict[str, Any]) -> None:
    row = f"locations/{copy['answer_pools']['locations'][0]['id']}"

    paths = [posted(api, url, path=path)["path"] for path in (row, f"{row}/mqs_loc_zip")]

    assert paths == [row, f"{row}/mqs_loc_zip"]


def test_messages_of_rules_are_separate(api: Api, url: str, copy: dict[str, Any]) -> None:
    posted(api, url)

    now = api.get(f"/copies/{copy['id']}").json()
    assert (now["version"], now["messages"], now["answers"]) == (2, copy["messages"], copy["answers"])


def test_a_message_is_in_history_and_changes(
    api: Api, url: str, copy: dict[str, Any], harbor_client: ApiClient
) -> None:
    message = posted(api, url)

    change = {
        "path": f"copy.messages/{message['id']}",
        "before": None,
        "after": "Call the owner",
        "cause": {"type": "api_client", "id": str(harbor_client.pk)},
    }
    assert api.get(f"/copies/{copy['id']}/changes?since=1").json()["changes"] == [change]
    assert api.get(f"/copies/{copy['id']}/history").json()["results"][0]["changes"] == [change]


def test_pages_go_back_in_time(api: Api, url: str) -> None:
    texts = [f"Message {number}" for number in range(5)]
    for text in texts:
        posted(api, url, text)

    seen, address = [], f"{url}?limit=2"
    while address:
        page = api.get(address).json()
        seen.append([message["text"] for message in page["results"]])
        address = (page["next"] or "").removeprefix("/api/v1")

    assert seen == [["Message 4", "Message 3"], ["Message 2", "Message 1"], ["Message 0"]]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "invalid_query"),
        ("limit=101", "invalid_query"),
        ("page=2", "invalid_query"),
        ("cursor=x", "invalid_cursor"),
    ],
)
def test_an_invalid_page(api: Api, url: str, query: str, code: str) -> None:
    assert_problem(api.get(f"{url}?{query}"), 400, code)


def test_the_version_shows_whether_anything_is_new(api: Api, url: str) -> None:
    posted(api, url)
    tag = api.get(url)["ETag"]

    assert api.get(url, If_None_Match=tag).status_code == 304
    posted(api, url)
    assert api.get(url, If_None_Match=tag).status_code == 200


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({}, "invalid_body", "/text"),
        ({"text": ""}, "invalid_body", "/text"),
        ({"text": 7}, "invalid_body", "/text"),
        ({"text": "x" * 2_001}, "invalid_body", "/text"),
        ({"text": "x", "severity": "fatal"}, "invalid_body", "/severity"),
        ({"text": "x", "kind": "answer"}, "invalid_body", "/kind"),
        ({"text": "x", "path": "p" * 301}, "invalid_body", "/path"),
        ({"text": " \n "}, "wrong_value", "/text"),
        ({"text": "x", "path": "mqs_nothing"}, "unknown_question", "/path"),
        ({"text": "x", "path": "mqs_loc_zip"}, "unknown_question", "/path"),
        ({"text": "x", "path": "locations"}, "unknown_question", "/path"),
        ({"text": "x", "path": "copy/title"}, "unknown_pool", "/path"),
        ({"text": "x", "path": "locations/none"}, "unknown_row", "/path"),
        ({"text": "x", "path": f"locations/{NOBODY}/mqs_loc_zip"}, "unknown_row", "/path"),
        ({"text": "x", "path": "/"}, "unknown_pool", "/path"),
        ({"text": "His number is 987-65-4321."}, "sensitive_text_refused", "/text"),
        ({"text": "Pay with 4111 1111 1111 1111"}, "sensitive_text_refused", "/text"),
    ],
)
def test_invalid_messages(
    api: Api, url: str, copy: dict[str, Any], harbor: Tenant, body: dict[str, Any], code: str, pointer: str
) -> None:
    problem = assert_problem(api.post(url, body), 422, code)

    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert "987-65-4321" not in str(problem) and "4111 1111" not in str(problem)
    assert api.get(f"/copies/{copy['id']}").json() == copy
    assert (messages_of(harbor), published_events(harbor, "message")) == ([], [])


def test_a_message_is_dismissed(api: Api, url: str, copy: dict[str, Any], harbor: Tenant) -> None:
    message, other = posted(api, url), posted(api, url, "Another")

    response = api.delete(f"{url}/{message['id']}", If_Match='"3"')

    assert (response.status_code, response.content, response["ETag"]) == (204, b"", '"4"')
    assert listed(api, url) == [other]
    told = {name: message[name] for name in ("id", "kind", "severity", "path")}
    assert published_events(harbor, "message")[-1] == ("message.dismissed", 4, told)
    assert_problem(api.delete(f"{url}/{message['id']}"), 404, "not_found")
    assert api.get(f"/copies/{copy['id']}").json()["version"] == 4


@pytest.mark.parametrize("identity", [NOBODY, "x"])
def test_an_unknown_message(api: Api, url: str, copy: dict[str, Any], identity: str) -> None:
    assert_problem(api.delete(f"{url}/{identity}"), 404, "not_found")
    assert api.get(f"/copies/{copy['id']}").json() == copy


def test_a_message_belongs_to_its_copy(
    api: Api, foreigner: Api, url: str, copy: dict[str, Any], harbor: Tenant
) -> None:
    message = posted(api, url)
    second = api.post(f"/application_forms/{copy['id']}/copies", {"title": "Second"}).json()
    before = messages_of(harbor)

    assert listed(api, f"/copies/{second['id']}/messages") == []
    assert_problem(api.delete(f"/copies/{second['id']}/messages/{message['id']}"), 404, "not_found")
    assert_problem(foreigner.delete(f"{url}/{message['id']}"), 404, "not_found")
    assert_problem(foreigner.get(url), 404, "not_found")
    assert_problem(foreigner.post(url, {"text": "x"}), 404, "not_found")
    assert messages_of(harbor) == before
    assert listed(api, url) == [message]


def test_guards_of_a_write(api: Api, url: str, copy: dict[str, Any]) -> None:
    first = api.post(url, {"text": "Once"}, Idempotency_Key="k")
    again = api.post(url, {"text": "Once"}, Idempotency_Key="k")

    assert (again.status_code, again.content, again["ETag"]) == (201, first.content, first["ETag"])
    assert_problem(api.post(url, {"text": "Other"}, Idempotency_Key="k"), 422, "idempotency_key_reused")
    assert_problem(api.post(url, {"text": "Late"}, If_Match='"1"'), 412, "version_mismatch")
    assert [message["text"] for message in listed(api, url)] == ["Once"]
    api.post(f"/copies/{copy['id']}/lock")
    assert_problem(api.post(url, {"text": "Locked"}), 423, "copy_locked")
    assert_problem(api.delete(f"{url}/{first.json()['id']}"), 423, "copy_locked")
    assert [message["text"] for message in listed(api, url)] == ["Once"]


def test_queries_do_not_grow_with_messages(api: Api, url: str) -> None:
    counts = []
    for number in (1, 10):
        for _ in range(number):
            posted(api, url)
        with CaptureQueriesContext(connection) as reading:
            api.get(url)
        with CaptureQueriesContext(connection) as posting:
            api.post(url, {"text": "One more"})
        counts.append((len(reading), len(posting)))

    assert counts == [(QUERIES_OF_A_LIST, QUERIES_OF_A_POST)] * 2
