"""A form is not deleted while another of its copies is locked or bound, whichever copy and entry point is used."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from django.test import Client

from catalogue.demo import Sample
from tenants.models import Tenant, User
from tests.harness.api_client import Api, assert_problem
from tests.harness.bindings import make_busy

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("obstacle", "status", "code"), [("lock", 423, "copy_locked"), ("binding", 409, "binding_under_way")]
)
def test_a_busy_copy_keeps_its_form(  # noqa: PLR0913, PLR0917 - fixtures and the three of the obstacle
    obstacle: str,
    status: int,
    code: str,
    api: Api,
    s1: Sample,
    harbor: Tenant,
    owner: User,
    sign_in: Callable[[User], Client],
) -> None:
    busy, other = api.start(s1)["id"], api.start(s1)["id"]
    api.patch(f"/copies/{busy}", {"title": "Plan A"})
    free = api.post(f"/application_forms/{busy}/copies", {"title": "Plan B"}).json()["id"]
    make_busy(UUID(busy), obstacle, scope=harbor, actor=owner.as_actor(source="web"), product="QM-BOP")
    browser = sign_in(owner)

    problem = assert_problem(api.delete(f"/application_forms/{free}"), status, code)
    page = browser.post(f"/forms/{free}/delete")
    selection = browser.post("/forms/delete", {"copy": [other, free]}, headers={"HX-Request": "true"})

    assert "Plan A" in problem["detail"]
    assert (page.status_code, "Plan A" in page.content.decode()) == (status, True)
    assert (selection.status_code, "Plan A" in selection.headers["X-Problem"]) == (409, True)
    assert selection.headers["X-Problem"].startswith("Nothing was deleted.")
    assert {found["id"] for found in api.get("/application_forms").json()["results"]} == {busy, other}


def test_a_selection_with_a_form_that_is_being_bound_deletes_nothing(
    api: Api, s1: Sample, harbor: Tenant, owner: User, sign_in: Callable[[User], Client]
) -> None:
    busy, other = api.start(s1)["id"], api.start(s1)["id"]
    make_busy(UUID(busy), "binding", scope=harbor, actor=owner.as_actor(source="web"), product="QM-BOP")

    response = sign_in(owner).post("/forms/delete", {"copy": [other, busy]}, headers={"HX-Request": "true"})

    assert response.status_code == 409
    assert {found["id"] for found in api.get("/application_forms").json()["results"]} == {busy, other}
