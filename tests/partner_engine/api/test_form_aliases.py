"""The older routes below a form: each responds like the route of the copy, but for three headers.

The tests come from the table of the aliases; a new alias, or a new method of a copy's route, needs a sample here.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.urls import reverse

from batch import service as batch
from catalogue.demo import Sample
from forms.selectors import find_meant_copy
from partner_engine.api.form_aliases import FORM_ALIASES
from partner_engine.api.urls import ROUTES
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.api_client import NOBODY, V1, Api, assert_problem

pytestmark = pytest.mark.django_db

#: A request for each method of each copy's route: the query of a read, the body of a write.
SAMPLES: dict[tuple[str, str], Any] = {
    ("answers", "PATCH"): {"answers": {"mqs_gl_limit": "l2m"}},
    ("question_sets", "GET"): "",
    ("question_sets", "POST"): {"code": "qs_cyber"},
    ("question_set", "GET"): "",
    ("question_set", "DELETE"): None,
    ("messages", "GET"): "?limit=1",
    ("messages", "POST"): {"text": "Call back on Monday"},
    ("message", "DELETE"): None,
    ("events", "GET"): "?limit=1",
    ("events", "POST"): {"kind": "external_transfer"},
    ("processes", "GET"): "",
    ("guest_links", "GET"): "",
    ("guest_links", "POST"): {"name": "Gus"},
    ("guest_link", "GET"): "",
    ("guest_link", "DELETE"): None,
    ("needed", "GET"): "",
    ("changes", "GET"): "?since=0",
    ("history", "GET"): "?limit=1",
    ("explain", "GET"): "?target=QM-BOP",
}
CASES = [
    (path, successor, method.upper())
    for path, successor, view in FORM_ALIASES
    for method in ("get", "post", "patch", "delete")
    if hasattr(view, method)
]
READS = [case for case in CASES if case[2] == "GET"]
WRITES = [case for case in CASES if case[2] != "GET"]
OWN_HEADERS = {"Deprecation", "Sunset", "Link"}
#: What differs between two forms with the same content: ids, moments, secrets and digests of them.
_VARYING = re.compile(
    r"(?<=guest/)[\w#-]+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)"
    r"|(?<=cursor=)[\w-]+|\"\d+-[0-9a-f]{24}\""
)


class Twin:
    """A form with one more copy, which has a record of each kind: the form's default copy is deleted."""

    def __init__(self, api: Api, sample: Sample) -> None:
        self.api = api
        self.form = api.start(sample)["id"]
        self.copy = api.post(f"/application_forms/{self.form}/copies", {"title": "Second"}).json()["id"]
        api.post(f"/copies/{self.copy}/make_base")
        api.delete(f"/copies/{self.form}")
        self.ids = {"code": "qs_cyber"}
        api.post(f"/copies/{self.copy}/question_sets", {"code": "qs_cyber"})
        for number in range(2):
            self.ids["message_id"] = self._add("messages", {"text": f"Message {number}"})
            self.ids["link_id"] = self._add("guest_links", {"name": f"Guest {number}"})
            self._add("events", {"kind": "external_transfer"})

    def by_form(self, path: str, query: str = "") -> str:
        return self._path(f"application_forms/<id:id>/{path}", self.form) + query

    def by_copy(self, successor: str, query: str = "") -> str:
        return self._path(ROUTES[successor][0], self.copy) + query

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        if method == "GET":
            return self.api.get(path, **headers)
        return getattr(self.api, method.lower())(path, *([body] if method != "DELETE" else []), **headers)

    def _add(self, route: str, body: dict[str, Any]) -> str:
        return str(self.api.post(f"/copies/{self.copy}/{route}", body).json()["id"])

    def _path(self, route: str, identity: str) -> str:
        return "/" + re.sub(r"<\w+:(\w+)>", lambda found: {**self.ids, "id": identity}[found[1]], route)


@pytest.fixture
def twin(api: Api, s1: Sample) -> Twin:
    return Twin(api, s1)


def headers_of(response: HttpResponse) -> dict[str, str]:
    """Return the headers that an alias shares with its route. The length of a problem is that of its path, too."""
    apart = OWN_HEADERS | {"X-Correlation-ID", "Date"} | ({"Content-Length"} if response.status_code >= 400 else set())
    return {name: _VARYING.sub("*", value) for name, value in response.headers.items() if name not in apart}


def content_of(response: HttpResponse) -> str:
    return _VARYING.sub("*", response.content.decode())


def assert_deprecated(response: HttpResponse, successor: str) -> None:
    assert response["Deprecation"] == "@1793491200"
    assert response["Sunset"] == "Mon, 01 Nov 2027 00:00:00 GMT"
    first, *others = response["Link"].split(", ")
    assert first == f'<{V1}{successor}>; rel="successor-version"'
    assert [re.search('rel="(.*?)"', link)[1] for link in others] == ["deprecation", "sunset"]  # type: ignore[index]


def test_every_method_of_every_alias_has_a_sample() -> None:
    assert {(successor, method) for _, successor, method in CASES} == set(SAMPLES)


def test_reads_respond_like_the_copys_route(twin: Twin) -> None:
    for path, successor, method in READS:
        query = SAMPLES[successor, method]
        alias, route = twin.by_form(path, query), twin.by_copy(successor, query)

        by_form, by_copy = twin.api.get(alias), twin.api.get(route)

        assert by_copy.status_code == 200, (path, by_copy.content)
        assert (by_form.status_code, by_form.content) == (by_copy.status_code, by_copy.content), path
        assert headers_of(by_form) == headers_of(by_copy), path
        assert_deprecated(by_form, twin.by_copy(successor))
        assert not OWN_HEADERS & set(by_copy.headers), path
        if "ETag" in by_form:
            assert twin.api.get(alias, If_None_Match=by_copy["ETag"]).status_code == (
                twin.api.get(route, If_None_Match=by_copy["ETag"]).status_code
            )


def test_writes_respond_like_the_copys_route(api: Api, s1: Sample) -> None:
    """Two forms of the same content: one is written by the alias, the other by the route of its copy."""
    left, right = Twin(api, s1), Twin(api, s1)
    for path, successor, method in WRITES:
        body = SAMPLES[successor, method]
        alias, route = left.by_form(path), right.by_copy(successor)
        for expected, headers in (
            (412, {"If_Match": '"1"'}),
            (None, {"If_Match": "*", "Idempotency_Key": f"key of {path}".replace(" ", "-")}),
            (None, {"If_Match": "*", "Idempotency_Key": f"key of {path}".replace(" ", "-")}),
        ):
            by_form = left.send(method, alias, body, **headers)
            keyed = {name: value + "-copy" if name == "Idempotency_Key" else value for name, value in headers.items()}
            by_copy = right.send(method, route, body, **keyed)

            assert by_copy.status_code == (expected or by_copy.status_code) and by_copy.status_code != 500, path
            assert expected or by_copy.status_code < 300, (path, by_copy.content)
            assert (by_form.status_code, headers_of(by_form)) == (by_copy.status_code, headers_of(by_copy)), path
            instance = content_of(by_form).replace(alias.rpartition("/")[0], "").replace(route.rpartition("/")[0], "")
            if expected is None:
                assert instance == content_of(by_copy).replace(route.rpartition("/")[0], ""), path
                assert ("Idempotent-Replayed" in by_form) == ("Idempotent-Replayed" in by_copy)
            assert_deprecated(by_form, left.by_copy(successor))
        assert by_form["Idempotent-Replayed"] == "true", path


@pytest.mark.parametrize(("path", "successor", "method"), CASES)
def test_unknown_ids_and_missing_rights(
    api: Api, harbor_client: Any, path: str, successor: str, method: str
) -> None:  # fmt: skip
    ids = {"code": "qs_cyber", "message_id": NOBODY, "link_id": NOBODY, "id": NOBODY}
    address = "/" + re.sub(r"<\w+:(\w+)>", lambda found: ids[found[1]], f"application_forms/<id:id>/{path}")
    sample = SAMPLES[successor, method]
    query, body = (sample, None) if method == "GET" else ("", sample)

    for caller, status, code in ((api, 404, "not_found"), (Api(harbor_client, []), 403, "missing_right")):
        send = getattr(caller, method.lower())
        response = send(address + query, *([body] if method in ("POST", "PATCH") else []))
        assert_problem(response, status, code)
        assert response["Deprecation"] and response["Sunset"] and "successor-version" in response["Link"]


def test_the_meant_copy_is_the_one_that_the_batch_loads(api: Api, s1: Sample, harbor: Tenant, owner: User) -> None:
    form = api.start(s1)["id"]
    copies = [api.post(f"/application_forms/{form}/copies", {}).json()["id"] for _ in range(2)]
    stranger = api.start(s1)["id"]
    actor = owner.as_actor(source="web")

    def meant(identity: str) -> tuple[UUID | None, UUID | None]:
        with use_tenant(harbor):
            found = find_meant_copy(UUID(identity))
        try:
            return found, batch.find(identity, scope=harbor, actor=actor).copy.id
        except batch.NotFound:
            return found, None

    for order in ("", "make_base", "delete", "touch"):
        if order == "make_base":
            api.post(f"/copies/{copies[0]}/make_base")
        elif order == "delete":
            api.delete(f"/copies/{form}")
        elif order == "touch":
            api.patch(f"/copies/{copies[1]}", {"title": "Touched last"})
        for identity in (form, *copies, stranger, NOBODY):
            one, other = meant(identity)
            assert one == other, (order, identity)
    assert meant(form) == (UUID(copies[1]), UUID(copies[1]))


def test_the_next_page_is_of_the_same_copy(twin: Twin) -> None:
    page = twin.api.get(twin.by_form("messages", "?limit=1")).json()

    assert page["next"].startswith(reverse("api:messages", kwargs={"id": UUID(twin.copy)}) + "?limit=1&cursor=")
    assert twin.api.get(page["next"].removeprefix(V1)).json()["results"][0]["text"] == "Message 0"


def test_a_repeated_request_gets_its_response_though_the_form_means_another_copy(twin: Twin) -> None:
    alias = twin.by_form("messages")
    first = twin.api.post(alias, {"text": "Once"}, Idempotency_Key="k")
    other = twin.api.post(f"/application_forms/{twin.form}/copies", {"title": "Third"}).json()["id"]

    again = twin.api.post(alias, {"text": "Once"}, Idempotency_Key="k")

    assert (again.status_code, again.content) == (201, first.content)
    assert twin.api.get(f"/copies/{other}/messages").json()["results"] == []
