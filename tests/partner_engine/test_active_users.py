"""Active users: the counted users, the window, the tenants, and an emptied or missing Redis."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_redis import get_redis_connection
from oauth2_provider.models import get_access_token_model
from redis.exceptions import ConnectionError as RedisConnectionError

from actions.kinds import RecountActiveUsers
from actions.maintenance import emit_hourly_actions
from actions.registry import Delivered, handler_of
from actions.relay import drain
from partner_engine import active_users
from partner_engine.active_users import (
    API_CLIENT,
    REPEAT,
    WINDOW,
    Activity,
    count_active,
    forget_active,
    last_day,
    note_all_active,
    note_request,
    recount_active,
)
from redis_locks.outage import RedisOutage
from tenants.access import Role
from tenants.models import ApiClient, Tenant, User

pytestmark = pytest.mark.django_db

AGENT = Role.AGENT.value


def note_active(tenant: Tenant | None, *, role: str, identity: str) -> None:
    note_all_active([Activity(tenant.id if tenant else None, role, identity)])


class TestCounting:
    def test_each_counts_once_at_their_tenant_and_role(self, harbor: Tenant, summit: Tenant) -> None:
        for tenant, role, identity in (
            (harbor, AGENT, "ona"),
            (harbor, AGENT, "ona"),
            (harbor, AGENT, "max"),
            (harbor, API_CLIENT, "7"),
            (summit, AGENT, "sia"),
            (None, Role.STAFF.value, "stan"),
        ):
            note_active(tenant, role=role, identity=identity)

        assert count_active([harbor.id, summit.id, None]) == {
            harbor.id: {AGENT: 2, API_CLIENT: 1},
            summit.id: {AGENT: 1},
            None: {Role.STAFF.value: 1},
        }

    def test_a_sign_of_life_lasts_for_the_window(self, harbor: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        note_active(harbor, role=AGENT, identity="ona")
        later = timezone.now() + timedelta(seconds=WINDOW - 5)
        monkeypatch.setattr(active_users.timezone, "now", lambda: later)
        note_active(harbor, role=AGENT, identity="max")
        assert count_active([harbor.id]) == {harbor.id: {AGENT: 2}}

        monkeypatch.setattr(active_users.timezone, "now", lambda: later + timedelta(seconds=10))

        assert count_active([harbor.id]) == {harbor.id: {AGENT: 1}}

    def test_a_user_who_signs_out_is_removed_at_once(self, harbor: Tenant) -> None:
        note_active(harbor, role=AGENT, identity="ona")
        note_active(harbor, role=AGENT, identity="max")

        forget_active(harbor, role=AGENT, identity="ona")

        assert count_active([harbor.id]) == {harbor.id: {AGENT: 1}}

    def test_the_day_has_24_hours_and_counts_users_who_left(
        self, harbor: Tenant, summit: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = timezone.now
        monkeypatch.setattr(active_users.timezone, "now", lambda: real() - timedelta(hours=2))
        note_active(harbor, role=AGENT, identity="ona")
        note_active(summit, role=AGENT, identity="sia")
        monkeypatch.setattr(active_users.timezone, "now", real)
        note_active(harbor, role=API_CLIENT, identity="7")
        forget_active(harbor, role=API_CLIENT, identity="7")

        hours = last_day([harbor.id, summit.id])

        assert len(hours) == 24
        assert [(hour.people, hour.programs) for hour in hours[-3:]] == [(2, 0), (0, 0), (0, 1)]
        assert [hour.people for hour in last_day([harbor.id])][-3] == 1
        assert last_day([]) == []

    def test_an_emptied_redis_is_filled_by_the_next_requests(self, harbor: Tenant) -> None:
        redis = get_redis_connection("default")
        note_active(harbor, role=AGENT, identity="ona")
        redis.delete(*redis.scan_iter(f"{active_users._prefix()}*"))
        assert count_active([harbor.id]) == {}

        note_active(harbor, role=AGENT, identity="ona")

        assert count_active([harbor.id]) == {harbor.id: {AGENT: 1}}

    def test_without_redis_nothing_fails(self, harbor: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(name: str) -> object:
            raise RedisConnectionError

        monkeypatch.setattr(active_users, "get_redis_connection", refuse)
        monkeypatch.setattr(active_users, "outage", RedisOutage())

        note_active(harbor, role=AGENT, identity="ona")
        forget_active(harbor, role=AGENT, identity="ona")

        assert (count_active([harbor.id]), last_day([harbor.id])) == ({}, [])


class TestRequests:
    """Requests of one process, which reports a user once in a while."""

    @pytest.fixture
    def reports(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Return the users that were reported to Redis since."""
        made: list[str] = []
        note = active_users.note_all_active

        def counted(activities: list[Activity]) -> bool:
            made.extend(activity.identity for activity in activities)
            return note(activities)

        monkeypatch.setattr(active_users, "note_all_active", counted)
        return made

    def test_a_user_is_reported_once_and_again_after_a_while(
        self, harbor: Tenant, reports: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for identity in ("ona", "ona", "max", "ona"):
            note_request(harbor, role=AGENT, identity=identity)
        assert reports == ["ona", "max"]
        assert count_active([harbor.id]) == {harbor.id: {AGENT: 2}}

        later = active_users.time.monotonic() + REPEAT
        monkeypatch.setattr(active_users.time, "monotonic", lambda: later)
        note_request(harbor, role=AGENT, identity="ona")

        assert reports == ["ona", "max", "ona"]

    def test_another_hour_counts_at_once(
        self, harbor: Tenant, reports: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        note_request(harbor, role=AGENT, identity="ona")
        later = timezone.now() + timedelta(hours=1)
        monkeypatch.setattr(active_users.timezone, "now", lambda: later)
        note_request(harbor, role=AGENT, identity="ona")

        assert reports == ["ona", "ona"]
        assert [hour.people for hour in last_day([harbor.id])[-2:]] == [1, 1]

    def test_a_user_who_signed_out_is_reported_with_the_next_request(self, harbor: Tenant, reports: list[str]) -> None:
        note_request(harbor, role=AGENT, identity="ona")
        forget_active(harbor, role=AGENT, identity="ona")
        note_request(harbor, role=AGENT, identity="ona")

        assert reports == ["ona", "ona"]
        assert count_active([harbor.id]) == {harbor.id: {AGENT: 1}}

    def test_a_failed_report_is_made_again(
        self, harbor: Tenant, reports: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(name: str) -> object:
            raise RedisConnectionError

        with monkeypatch.context() as without_redis:
            without_redis.setattr(active_users, "get_redis_connection", refuse)
            without_redis.setattr(active_users, "outage", RedisOutage())
            note_request(harbor, role=AGENT, identity="ona")
        note_request(harbor, role=AGENT, identity="ona")

        assert reports == ["ona", "ona"]
        assert count_active([harbor.id]) == {harbor.id: {AGENT: 1}}

    def test_what_is_remembered_is_bounded(self, harbor: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(active_users, "_MOST_REPORTED", 2)
        for number in range(5):
            note_request(harbor, role=AGENT, identity=str(number))

        assert len(active_users._reported) <= 2
        assert count_active([harbor.id]) == {harbor.id: {AGENT: 5}}


class TestRecounting:
    def test_unauthorized_users_are_removed(
        self, harbor: Tenant, owner: User, member: User, stranger: User, harbor_client: ApiClient
    ) -> None:
        without_token = ApiClient.objects.create(client_id="old", name="Old", tenant=harbor)
        token = get_access_token_model().objects
        for client, age in ((harbor_client, 1), (without_token, -1)):
            token.create(token=uuid4().hex, application=client, expires=timezone.now() + timedelta(hours=age), scope="")
            note_active(harbor, role=API_CLIENT, identity=str(client.pk))
        for user in (owner, member, stranger):
            note_active(harbor, role=AGENT, identity=str(user.pk))
        User.objects.filter(pk=member.pk).update(is_active=False)

        action = Delivered(
            id=uuid4(), kind=RecountActiveUsers.kind, payload={}, payload_version=1, tenant=harbor, copy_id=None,
            version=None, correlation_id="", attempt=1, created_at=timezone.now(),
        )  # fmt: skip
        handler_of(RecountActiveUsers.kind)(action)

        assert count_active([harbor.id]) == {harbor.id: {AGENT: 1, API_CLIENT: 1}}
        assert recount_active(harbor) == 0

    def test_expired_users_are_removed(self, harbor: Tenant, owner: User) -> None:
        note_active(harbor, role=AGENT, identity=str(owner.pk))
        get_redis_connection("default").zadd(active_users._present(harbor.id, AGENT), {"long gone": 1})

        assert recount_active(harbor) == 1
        assert count_active([harbor.id]) == {harbor.id: {AGENT: 1}}


class TestDoors:
    def test_a_page_counts_its_user_until_they_sign_out(
        self, harbor: Tenant, owner: User, sign_in: Callable[[User], Client]
    ) -> None:
        browser = sign_in(owner)
        browser.get(reverse("web:forms"))
        assert count_active([harbor.id]) == {harbor.id: {AGENT: 1}}

        browser.post(reverse("web:sign-out"))

        assert count_active([harbor.id]) == {}

    def test_a_call_counts_its_program(self, harbor: Tenant, harbor_client: ApiClient) -> None:
        token = get_access_token_model().objects.create(
            token="a-token", application=harbor_client, expires=timezone.now() + timedelta(hours=1), scope=""
        )
        Client().get("/api/v1/me", headers={"Authorization": f"Bearer {token.token}"})
        Client().get("/api/v1/me", headers={"Authorization": "Bearer another"})

        assert count_active([harbor.id, None]) == {harbor.id: {API_CLIENT: 1}}

    def test_staff_are_counted_separately_and_leave_with_the_admin_sign_out(
        self, staff: User, sign_in: Callable[[User], Client]
    ) -> None:
        browser = sign_in(staff)
        browser.get(reverse("admin:index"))
        assert count_active([None]) == {None: {Role.STAFF.value: 1}}

        browser.post(reverse("admin:logout"))

        assert count_active([None]) == {}


def test_the_hourly_action_recounts_every_tenant_of_the_database(
    harbor: Tenant, summit: Tenant, summit_apart: Tenant, owner: User
) -> None:
    note_active(harbor, role=AGENT, identity=str(owner.pk))
    for tenant in (harbor, summit, summit_apart):
        note_active(tenant, role=AGENT, identity=str(uuid4()))

    emit_hourly_actions("default")
    drain("default")

    assert count_active([harbor.id, summit.id, summit_apart.id]) == {harbor.id: {AGENT: 1}, summit_apart.id: {AGENT: 1}}
