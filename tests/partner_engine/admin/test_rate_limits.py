"""The pages of rate limits: staff change numbers, and the history states them."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from structlog.testing import capture_logs

from tenants.models import ApiClient, OwnRateLimit, RateLimit, Tenant

NUMBERS = {"is_on": "on", "amount": "7", "window": "900", "per_address": "", "note": ""}


def test_a_changed_limit_is_stored_and_in_the_history_with_both_numbers(admin: Client) -> None:
    with capture_logs() as logs:
        response = admin.post(
            reverse("admin:tenants_ratelimit_change", args=("export",)), {**NUMBERS, "note": "Too many exports."}
        )

    assert response.status_code == 302
    row = RateLimit.objects.get(scope="export")
    assert (row.amount, row.window, row.per_address) == (7, 900, None)
    text = LogEntry.objects.get().change_message
    assert text == (
        "amount: 20 to 7; window in seconds: 3600 to 900; per address: 200 to none; note: none to Too many exports."
    )
    [audit] = [entry for entry in logs if entry["event"] == "audit.rate_limit_changed"]
    assert (audit["scope"], audit["of"]) == ("export", "all")
    assert audit["changes"] == ["amount: 20 to 7", "window in seconds: 3600 to 900", "per address: 200 to none"]


def test_the_list_shows_each_scope_with_its_limit_in_words(admin: Client) -> None:
    page = admin.get(reverse("admin:tenants_ratelimit_changelist")).content.decode()

    for text in ("5 per 15 minutes", "100 per minute", "20 per hour", "50 per day", "Uploads of files."):
        assert text in page


@pytest.mark.parametrize("values", [{"amount": "0"}, {"window": "0"}, {"amount": "-1"}, {"amount": "many"}])
def test_a_limit_without_sense_is_refused(admin: Client, values: dict[str, str]) -> None:
    response = admin.post(reverse("admin:tenants_ratelimit_change", args=("export",)), {**NUMBERS, **values})

    assert response.status_code == 200
    assert RateLimit.objects.get(scope="export").amount == 20


def test_rows_of_scopes_are_neither_added_nor_deleted(admin: Client) -> None:
    assert admin.get("/admin/tenants/ratelimit/add/").status_code == 403
    assert admin.post("/admin/tenants/ratelimit/export/delete/", {"post": "yes"}).status_code == 403


def test_a_tenant_and_an_api_client_get_limits_of_their_own(
    admin: Client, harbor: Tenant, harbor_client: ApiClient
) -> None:
    add = reverse("admin:tenants_ownratelimit_add")
    for owner in ({"tenant": str(harbor.pk)}, {"api_client": str(harbor_client.pk)}):
        assert admin.post(add, {**NUMBERS, "scope": "search", **owner}).status_code == 302

    assert [str(row) for row in OwnRateLimit.objects.all()] == [f"search of {harbor}", f"search of {harbor_client}"]
    assert LogEntry.objects.latest("pk").change_message == "added: 7 per 15 minutes"
    listed = admin.get(reverse("admin:tenants_ownratelimit_changelist")).content.decode()
    assert "7 per 15 minutes" in listed


def test_an_own_limit_has_one_owner_and_exists_once(admin: Client, harbor: Tenant, harbor_client: ApiClient) -> None:
    add = reverse("admin:tenants_ownratelimit_add")
    nobody = admin.post(add, {**NUMBERS, "scope": "search"})
    both = admin.post(
        add, {**NUMBERS, "scope": "search", "tenant": str(harbor.pk), "api_client": str(harbor_client.pk)}
    )
    once = [admin.post(add, {**NUMBERS, "scope": "search", "tenant": str(harbor.pk)}) for _ in range(2)]

    for response in (nobody, both):
        assert "Choose a tenant or an API client, not both." in response.content.decode()
    assert [response.status_code for response in once] == [302, 200]
