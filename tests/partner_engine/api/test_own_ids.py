"""What partners give their forms: ``external_id``, ``metadata``, an owner, and refs of new rows."""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.demo import Sample
from forms.models import ApplicationForm
from tenants.access import Right
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant, User
from tests.harness.api_client import NOBODY, Api, assert_problem

pytestmark = pytest.mark.django_db


def listed(api: Api, query: str) -> list[str]:
    """Return the ids of the forms of the list."""
    return [form["id"] for form in api.get(f"/application_forms?{query}").json()["results"]]


class TestExternalId:
    def test_it_is_set_read_found_and_removed(self, api: Api) -> None:
        copy = api.post("/application_forms", {"external_id": "CRM/7 é", "metadata": {"desk": "4"}}).json()
        path = f"/application_forms/{copy['id']}"
        other = api.post("/application_forms").json()

        assert (copy["external_id"], copy["metadata"]) == ("CRM/7 é", {"desk": "4"})
        assert (other["external_id"], other["metadata"]) == (None, {})
        shown = api.get(path).json()
        assert (shown["external_id"], shown["metadata"], shown["copy"]) == ("CRM/7 é", {"desk": "4"}, copy)
        (found,) = api.get("/application_forms?external_id=CRM/7%20%C3%A9").json()["results"]
        assert (found["id"], found["external_id"], found["metadata"]) == (copy["id"], "CRM/7 é", {"desk": "4"})
        assert (listed(api, "external_id=CRM/7"), len(listed(api, "external_id="))) == ([], 2)
        changed = api.patch(path, {"external_id": None}, If_Match='"1"')
        assert (changed.status_code, changed["ETag"], changed.json()["external_id"]) == (200, '"2"', None)
        assert api.patch(f"/application_forms/{other['id']}", {"external_id": "CRM/7 é"}).status_code == 200
        change = api.get(f"/copies/{copy['id']}/history").json()["results"][0]["changes"]
        assert [(one["path"], one["before"], one["after"]) for one in change] == [
            ("application_form/external_id", "CRM/7 é", "")
        ]

    def test_a_second_form_with_it_is_refused_and_the_first_is_named(
        self, api: Api, foreigner: Api, harbor: Tenant
    ) -> None:
        first = api.post("/application_forms", {"external_id": "A-1"}).json()["id"]
        second = api.post("/application_forms", {"external_id": "A-2"}).json()
        assert foreigner.post("/application_forms", {"external_id": "A-1"}).status_code == 201

        for response in (
            api.post("/application_forms", {"external_id": "A-1", "answers": {"mqs_business_name": "Twice"}}),
            api.post("/application_forms", {"external_id": "A-1"}, Idempotency_Key="k"),
            api.patch(f"/application_forms/{second['id']}", {"external_id": "A-1", "metadata": {"a": "b"}}),
        ):
            problem = response.json()
            assert (response.status_code, problem["type"].rpartition(":")[2]) == (409, "external_id_taken")
            assert problem["existing"] == {"application_form_id": first} and first in problem["detail"]
            assert [fault["pointer"] for fault in problem["errors"]] == ["/external_id"]

        with use_tenant(harbor):
            assert ApplicationForm.objects.count() == 2
        assert api.get(f"/copies/{second['id']}").json() == second

    def test_a_deleted_form_keeps_it(self, api: Api) -> None:
        form = api.post("/application_forms", {"external_id": "A-1"}).json()["id"]
        api.delete(f"/application_forms/{form}")

        response = api.post("/application_forms", {"external_id": "A-1"})

        assert response.json()["existing"] == {"application_form_id": form}
        assert (listed(api, "external_id=A-1"), listed(api, "external_id=A-1&deleted=true")) == ([], [form])
        assert_problem(api.patch(f"/application_forms/{form}", {"external_id": "A-2"}), 404, "not_found")

    def test_a_repeated_request_is_no_clash_and_a_clone_has_none(self, api: Api) -> None:
        first, again = (api.post("/application_forms", {"external_id": "A"}, Idempotency_Key="k") for _ in range(2))
        path = f"/application_forms/{first.json()['id']}"
        assert (again.status_code, again["Idempotent-Replayed"], again.json()) == (201, "true", first.json())
        assert api.patch(path, {"external_id": "A"})["ETag"] == '"1"'

        clone = api.post(f"{path}/clone", {}).json()

        shown = api.get(f"/application_forms/{clone['application_form_id']}").json()
        assert (shown["external_id"], shown["metadata"]) == (None, {})

    @pytest.mark.parametrize(
        ("value", "code"),
        [
            (" A", "wrong_value"),
            ("a\nb", "wrong_value"),
            ("x" * 201, "invalid_body"),
            (7, "invalid_body"),
            ("987-65-4321", "sensitive_text_refused"),
        ],
    )
    def test_what_cannot_be_stored_is_refused(self, api: Api, value: object, code: str, harbor: Tenant) -> None:
        problem = assert_problem(api.post("/application_forms", {"external_id": value}), 422, code)

        assert [fault["pointer"] for fault in problem["errors"]] == ["/external_id"]
        with use_tenant(harbor):
            assert not ApplicationForm.objects.exists()


class TestMetadata:
    def test_a_change_merges_and_null_removes(self, api: Api) -> None:
        copy = api.post("/application_forms", {"metadata": {"a": "1", "b": "2", "gone": None}}).json()
        path = f"/application_forms/{copy['id']}"
        tag = api.get(f"/copies/{copy['id']}")["ETag"]

        changed = api.patch(path, {"metadata": {"b": None, "c": "3\nlines", "x/y~z": ""}})

        expected = {"a": "1", "c": "3\nlines", "x/y~z": ""}
        assert (changed["ETag"], changed.json()["metadata"]) == ('"2"', expected)
        assert api.get(f"/copies/{copy['id']}", If_None_Match=tag).json()["metadata"] == expected
        assert api.patch(path, {"metadata": {"a": "1", "b": None}})["ETag"] == '"2"'
        assert_problem(api.patch(path, {}), 422, "invalid_body")
        (change,) = api.get(f"/copies/{copy['id']}/history").json()["results"][0]["changes"]
        assert (change["path"], change["before"]) == ("application_form/metadata", '{"a":"1","b":"2"}')
        assert api.patch(path, {"metadata": dict.fromkeys(expected)}).json()["metadata"] == {}

    def test_it_belongs_to_all_copies_of_the_form(self, api: Api) -> None:
        form = api.post("/application_forms", {"metadata": {"a": "1"}}).json()["id"]
        second = api.post(f"/application_forms/{form}/copies", {}).json()
        tag = api.get(f"/copies/{second['id']}")["ETag"]

        api.patch(f"/application_forms/{form}", {"metadata": {"a": "2"}, "external_id": "E"})

        shown = api.get(f"/copies/{second['id']}", If_None_Match=tag).json()
        assert (shown["metadata"], shown["external_id"], shown["version"]) == ({"a": "2"}, "E", 1)
        assert api.patch(f"/application_forms/{second['id']}", {"metadata": {"b": "3"}})["ETag"] == '"2"'
        assert api.get(f"/application_forms/{form}").json()["metadata"] == {"a": "2", "b": "3"}

    @pytest.mark.parametrize(
        ("metadata", "pointer", "code"),
        [
            ({"a": "x" * 501}, "/metadata/a", "invalid_body"),
            ({"a": 7}, "/metadata/a", "invalid_body"),
            ({"k" * 41: "x"}, "/metadata", "wrong_value"),
            ({"": "x"}, "/metadata/", "wrong_value"),
            ({" a": "x"}, "/metadata/ a", "wrong_value"),
            ({"a/b": "987-65-4321"}, "/metadata/a~1b", "sensitive_text_refused"),
            ({"a": "left\u202eright"}, "/metadata/a", "wrong_value"),
            ({str(number): "x" for number in range(50)}, "/metadata", "wrong_value"),
            (None, "/metadata", "invalid_body"),
        ],
        ids=str,
    )
    def test_what_cannot_be_stored_is_refused(self, api: Api, metadata: object, pointer: str, code: str) -> None:
        copy = api.post("/application_forms", {"metadata": {"first": "1"}}).json()

        problem = assert_problem(api.patch(f"/application_forms/{copy['id']}", {"metadata": metadata}), 422, code)

        assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
        assert api.get(f"/copies/{copy['id']}").json() == copy

    def test_fifty_keys_are_stored(self, api: Api) -> None:
        metadata = {f"{number:040}": "x" * 500 for number in range(50)}

        assert api.post("/application_forms", {"metadata": metadata}).json()["metadata"] == metadata


class TestOwner:
    def test_new_forms_copies_and_changes_take_a_user_of_the_tenant(
        self, api: Api, owner: User, stranger: User
    ) -> None:
        given = {"owner_id": str(owner.pk)}
        form = api.post("/application_forms", given).json()
        path = f"/application_forms/{form['id']}"
        copy = api.post(f"{path}/copies", given).json()

        assert form["owner_id"] == copy["owner_id"] == str(owner.pk)
        assert listed(api, f"owner={owner.pk}") == [form["id"]]
        assert api.patch(path, {"owner_id": None}).json()["owner_id"] is None
        assert api.patch(path, given).json()["owner_id"] == str(owner.pk)
        requests: list[tuple[str, str]] = [
            ("POST", "/application_forms"),
            ("POST", f"{path}/copies"),
            ("PATCH", path),
        ]
        for method, url in requests:
            for other in (str(stranger.pk), NOBODY, "me"):
                response = (api.post if method == "POST" else api.patch)(url, {"owner_id": other})
                problem = assert_problem(response, 422, "invalid_body")
                assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == [
                    ("/owner_id", "unknown_user")
                ]
        assert len(api.get("/application_forms").json()["results"]) == 1

    def test_the_users_of_the_tenant_are_listed_in_pages(self, api: Api, owner: User, stranger: User) -> None:
        harbor = owner.tenant
        later = [
            User.objects.create_user(f"u{number}@harbor.example", None, tenant=harbor, role="agent")
            for number in range(3)
        ]
        User.objects.create_user("gone@harbor.example", None, tenant=harbor, role="agent", is_active=False)
        path, found = "/users?limit=3", []

        while path:
            page: dict[str, Any] = api.get(path).json()
            found += page["results"]
            path = (page["next"] or "").removeprefix("/api/v1")

        assert found == [
            {"id": str(user.pk), "name": user.full_name or user.email, "role": user.role}
            for user in sorted([owner, *later], key=lambda user: user.pk)
        ]
        assert str(stranger.pk) not in str(found)
        assert_problem(api.get("/users?cursor=x"), 400, "invalid_cursor")


LOCATION = {"mqs_loc_state": "TX", "mqs_loc_zip": "78701"}


class TestRefs:
    def test_new_rows_are_returned_by_their_refs(self, api: Api, s1: Sample, harbor_client: ApiClient) -> None:
        rows = [
            {"ref": "shop", "answers": LOCATION, "answer_pools": {"buildings": [{"ref": "7", "answers": {}}]}},
            {"answers": LOCATION},
        ]
        copy = api.post("/application_forms", {"answer_pools": {"locations": rows}}).json()
        first = copy["answer_pools"]["locations"][0]

        refs = copy.pop("refs")

        assert refs == {
            "shop": {"id": first["id"], "path": f"locations/{first['id']}"},
            "7": {
                "id": first["answer_pools"]["buildings"][0]["id"],
                "path": f"locations/{first['id']}/buildings/{first['answer_pools']['buildings'][0]['id']}",
            },
        }
        assert api.get(f"/copies/{copy['id']}").json() == copy
        body = {"answer_pools": {"locations": [{"id": first["id"]}, {"ref": "new", "answers": LOCATION}]}}
        assert "new" in api.patch(f"/copies/{copy['id']}/answers?dry_run=true", body).json()["refs"]
        changed = api.patch(f"/copies/{copy['id']}/answers", body, Idempotency_Key="k")
        new = changed.json()["refs"]["new"]
        assert new["path"] in {change["path"] for change in changed.json()["changes"]}
        assert api.patch(f"/copies/{copy['id']}/answers", body, Idempotency_Key="k").json() == changed.json()
        writer = Api(harbor_client, [Right.WRITE_FORMS])
        receipt = writer.patch(f"/copies/{copy['id']}/answers", body).json()
        assert set(receipt) == {"id", "version", "refs"} and set(receipt["refs"]) == {"new"}
        assert "refs" not in api.patch(f"/copies/{copy['id']}/answers", {"answers": {}, "answer_pools": {}}).json()

    @pytest.mark.parametrize(
        ("rows", "code"),
        [
            ([{"ref": "a"}, {"ref": "a"}], "duplicate_ref"),
            ([{"ref": ""}], "wrong_type"),
            ([{"ref": 7}], "wrong_type"),
            ([{"ref": "x" * 101}], "wrong_type"),
            ([{"id": "known", "ref": "a"}], "ref_of_known_row"),
            ([{"id": "known", "delete": True, "ref": "a"}], "ref_of_known_row"),
        ],
    )
    def test_an_impossible_ref_is_refused(self, api: Api, s1: Sample, rows: list[dict[str, Any]], code: str) -> None:
        copy = api.start(s1)
        known = copy["answer_pools"]["locations"][0]["id"]
        sent = [{**row, "id": known} if "id" in row else row for row in rows]

        response = api.patch(f"/copies/{copy['id']}/answers", {"answer_pools": {"locations": sent}})

        problem = assert_problem(response, 422, "invalid_answers")
        assert [(fault["code"], fault["pointer"].rpartition("/")[2]) for fault in problem["errors"]] == [(code, "ref")]
        assert api.get(f"/copies/{copy['id']}").json() == copy
