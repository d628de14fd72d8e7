"""Staff with a second factor cannot sign in without it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from tenants.models import User
from tests.harness.cast import PASSWORD
from tests.harness.page_addresses import addresses_of_admin
from tests.harness.production import PRODUCTION, run

PAGE = "/admin/second-factor/"


def code(device: TOTPDevice) -> str:
    """Return the code that the app shows; each is valid only once."""
    TOTPDevice.objects.filter(pk=device.pk).update(last_t=-1, throttling_failure_count=0)
    return f"{TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift).token():06d}"


@pytest.fixture
def device(admin: Client, staff: User) -> TOTPDevice:
    """Return the device that staff set up on its page."""
    admin.get(PAGE)
    device = TOTPDevice.objects.get(user=staff)
    admin.post(PAGE, {"token": code(device)})
    return device


def sign_in(staff: User, token: str = "") -> Client:
    client = Client()
    client.post("/admin/login/", {"username": staff.email, "password": PASSWORD, "otp_token": token})
    return client


def test_the_page_shows_the_key_and_a_code_confirms_it(admin: Client, staff: User) -> None:
    shown = admin.get(PAGE).content.decode()
    device = TOTPDevice.objects.get(user=staff)

    wrong = admin.post(PAGE, {"token": "000000" if code(device) != "000000" else "111111"})
    device.refresh_from_db()
    was_confirmed = device.confirmed
    answer = admin.post(PAGE, {"token": code(device)})

    assert "<svg" in shown
    assert wrong.status_code == 200
    assert not was_confirmed
    assert answer.status_code == 302
    device.refresh_from_db()
    assert device.confirmed
    assert admin.get("/admin/").status_code == 200


def test_signing_in_asks_for_the_code(staff: User, device: TOTPDevice) -> None:
    assert sign_in(staff).get("/admin/").status_code == 302
    assert sign_in(staff, "12345").get("/admin/").status_code == 302
    assert sign_in(staff, code(device)).get("/admin/").status_code == 200


def test_a_session_from_another_sign_in_is_refused(staff: User, device: TOTPDevice) -> None:
    client = Client()
    client.force_login(staff, backend="tenants.backends.EmailBackend")

    assert client.get("/admin/").status_code == 302


def test_setting_up_and_removing_it_end_other_sessions(admin: Client, staff: User) -> None:
    admin.get(PAGE)
    device = TOTPDevice.objects.get(user=staff)
    for _ in ("set up", "removed"):
        early = sign_in(staff, code(device))
        assert early.get("/admin/").status_code == 200

        admin.post(PAGE, {"token": code(device)})

        assert early.get("/admin/").status_code == 302
        assert admin.get("/admin/").status_code == 200


def test_a_right_code_that_comes_too_early_is_not_called_wrong(admin: Client, device: TOTPDevice) -> None:
    right = code(device)
    TOTPDevice.objects.update(throttling_failure_count=7, throttling_failure_timestamp=timezone.now())

    refused = admin.post(PAGE, {"token": right})

    assert refused.status_code == 429
    assert 50 < int(refused.headers["Retry-After"]) <= 64
    assert "This code is wrong" not in refused.content.decode()
    assert TOTPDevice.objects.get().confirmed


def test_the_second_factor_is_removed_with_a_code(admin: Client, staff: User, device: TOTPDevice) -> None:
    admin.post(PAGE, {"token": ""})
    is_still_there = TOTPDevice.objects.filter(confirmed=True).exists()

    admin.post(PAGE, {"token": code(device)})

    assert is_still_there
    assert not TOTPDevice.objects.exists()
    assert sign_in(staff).get("/admin/").status_code == 200


def test_staff_without_a_required_factor_reach_its_page_alone(admin: Client, staff: User, settings: Settings) -> None:
    settings.STAFF_SECOND_FACTOR = True
    assert admin.get(PAGE).status_code == 200
    for address in addresses_of_admin():
        response = admin.get(address)
        if address != PAGE:
            assert (response.status_code, response.headers.get("Location")) == (302, PAGE), address

    admin.post(PAGE, {"token": code(TOTPDevice.objects.get(user=staff))})

    assert admin.get("/admin/").status_code == 200


def test_production_requires_the_factor() -> None:
    shown = "from django.conf import settings; print(settings.STAFF_SECOND_FACTOR)"

    assert run(shown).stdout.strip() == "False"
    assert run(shown, STAFF_SECOND_FACTOR="1").stdout.strip() == "True"
    assert run(shown, **PRODUCTION).stdout.strip() == "True"


def test_guesses_at_the_own_password_are_limited(admin: Client, staff: User) -> None:
    fields = {"old_password": "wrong", "new_password1": "quiet-lantern-99", "new_password2": "quiet-lantern-99"}

    statuses = [admin.post("/admin/password_change/", fields).status_code for _ in range(6)]
    right = admin.post("/admin/password_change/", {**fields, "old_password": PASSWORD})

    assert (statuses, right.status_code) == ([200] * 5 + [429], 429)
    staff.refresh_from_db()
    assert staff.check_password(PASSWORD)
