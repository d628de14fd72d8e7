"""A grant that ends closes its sockets within a second, however it ended."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.sessions.backends.cached_db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from batch import service as batch
from partner_engine.live.grants import grants_in_force, session_grant, token_grant
from partner_engine.live.keepalive import _check_viewers
from partner_engine.live.transport.redis_channels import command_client
from partner_engine.live.viewers import key_of
from tenants.access import Actor, Right, Role
from tenants.models import ApiClient, CompanySignIn, Tenant, User
from tests.harness.api_client import Api
from tests.harness.socket_client import in_thread, listening, save, session_of, start, ticket_of
from tests.harness.tiers import within

pytestmark = pytest.mark.django_db(transaction=True)

REVOKED = 4401
CHECK_DUE = 4419
GONE = 4404


def sign_out(user: User, session: str) -> None:
    client = Client()
    client.cookies["sessionid"] = session
    assert client.post("/sign-out").status_code == 302


def deactivate(user: User, session: str) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def change_password(user: User, session: str) -> None:
    user.set_password("another-lantern-43")
    user.save()


def begin_generation(user: User, session: str) -> None:
    user.refuse_older_sessions()


def make_staff(user: User, session: str) -> None:
    User.objects.filter(pk=user.pk).update(role=Role.STAFF, tenant=None)


def expire(user: User, session: str) -> None:
    Session.objects.filter(session_key=session).update(expire_date=timezone.now())


@pytest.mark.parametrize("end", [sign_out, deactivate, change_password, begin_generation, make_staff, expire])
def test_the_end_of_a_session(
    port: int, copy_id: UUID, owner: User, member: User, end: Callable[[User, str], None]
) -> None:
    ended, kept = session_of(member), session_of(owner)

    async def listen() -> None:
        async with listening(port, copy_id, cookie=ended) as page, listening(port, copy_id, cookie=kept) as other:
            await in_thread(end, member, ended)
            at = time.monotonic()
            assert await page.ends() == REVOKED
            assert time.monotonic() - at < within(5)
            await other.gets("presence", event="left")
            assert other.closed is None

    asyncio.run(listen())


def test_an_overdue_check_of_a_company_session(port: int, copy_id: UUID, harbor: Tenant, owner: User) -> None:
    CompanySignIn.objects.create(
        tenant=harbor, issuer="https://login.example.com", client_id="x", mail_domains=[], is_enabled=True
    )
    session, kept = session_of(owner), session_of(owner)

    def let_pass(key: str, seconds: float) -> None:
        store = SessionStore(key)
        store["company_check"] = {"confirmed": time.time(), "at": time.time() - seconds}
        store.save()

    async def listen() -> None:
        async with listening(port, copy_id, cookie=session) as page, listening(port, copy_id, cookie=kept) as other:
            await in_thread(let_pass, kept, -3_600)
            await in_thread(let_pass, session, 3_600)
            assert await page.ends() == CHECK_DUE
            await other.gets("presence", event="left")
            assert other.closed is None

    asyncio.run(listen())


def revoke(api: Api, client: ApiClient) -> None:
    get_access_token_model().objects.get(token=api.token).revoke()


def let_expire(api: Api, client: ApiClient) -> None:
    get_access_token_model().objects.filter(token=api.token).update(expires=timezone.now() - timedelta(seconds=1))


def take_scope(api: Api, client: ApiClient) -> None:
    ApiClient.objects.filter(pk=client.pk).update(allowed_scopes=["catalogue:read"])


def remove_client(api: Api, client: ApiClient) -> None:
    client.delete()


@pytest.mark.parametrize("end", [revoke, let_expire, take_scope, remove_client])
def test_the_end_of_a_token(
    port: int, copy_id: UUID, api: Api, harbor_client: ApiClient, end: Callable[[Api, ApiClient], None]
) -> None:
    ticket = ticket_of(api)

    async def listen() -> None:
        async with listening(port, copy_id, ticket=ticket) as program:
            await in_thread(end, api, harbor_client)
            at = time.monotonic()
            assert await program.ends() == REVOKED
            assert time.monotonic() - at < within(5)

    asyncio.run(listen())


def test_a_closed_socket_receives_nothing_more(
    port: int, harbor: Tenant, actor: Actor, copy_id: UUID, member: User
) -> None:
    session = session_of(member)

    async def listen() -> None:
        async with listening(port, copy_id, cookie=session) as page:
            await in_thread(sign_out, member, session)
            await page.ends()
            await in_thread(save, harbor, actor, copy_id, {"mqs_mail_city": "Austin"})
            await asyncio.sleep(0.3)
            assert page.of("changed") == []

    asyncio.run(listen())


def test_a_deleted_copy(port: int, harbor: Tenant, actor: Actor, owner: User) -> None:
    form, session = start(harbor, actor), session_of(owner)
    with batch.build_copy(form, scope=harbor, actor=actor) as context:
        context.changeset.copy.make_base()
        context.save()

    def delete() -> None:
        with batch.find_and_lock(form, scope=harbor, actor=actor) as context:
            context.changeset.copy.delete()
            context.save()

    async def listen() -> None:
        async with listening(port, form, cookie=session) as page:
            await in_thread(delete)
            assert (await page.gets("changed", version=2))["changes"][0]["path"] == "copy/deleted_at"
            await page.say(type="since", version=1)
            assert await page.ends() == GONE

    asyncio.run(listen())


def test_repeated_checks_cost_the_same_for_any_number(
    port: int, owner: User, member: User, django_assert_num_queries: Callable[[int], object]
) -> None:
    grants = [session_grant(session_of(user)) for user in (owner, member, owner)]

    with django_assert_num_queries(2):  # type: ignore[attr-defined]
        good = grants_in_force(grants)

    assert good == {("session", grant.key) for grant in grants}


def test_checks_of_tokens_notice_every_change_with_one_query(
    harbor_client: ApiClient, django_assert_num_queries: Callable[[int], object]
) -> None:
    page, scopes = "https://agency.example", [Right.READ_FORMS.value, Right.WRITE_FORMS.value]
    ApiClient.objects.filter(pk=harbor_client.pk).update(
        allowed_scopes=scopes, allowed_origins=f"https://x.test {page}"
    )
    tokens = [
        get_access_token_model().objects.create(
            token=secrets.token_urlsafe(), application=harbor_client, scope=" ".join(scopes[:number]),
            expires=timezone.now() + timedelta(hours=1),
        )
        for number in (1, 2)
    ]  # fmt: skip
    narrow, wide = (token_grant(token.pk) for token in tokens)
    foreign = token_grant(tokens[0].pk, origin=page)

    def good() -> set[str]:
        with django_assert_num_queries(1):  # type: ignore[attr-defined]
            return {key for _, key in grants_in_force([narrow, wide, foreign])}

    assert good() == {narrow.key, wide.key}
    ApiClient.objects.filter(pk=harbor_client.pk).update(allowed_scopes=scopes[:1])
    assert good() == {narrow.key}
    ApiClient.objects.filter(pk=harbor_client.pk).update(allowed_origins="https://x.test")
    assert good() == set()


def test_another_content_of_a_session_counts_at_once(owner: User, member: User) -> None:
    first, second = session_of(owner), session_of(member)
    grant = session_grant(first)
    assert grants_in_force([grant]) == {("session", first)}

    Session.objects.filter(pk=first).update(session_data=Session.objects.get(pk=second).session_data)
    assert grants_in_force([grant]) == set()

    Session.objects.filter(pk=first).update(session_data="unreadable")
    assert grants_in_force([grant]) == set()


@pytest.mark.parametrize("lost", [None, 0, 2])
def test_viewers_that_redis_lost_are_registered_again(lost: int | None) -> None:
    """Two rooms of one tenant and one of another: each missing key is noticed."""
    first, second = (SimpleNamespace(id=uuid4()) for _ in range(2))
    rooms = [SimpleNamespace(tenant=tenant, key=key_of(tenant.id, uuid4())) for tenant in (first, first, second)]
    done: list[str] = []

    async def note(name: str) -> None:
        done.append(name)

    async def check() -> None:
        redis = command_client()
        try:
            for number, room in enumerate(rooms):
                if number != lost:
                    await redis.set(room.key, b"1", ex=60)
            hub: Any = SimpleNamespace(
                rooms={room.key: room for room in rooms}, redis=redis,
                register_viewers=lambda: note("registered"), compare_versions=lambda: note("compared"),
            )  # fmt: skip
            await _check_viewers(hub)
        finally:
            await redis.aclose()

    asyncio.run(check())
    assert done == ([] if lost is None else ["registered", "compared"])
