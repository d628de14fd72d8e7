"""Staff view the product as an agent: named on every page and in every line of the log, and without any change."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from catalogue.demo import Sample
from tenants.access import Role
from tenants.models import User
from tests.harness.api_client import V1, Api
from tests.harness.cast import PASSWORD
from tests.partner_engine.api.test_routes import ROWS
from tests.security.test_isolation import PAGES, ask

pytestmark = pytest.mark.django_db
REASON = "Ticket 4711: the price looks wrong"
#: Addresses that stay those of staff, or need no sign-in.
NOT_VIEWED = {"sign-in", "sign-in-code", "sign-out", "end-view", "forgot-password", "set-password", "accept-invitation"}


def view_as(client: Client, user: User, reason: str = REASON) -> int:
    return client.post(reverse("admin:tenants_user_view_as", args=(user.pk,)), {"reason": reason}).status_code


@pytest.fixture
def viewer(staff: User, owner: User, sign_in: Callable[[User], Client]) -> Client:
    """Return the browser of staff who view the product as the owner."""
    client = sign_in(staff)
    assert view_as(client, owner) == 302
    return client


def test_every_page_names_both_and_every_line_names_the_member_of_staff(
    viewer: Client, api: Api, s1: Sample, staff: User, owner: User
) -> None:
    copy = api.start(s1)

    with capture_logs(processors=[merge_contextvars]) as logs:
        pages = [viewer.get(path).content.decode() for path in ("/", f"/forms/{copy['id']}")]

    for page in pages:
        assert "Stan Staff" in page and "Ona Owner" in page and "Nothing can be changed" in page
    assert "Copper Kettle" in pages[1]
    # The session is read after the first line of a request.
    named = [entry.get("viewed_by") for entry in logs if entry["event"] != "request_started"]
    assert set(named) == {f"staff:{staff.pk}"}
    [entry] = LogEntry.objects.filter(object_id=str(owner.pk))
    assert (entry.user, REASON in entry.change_message) == (staff, True)


def test_no_page_changes_anything(subtests: pytest.Subtests, viewer: Client, api: Api, s1: Sample, owner: User) -> None:
    copy = api.start(s1)

    for name in sorted(name for name in set(PAGES) - NOT_VIEWED if PAGES[name][0] == "POST"):
        with subtests.test(name):
            response = ask(viewer, name, copy["id"])

            owner.refresh_from_db()
            assert (response.status_code, owner.full_name) == (403, "Ona Owner")
            assert api.get(f"/copies/{copy['id']}").json() == copy


def test_no_endpoint_changes_anything(viewer: Client, api: Api, s1: Sample) -> None:
    copy = api.start(s1)

    for row in ROWS:
        if row.method not in ("GET", "HEAD"):
            response = viewer.generic(row.method, f"{V1}/{row.path(copy['id'])}", row.body, "application/json")
            assert response.status_code == 403, row
            assert response.json()["type"].endswith("viewing_as"), row
    assert viewer.get(f"{V1}/copies/{copy['id']}").status_code == 200
    assert api.get(f"/copies/{copy['id']}").json() == copy


def junior_viewer(sign_in: Callable[[User], Client], *permissions: str) -> Client:
    """Return the browser of a new member of staff with just these permissions."""
    email = f"junior{len(permissions)}@partner-engine.example"
    user = User.objects.create_user(email, PASSWORD, role=Role.STAFF, is_staff=True)
    for name in permissions:
        app, _, codename = name.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return sign_in(user)


@pytest.mark.parametrize("may_read", [False, True])
def test_personal_answers_are_masked_unless_staff_may_read_them(
    may_read: bool, api: Api, s1: Sample, owner: User, sign_in: Callable[[User], Client]
) -> None:
    copy = api.start(s1)
    own = ["copies.read_personal"] if may_read else []
    client = junior_viewer(sign_in, "tenants.view_as_user", "tenants.view_user", *own)

    assert view_as(client, owner) == 302

    shown = client.get(f"{V1}/copies/{copy['id']}").json()["answers"]["mqs_first_name"]["value"]
    assert (shown == s1.answers["mqs_first_name"]) == may_read
    assert shown.startswith("••••") != may_read


@pytest.mark.parametrize(
    "end", ["ended", "hour over", "right lost", "not past the factor", "factor needed", "user off", "signed out"]
)
def test_a_view_ends(end: str, viewer: Client, staff: User, owner: User, demo: object, settings: Settings) -> None:
    assert viewer.get("/").status_code == 200
    if end == "ended":
        assert viewer.post("/viewing-as/end")["Location"] == "/admin/"
    elif end == "hour over":
        session = viewer.session
        session["viewing_as"] = {**session["viewing_as"], "until": 0}
        session.save()
    elif end == "right lost":
        User.objects.filter(pk=staff.pk).update(is_superuser=False)
    elif end == "not past the factor":
        TOTPDevice.objects.create(user=staff, confirmed=True)
    elif end == "factor needed":
        settings.STAFF_SECOND_FACTOR = True
    elif end == "user off":
        User.objects.filter(pk=owner.pk).update(is_active=False)
    else:
        viewer.post("/sign-out")

    page = viewer.get("/")

    assert page.status_code == 302
    assert page["Location"].startswith("/sign-in" if end == "signed out" else "/admin/")


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "because",
        "x" * 201,
        "shortly",
        "aaaaaa aaaaaa",
        "word " * 101,
        "Ticket \x00 4711: the price",
        "He sent 078-05-1120 to us",
    ],
)
def test_a_view_needs_a_reason(staff: User, owner: User, sign_in: Callable[[User], Client], reason: str) -> None:
    client = sign_in(staff)

    assert view_as(client, owner, reason) == 422
    assert client.get("/")["Location"] == "/admin/"


def test_only_staff_with_the_permission_view_as_agents(
    owner: User, member: User, staff: User, sign_in: Callable[[User], Client]
) -> None:
    colleague = sign_in(member)
    junior = junior_viewer(sign_in, "tenants.view_user", "tenants.change_user")

    assert view_as(colleague, owner) == 302  # to the sign-in of the admin
    assert colleague.get("/account").context["account"] == member
    assert view_as(junior, owner) == 403
    assert junior.get("/")["Location"] == "/admin/"
    assert view_as(sign_in(staff), staff) == 404


def test_the_account_stays_private(viewer: Client) -> None:
    assert viewer.get("/account").status_code == 403
