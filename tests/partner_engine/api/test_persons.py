"""A person's data by API: found in a dry run, exported, and erased by its plan, once."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from batch import service as batch
from copies.models import Copy
from operations.erasure import certificates
from operations.models import Erasure
from operations.persons import person_erasure
from operations.persons.identity import Person
from operations.persons.person_erasure import erase_person
from redis_locks.job_mutex import JobMutex
from tenants.access import ROLE_RIGHTS, Right, system_actor
from tenants.models import AccountMail, ApiClient, Tenant, User
from tests.harness.api_client import Api, assert_problem
from tests.harness.canaries import in_database

pytestmark = pytest.mark.django_db

EMAIL = "rosalindquill@person.example"
ERASURE, EXPORT = "/persons/erasure", "/persons/export"


@pytest.fixture
def form(api: Api) -> str:
    """Return a form of the person."""
    created = api.post("/application_forms", {"answers": {"mqs_email": EMAIL, "mqs_mail_state": "TX"}})
    assert created.status_code == 201, created.content
    return str(created.json()["id"])


def planned(api: Api, **fields: Any) -> dict[str, Any]:
    response = api.post(f"{ERASURE}?dry_run=true", {"email": EMAIL, **fields})
    assert response.status_code == 200, response.content
    plan: dict[str, Any] = response.json()
    return plan


def test_a_dry_run_names_the_forms_and_its_plan_erases_them(api: Api, form: str) -> None:
    plan = planned(api)
    entry = {"application_form_id": form, "by": ["email"], "fate": "erased", "reason": ""}
    assert (plan["dry_run"], plan["forms"]) == (True, [entry])
    assert Erasure.objects.count() == 0 and in_database({"email": EMAIL}) != set()

    response = api.post(ERASURE, {"email": EMAIL, "plan": plan["plan"]})

    certificate = response.json()
    record = Erasure.objects.get(subject="person")
    assert (response.status_code, certificate["certificate"]) == (200, str(record.pk))
    assert record.requested_by.startswith("api_client:") and record.finished_at is not None
    assert certificate["counts"] == dict(sorted(record.counts.items())) and certificate["counts"]["forms erased"] == 1
    assert (certificate["stays"], certificate["left"]) == ([], []) and certificate["finished_at"]
    assert in_database({"email": EMAIL}) == set()
    assert planned(api)["forms"] == []


def test_the_same_key_erases_once_and_returns_the_same_certificate(api: Api, form: str) -> None:
    body = {"email": EMAIL, "plan": planned(api)["plan"]}
    first = api.post(ERASURE, body, Idempotency_Key="erase-1")

    again = api.post(ERASURE, body, Idempotency_Key="erase-1")

    assert (again.status_code, again.content) == (200, first.content)
    assert again["Idempotent-Replayed"] == "true" and "Idempotent-Replayed" not in first
    assert Erasure.objects.filter(subject="person").count() == 1
    assert in_database({"email": EMAIL}) == set()
    assert_problem(api.post(ERASURE, {**body, "email": "x@y.example"}, Idempotency_Key="erase-1"), 422,
                   "idempotency_key_reused")  # fmt: skip
    assert_problem(api.post(ERASURE, body), 409, "plan_moved")


def test_answers_only_leaves_the_form_with_the_mark(api: Api, form: str) -> None:
    plan = planned(api, answers_only=True)
    assert [(one["fate"], one["reason"]) for one in plan["forms"]] == [("answers_erased", "kept on request")]

    response = api.post(ERASURE, {"email": EMAIL, "answers_only": True, "plan": plan["plan"]})

    assert [one["application_form_id"] for one in response.json()["stays"]] == [form]
    answers = api.get(f"/copies/{form}").json()["answers"]
    assert answers["mqs_email"]["erased"] is True and answers["mqs_mail_state"]["value"] == "TX"


def test_without_the_plan_of_this_person_and_these_forms_nothing_is_erased(
    api: Api, form: str, foreigner: Api
) -> None:  # fmt: skip
    plan = planned(api)["plan"]
    problem = assert_problem(api.post(ERASURE, {"email": EMAIL}), 422, "invalid_body")
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("/plan", "plan_required")]
    assert api.post("/application_forms", {"answers": {"mqs_email": EMAIL}}).status_code == 201

    for body in (
        {"email": EMAIL, "plan": plan},
        {"email": EMAIL, "plan": "x" * 64},
        {"email": EMAIL, "plan": "é"},
        {"email": EMAIL, "plan": planned(api)["plan"], "answers_only": True},
        {"email": EMAIL, "plan": planned(foreigner)["plan"]},
    ):
        assert_problem(api.post(ERASURE, body), 409, "plan_moved")

    assert Erasure.objects.count() == 0 and api.get(f"/copies/{form}").status_code == 200


def test_forms_of_another_person_are_kept(api: Api, form: str) -> None:
    assert planned(api, keep=[form])["forms"] == []
    problem = assert_problem(
        api.post(f"{ERASURE}?dry_run=true", {"email": "x@y.example", "keep": [form]}), 422, "invalid_body"
    )
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("/keep/0", "unknown_form")]


@pytest.mark.parametrize("path", [f"{ERASURE}?dry_run=true", EXPORT])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "unclear_person"),
        ({"name": "Jane Doe"}, "unclear_person"),
        ({"email": "nobody"}, "unclear_person"),
        ({"born": "1980-02-31"}, "invalid_value"),
        ({"mail": EMAIL}, "unknown_field"),
    ],
)
def test_a_request_that_names_nobody_is_refused(api: Api, path: str, body: dict[str, Any], code: str) -> None:
    problem = assert_problem(api.post(path, body), 422, "invalid_body")

    assert problem["errors"][0]["code"] == code


def test_a_form_in_use_is_left_and_a_new_plan_goes_on(
    api: Api, form: str, harbor: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operations.persons.version_rewriting._WAIT_SECONDS", 0.05)
    body = {"email": EMAIL, "answers_only": True}
    with batch.find_and_lock(form, scope=harbor, actor=system_actor("tests")):
        first = api.post(ERASURE, {**body, "plan": planned(api, answers_only=True)["plan"]}).json()
    assert [one["application_form_id"] for one in first["left"]] == [form] and first["finished_at"] is None

    second = api.post(ERASURE, {**body, "plan": planned(api, answers_only=True)["plan"]}).json()

    assert (second["certificate"], second["left"]) == (first["certificate"], [])
    assert second["finished_at"] is not None and in_database({"email": EMAIL}) == set()


def test_an_export_has_the_answers_opened_and_is_never_stored(api: Api, form: str) -> None:
    response = api.post(EXPORT, {"email": EMAIL})

    [exported] = response.json()["forms"]
    assert (exported["id"], response["Cache-Control"]) == (form, "no-store")
    assert EMAIL in [answer["value"] for answer in exported["answers"]]
    assert_problem(api.post(EXPORT, {"email": EMAIL}, Idempotency_Key="x"), 400, "idempotency_not_supported")


@pytest.mark.parametrize(
    ("rights", "path"),
    [
        ([right for right in Right if right is not Right.MANAGE_PERSONS], ERASURE),
        ([right for right in Right if right is not Right.MANAGE_PERSONS], EXPORT),
        ([right for right in Right if right is not Right.REVEAL_SENSITIVE], EXPORT),
    ],
)
def test_each_needs_its_rights(form: str, harbor_client: ApiClient, rights: list[Right], path: str) -> None:
    caller = Api(harbor_client, rights)

    assert_problem(caller.post(path, {"email": EMAIL}), 403, "missing_right")
    assert in_database({"email": EMAIL}) != set()


def test_a_sandbox_client_reaches_no_person(form: str, harbor_client: ApiClient, api: Api) -> None:
    ApiClient.objects.filter(pk=harbor_client.pk).update(is_sandbox=True)

    for path in (f"{ERASURE}?dry_run=true", ERASURE, EXPORT):
        assert_problem(api.post(path, {"email": EMAIL, "plan": "x"} if path == ERASURE else {"email": EMAIL}), 403,
                       "not_a_test_form")  # fmt: skip


def mention_in_shared_tables() -> None:
    """Name the person in the tables that all tenants share."""
    now, staff = timezone.now(), User.objects.create_superuser("staff@example.com", "x")
    LogEntry.objects.create(
        user=staff, content_type=ContentType.objects.get_for_model(Copy), object_id="1", action_flag=2,
        object_repr=f"For {EMAIL}",
    )  # fmt: skip
    AccountMail.objects.create(kind="reset", email=EMAIL, created_at=now, next_attempt_at=now)


def erased(api: Api) -> dict[str, Any]:
    response = api.post(ERASURE, {"email": EMAIL, "plan": planned(api)["plan"]})
    assert response.status_code == 200, response.content
    certificate: dict[str, Any] = response.json()
    return certificate


def test_a_program_reaches_nothing_that_tenants_share(api: Api, form: str, harbor: Tenant) -> None:
    mention_in_shared_tables()

    certificate = erased(api)

    assert certificate["left_to_staff"] == ["mails about accounts", "the admin's log"]
    assert Erasure.objects.get(subject="person").left_to_staff == certificate["left_to_staff"]
    assert not person_erasure.SHARED.keys() & certificate["counts"].keys()
    assert AccountMail.objects.count() == LogEntry.objects.filter(object_repr=f"For {EMAIL}").count() == 1

    outcome = erase_person(Person(email=EMAIL), [], tenant=harbor, actor=system_actor("person"))

    assert outcome.certificate.counts == {table: 1 for table in person_erasure.SHARED}
    assert outcome.certificate.left_to_staff == [] and in_database({"email": EMAIL}) == set()


def test_a_certificate_that_staff_began_shows_a_program_no_count_of_shared_tables(
    api: Api, form: str, harbor: Tenant
) -> None:
    counts = {table: 3 for table in person_erasure.SHARED}
    begun = certificates.begin(
        Erasure.Subject.PERSON, person_erasure._working_id(Person(email=EMAIL), harbor), tenant=harbor,
        actor=system_actor("person"), count=lambda: counts,
    )  # fmt: skip

    certificate = erased(api)

    assert (certificate["certificate"], certificate["counts"]["forms erased"]) == (str(begun.pk), 1)
    assert not counts.keys() & certificate["counts"].keys()
    assert counts.items() <= Erasure.objects.get(pk=begun.pk).counts.items()


def test_a_plan_without_a_form_erases_nothing(api: Api, form: str, harbor: Tenant) -> None:
    mention_in_shared_tables()
    before = in_database({"email": EMAIL})

    for body in ({"email": EMAIL, "keep": [form]}, {"email": "nobody@person.example"}):
        plan = api.post(f"{ERASURE}?dry_run=true", body).json()
        assert plan["forms"] == []
        problem = assert_problem(api.post(ERASURE, {**body, "plan": plan["plan"]}), 422, "invalid_body")
        assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("/plan", "nothing_to_erase")]

    assert Erasure.objects.count() == 0 and in_database({"email": EMAIL}) == before


def test_an_erasure_that_was_interrupted_after_its_last_form_ends(api: Api, harbor: Tenant) -> None:
    begun = certificates.begin(
        Erasure.Subject.PERSON, person_erasure._working_id(Person(email=EMAIL), harbor), tenant=harbor,
        actor=system_actor("person"), count=dict,
    )  # fmt: skip

    certificate = erased(api)

    assert certificate["certificate"] == str(begun.pk) and certificate["finished_at"]


def test_two_erasures_of_a_person_never_run_at_once(api: Api, form: str, harbor: Tenant) -> None:
    body = {"email": EMAIL, "plan": planned(api)["plan"]}

    with JobMutex(f"erase person {person_erasure._working_id(Person(email=EMAIL), harbor)}"):
        for headers in ({}, {"Idempotency_Key": "erase-1"}):
            refused = api.post(ERASURE, body, **headers)
            assert_problem(refused, 409, "person_busy")
            assert int(refused["Retry-After"]) > 0

    assert Erasure.objects.count() == 0 and in_database({"email": EMAIL}) != set()
    assert api.post(ERASURE, body, Idempotency_Key="erase-1").status_code == 200


def test_one_search_of_a_tenant_runs_at_a_time(api: Api, form: str, harbor: Tenant, foreigner: Api) -> None:
    with JobMutex(f"person search {harbor.pk}"):
        for path in (f"{ERASURE}?dry_run=true", EXPORT):
            refused = api.post(path, {"email": EMAIL})
            assert_problem(refused, 409, "person_busy")
            assert int(refused["Retry-After"]) > 0
        assert planned(foreigner)["forms"] == []

    assert len(planned(api)["forms"]) == 1


def test_sealed_answers_cannot_be_tried_out(
    api: Api, harbor_client: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    secret = {"mqs_legal_entity": "llc", "mqs_has_fein": True, "mqs_fein": "48-1234567"}
    form = api.post("/application_forms", {"answers": secret}).json()["id"]
    without = Api(harbor_client, [right for right in Right if right is not Right.REVEAL_SENSITIVE])

    def found(caller: Api) -> tuple[list[str], bool]:
        plan = caller.post(f"{ERASURE}?dry_run=true", {"phone": "48-1234567"}).json()
        return [one["application_form_id"] for one in plan["forms"]], plan["sealed_answers_searched"]

    assert (found(api), found(without)) == (([], True), ([], False))
    monkeypatch.setattr("operations.persons.search._may_be_phone", lambda *_: True)
    assert (found(api), found(without)) == (([form], True), ([], False))


def test_no_role_of_users_has_the_right() -> None:
    assert not any(Right.MANAGE_PERSONS in rights for rights in ROLE_RIGHTS.values())
