"""The flag ``copies`` at the API: off means no new copies, and existing ones go on working."""

from __future__ import annotations

import pytest

from catalogue.demo import Sample
from tenants.flag_memory import FlagMemory
from tenants.flags import COPIES
from tenants.models import Flag, Tenant
from tests.harness.api_client import Api, assert_problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def flag(stored_flags: FlagMemory, harbor: Tenant) -> Flag:
    flag = Flag.objects.create(name=COPIES)
    flag.tenants.add(harbor)
    return flag


def switch(flag: Flag, *, is_on: bool) -> None:
    flag.is_on = is_on
    flag.save()


def test_without_the_flag_there_are_no_new_copies(api: Api, s1: Sample, flag: Flag) -> None:
    base = api.start(s1)
    url = f"/application_forms/{base['id']}/copies"
    first = api.post(url, {"title": "First"}, Idempotency_Key="first")
    switch(flag, is_on=False)

    for body in ({}, {"empty": True}, {"from_version": 1}):
        problem = assert_problem(api.post(url, body, Idempotency_Key="second"), 403, "copies_off")
        assert problem["detail"].startswith("New copies are not switched on for you.")

    copies = [copy["id"] for copy in api.get(f"/application_forms/{base['id']}").json()["copies"]]
    assert copies == [base["id"], first.json()["id"]]
    replayed = api.post(url, {"title": "First"}, Idempotency_Key="first")
    assert (replayed.status_code, replayed.content) == (201, first.content)
    switch(flag, is_on=True)
    assert api.post(url, {}, Idempotency_Key="second").status_code == 201


def test_existing_copies_work_whatever_the_flag_says(api: Api, s1: Sample, flag: Flag) -> None:
    base = api.start(s1)
    copy = api.post(f"/application_forms/{base['id']}/copies", {"title": "Second"}).json()
    switch(flag, is_on=False)
    path = f"/copies/{copy['id']}"

    statuses = [
        api.get(path).status_code,
        api.patch(path, {"title": "Renamed"}).status_code,
        api.patch(f"{path}/answers", {"answers": {"mqs_gl_limit": "l2m"}}).status_code,
        api.post(f"{path}/lock", {"reason": "Shown to the client"}).status_code,
        api.post(f"{path}/unlock").status_code,
        api.post(f"{path}/make_base").status_code,
        api.delete(f"/copies/{base['id']}").status_code,
        api.post(f"/copies/{base['id']}/restore").status_code,
    ]

    assert statuses == [200, 200, 200, 200, 200, 200, 204, 200]
    assert api.start(s1)["version"] == 1


def test_the_flag_is_a_tenants(foreigner: Api, s1: Sample, flag: Flag) -> None:
    base = foreigner.start(s1)

    assert_problem(foreigner.post(f"/application_forms/{base['id']}/copies", {}), 403, "copies_off")
