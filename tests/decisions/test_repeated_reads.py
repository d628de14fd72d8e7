"""Reads that are answered from stored bytes: never another's, never of another state, and never without a check.

A fresh read is one after the store was emptied; whatever moved, the read before it must have been the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from oauth2_provider.models import get_access_token_model
from structlog.testing import capture_logs

from copies.models import Copy
from partner_engine.api import copies as copies_api
from partner_engine.api.http import response_store
from tenants.access import Right, Role
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant, User
from tests.harness.api_client import V1, Api
from tests.harness.later_releases import publish_release, with_sensitivity
from tests.harness.moments import DATED, LATE_ZONE, declining, run_actions
from tests.harness.permissions import appoint, license_in
from tests.harness.tiers import amount, seeds

pytestmark = pytest.mark.django_db

Start = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def nothing_stored() -> None:
    response_store.copies.clear()


@pytest.fixture
def narrow(kennels: Tenant, api: Api) -> Api:
    """Return a caller without the right to personal answers."""
    return Api(ApiClient.objects.get(tenant=kennels), [Right.READ_FORMS])


@pytest.fixture
def foreigner(first_release: object) -> Api:
    """Return a caller of another tenant."""
    other = Tenant.objects.create(code="others", name="Other Brokers", catalogue="kennels")
    return Api(ApiClient.objects.create(name="Others", allowed_scopes=list(Right), tenant=other))


@pytest.fixture
def agent(kennels: Tenant) -> User:
    return User.objects.create_user("ann@kennels.example", role=Role.AGENT, tenant=kennels, full_name="Ann Agent")


def fresh(reader: Api, url: str) -> bytes:
    """Return the body of a read for which nothing was stored."""
    response_store.copies.clear()
    return reader.get(url).content


def change_lock(api: Api, url: str, tenant: Tenant) -> None:
    assert api.post(f"{url}/lock", {"reason": "Ask Ann"}).status_code == 200


def change_base(api: Api, url: str, tenant: Tenant) -> None:
    form = api.get(url).json()["application_form_id"]
    other = api.post(f"/application_forms/{form}/copies", {"title": "Other"}).json()["id"]
    assert api.post(f"/copies/{other}/make_base").status_code == 200


def change_form(fields: dict[str, Any]) -> Callable[[Api, str, Tenant], object]:
    return lambda api, url, _: api.patch(f"/application_forms/{api.get(url).json()['application_form_id']}", fields)


def change_row(**columns: Any) -> Callable[[Api, str, Tenant], object]:
    """Return the change of columns of the copy's row that no save makes without a new version: a restored database."""

    def change(api: Api, url: str, tenant: Tenant) -> None:
        with use_tenant(tenant):
            Copy.objects.filter(pk=url.rpartition("/")[2]).update(**columns)

    return change


CHANGES: Final[dict[str, Callable[[Api, str, Tenant], object]]] = {
    "answer": lambda api, url, _: api.patch(f"{url}/answers", {"answers": {"state": "OH"}}),
    "title": lambda api, url, _: api.patch(url, {"title": "Second try"}),
    "lock": change_lock,
    "base": change_base,
    "external id": change_form({"external_id": "crm-7"}),
    "metadata": change_form({"metadata": {"desk": "7"}}),
    "owner": lambda api, url, tenant: api.patch(
        url, {"owner_id": str(User.objects.get(tenant=tenant, full_name="Ann Agent").pk)}
    ),
    "release": lambda api, url, _: publish_release(declining()),
    "sensitivity": lambda api, url, _: publish_release(with_sensitivity(DATED, state="pii")),
    "day": lambda api, url, tenant: Tenant.objects.filter(pk=tenant.pk).update(time_zone=LATE_ZONE),
    "license": lambda api, url, tenant: license_in(tenant, "OH"),
    "appointment": lambda api, url, tenant: appoint(tenant, "WO"),
    "origin": change_row(copied_from_id=UUID(int=7), copied_from_version=3),
}


@pytest.mark.parametrize("changed", CHANGES)
def test_whatever_a_read_shows_ends_its_repetition(
    api: Api, narrow: Api, start: Start, kennels: Tenant, agent: User, changed: str
) -> None:
    url = f"/copies/{start()['id']}"
    before = narrow.get(url)
    assert narrow.get(url).content == before.content

    CHANGES[changed](api, url, kennels)
    after = narrow.get(url)
    held = narrow.get(url, if_none_match=before["ETag"])

    assert after.content == fresh(narrow, url)
    assert (after.content != before.content, held.status_code) == (True, 200), changed


@pytest.mark.parametrize("changed", ["title", "lock", "license", "release", "metadata"])
def test_with_a_state_that_leaves_things_out_it_would_not(
    api: Api, narrow: Api, start: Start, kennels: Tenant, agent: User, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    url = f"/copies/{start()['id']}"
    monkeypatch.setattr(copies_api, "state_of", lambda context, *others: str(context.copy.id))
    before = narrow.get(url).content

    CHANGES[changed](api, url, kennels)

    assert narrow.get(url).content == before != fresh(narrow, url)


@pytest.mark.parametrize("columns", [{"chain": b"other"}, {"document": b"", "chain": b"restored"}])
def test_another_content_under_the_same_version_has_another_state(
    api: Api, start: Start, kennels: Tenant, columns: dict[str, bytes]
) -> None:
    url = f"/copies/{start()['id']}"
    tag = api.get(url)["ETag"]

    change_row(**columns)(api, url, kennels)

    assert api.get(url, if_none_match=tag).status_code != 304


@pytest.mark.parametrize("seed", seeds(2))
def test_every_read_is_as_a_fresh_one_over_random_histories(
    api: Api, narrow: Api, start: Start, kennels: Tenant, agent: User, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    url = f"/copies/{start(owner_phone='+15125550123')['id']}"
    repeated = 0
    steps = (
        *CHANGES.values(),
        lambda *_: run_actions(),
        lambda api, url, _: api.post(f"{url}/unlock"),
        lambda *_: None,
    )

    for _ in range(amount(8, full=20)):
        chance.choice(steps)(api, url, kennels)
        for reader in (api, narrow, api, narrow):
            with CaptureQueriesContext(connection) as queries:
                body = reader.get(url).content
            repeated += len(queries) == 2
            with monkeypatch.context() as empty:
                empty.setattr(response_store, "copies", response_store.ResponseStore())
                assert reader.get(url).content == body

    assert repeated >= 4


def test_readers_with_other_rights_get_their_own(api: Api, narrow: Api, start: Start) -> None:
    url = f"/copies/{start(owner_phone='+15125550123')['id']}"

    masked, open_, again = narrow.get(url).json(), api.get(url).json(), narrow.get(url).json()

    assert masked["answers"]["owner_phone"]["value"] == "••••"
    assert open_["answers"]["owner_phone"]["value"] == "+15125550123"
    assert again == masked


def test_with_one_slot_and_state_for_all_rights_they_would_not(
    api: Api, narrow: Api, start: Start, kennels: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"/copies/{start(owner_phone='+15125550123')['id']}"
    monkeypatch.setattr(copies_api, "state_of", lambda context, *others: str(context.version))
    monkeypatch.setattr(
        copies_api,
        "slot_of",
        lambda copy_id, **_: response_store.Slot(kennels.id, copy_id, "", frozenset()),
    )

    narrow.get(url)

    assert api.get(url).json()["answers"]["owner_phone"]["value"] == "••••"


def test_each_read_of_personal_answers_is_built_and_logged(api: Api, start: Start) -> None:
    url = f"/copies/{start(owner_phone='+15125550123')['id']}"

    with capture_logs() as logs:
        api.get(url)
        api.get(url)

    assert response_store.copies.size == 0
    assert [line["count"] for line in logs if line["event"] == "audit.personal_answers_read"] == [1, 1]


def test_another_tenant_gets_nothing(api: Api, foreigner: Api, start: Start) -> None:
    url = f"/copies/{start()['id']}"
    tag = api.get(url)["ETag"]

    assert [foreigner.get(url).status_code, foreigner.get(url, if_none_match=tag).status_code] == [404, 404]
    assert foreigner.get(url, if_none_match="*").status_code == 404


def test_a_license_of_a_user_counts_in_that_users_reads_alone(
    api: Api, start: Start, kennels: Tenant, agent: User
) -> None:
    license_in(kennels, "TX", user_id=agent.pk)
    url = f"/copies/{start()['id']}"
    browser = Client()
    browser.force_login(agent, backend="tenants.backends.EmailBackend")

    bodies = [[api.get(url).json()["gates"], browser.get(V1 + url).json()["gates"]] for _ in range(2)]

    assert bodies[0] == bodies[1]
    assert (bodies[0][0] != {}, bodies[0][1]) == (True, {})


@pytest.mark.parametrize("withdrawn", ["token", "expired", "client", "right"])
def test_withdrawn_access_counts_at_once(api: Api, start: Start, kennels: Tenant, withdrawn: str) -> None:
    url = f"/copies/{start()['id']}"
    tag = api.get(url)["ETag"]
    assert (api.get(url).status_code, api.get(url, if_none_match=tag).status_code) == (200, 304)
    tokens = get_access_token_model().objects.filter(token=api.token)

    match withdrawn:
        case "token":
            tokens.delete()
        case "expired":
            tokens.update(expires="2020-01-01T00:00Z")
        case "client":
            ApiClient.objects.filter(tenant=kennels).update(is_active=False)
        case "right":
            ApiClient.objects.filter(tenant=kennels).update(allowed_scopes=[Right.READ_CATALOGUE])

    expected = 403 if withdrawn == "right" else 401
    assert [api.get(url).status_code, api.get(url, if_none_match=tag).status_code] == [expected, expected]


def test_a_deleted_copy_is_gone_and_comes_back(api: Api, start: Start) -> None:
    form = start()["application_form_id"]
    url = f"/copies/{api.post(f'/application_forms/{form}/copies', {'title': 'Other'}).json()['id']}"
    tag = api.get(url)["ETag"]
    api.get(url)

    assert api.delete(url).status_code == 204
    gone = [api.get(url).status_code, api.get(url, if_none_match=tag).status_code]
    assert api.post(f"{url}/restore").status_code == 200
    back = api.get(url)

    assert gone == [404, 404]
    assert (back.status_code, back.content) == (200, fresh(api, url))


def test_earlier_versions_and_selected_fields_are_not_stored(api: Api, start: Start) -> None:
    url = f"/copies/{start()['id']}"

    for query in ("?at_version=1", "?fields=id,version"):
        assert api.get(url + query).status_code == 200
        assert response_store.copies.size == 0
    whole = api.get(url)
    part = api.get(f"{url}?fields=id,version")

    assert (set(part.json()), len(whole.content)) == ({"id", "version"}, response_store.copies.size)


@pytest.mark.parametrize("read", ["", "/needed", "/explain?target=product:PA-CARE", "/question_sets"])
def test_a_read_that_has_not_changed_loads_no_answers(api: Api, start: Start, read: str) -> None:
    url = f"/copies/{start()['id']}{read}"
    tag = api.get(url)["ETag"]

    with CaptureQueriesContext(connection) as queries:
        unchanged = api.get(url, if_none_match=tag)

    # The token, and the head of the copy.
    assert (unchanged.status_code, unchanged["ETag"], len(queries)) == (304, tag, 2)
    assert "batch_load" not in queries.captured_queries[1]["sql"]


def test_a_repeated_read_takes_as_many_statements(api: Api, start: Start) -> None:
    url = f"/copies/{start()['id']}"
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            api.get(url)
        counts.append(len(queries))

    # First token, copy and licenses; then token and head.
    assert counts == [3, 2]
