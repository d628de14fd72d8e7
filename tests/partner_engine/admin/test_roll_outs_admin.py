"""Guarded releases in the admin: the start, the page, and the orders of staff."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from catalogue import releases, roll_outs
from catalogue.models import Catalogue, Release, RollOut
from tenants.models import Tenant
from tests.harness.moments import run_actions
from tests.harness.page_client import markup

pytestmark = pytest.mark.django_db

FIELDS = {"first": "birch", "flips_percent": "1", "premium_percent": "1", "notes": "With care"}


@pytest.fixture
def brokers(kennels: Catalogue) -> list[Tenant]:
    """Return two tenants of the catalogue."""
    return [Tenant.objects.create(code=code, name=code.title(), catalogue="kennels") for code in ("alder", "birch")]


def change(kennels: Catalogue) -> str:
    """Change the draft; return the address of the start of a guarded release."""
    kennels.title = "Kennels and more"
    kennels.save()
    return reverse("admin:catalogue_catalogue_publish_guarded", args=(kennels.pk,))


def test_staff_start_a_guarded_release(admin: Client, kennels: Catalogue, brokers: list[Tenant]) -> None:
    address = change(kennels)
    assert "Start guarded release" in markup(admin.get(address))

    page = markup(admin.post(address, FIELDS, follow=True))

    roll_out = RollOut.objects.get()
    assert f"The roll-out of release {roll_out.release.number} has begun." in page
    assert [row.tenant.code for row in roll_out.tenants.order_by("position")] == ["birch", "alder"]
    assert roll_out.release.notes == "With care"
    assert "0 of 2" in page
    assert "Birch" in page
    listed = markup(admin.get(reverse("admin:catalogue_catalogue_changelist")))
    assert f">{roll_out.former.number}<" in listed
    refused = markup(admin.post(reverse("admin:catalogue_catalogue_publish", args=(kennels.pk,))))
    assert f"The roll-out of release {roll_out.release.number} is under way." in refused

    run_actions()

    page = markup(admin.get(reverse("admin:catalogue_rollout_change", args=(roll_out.pk,))))
    assert "Done: current for all tenants" in page
    assert "2 of 2" in page
    assert releases.current_id("kennels") == roll_out.release_id


def test_what_is_wrong_with_the_start_is_named(admin: Client, kennels: Catalogue, brokers: list[Tenant]) -> None:
    address = change(kennels)
    before = Release.objects.count()

    assert "No tenant &#x27;elm&#x27; uses this catalogue." in admin.post(
        address, {**FIELDS, "first": "elm"}
    ).content.decode()  # fmt: skip
    assert "less than or equal to 100" in markup(admin.post(address, {**FIELDS, "flips_percent": "101"}))
    kennels.title = "Boarding kennels"
    kennels.save()
    assert "Nothing was published." in markup(admin.post(address, FIELDS))
    assert (Release.objects.count(), RollOut.objects.count()) == (before, 0)


def test_an_order_that_is_not_known_everywhere_is_reported_as_ordered(
    admin: Client, kennels: Catalogue, brokers: list[Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    admin.post(change(kennels), FIELDS)
    roll_out = RollOut.objects.get()

    def fail(code: str) -> None:
        raise OperationalError

    monkeypatch.setattr(roll_outs, "refresh_pointer", fail)
    page = markup(admin.post(reverse("admin:catalogue_rollout_back", args=(roll_out.pk,)), follow=True))

    assert "Ordered, not settled yet" in page
    roll_out.refresh_from_db()
    assert (roll_out.state, roll_out.is_settled) == (RollOut.State.TAKEN_BACK, False)


def test_staff_take_it_back(
    admin: Client, make_staff: Callable[..., Client], kennels: Catalogue, brokers: list[Tenant]
) -> None:
    admin.post(change(kennels), FIELDS)
    roll_out = RollOut.objects.get()
    back, go_on = (
        reverse(f"admin:catalogue_rollout_{name}", args=(roll_out.pk,)) for name in ("back", "go_on")
    )  # fmt: skip
    junior = make_staff("catalogue.view_rollout")
    assert junior.get(reverse("admin:catalogue_rollout_change", args=(roll_out.pk,))).status_code == 200
    assert junior.post(back).status_code == 403
    assert "The roll-out is not stopped" in markup(admin.post(go_on, follow=True))
    assert "All tenants go back to release" in markup(admin.get(back))

    page = markup(admin.post(back, follow=True))

    roll_out.refresh_from_db()
    assert roll_out.state == RollOut.State.TAKEN_BACK
    assert "Take back" in page
    assert releases.current_id("kennels") == roll_out.former_id
