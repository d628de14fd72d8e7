"""Actor and tenant of a request: sessions, staff, and concurrent requests under ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from uuid_utils.compat import uuid7

from partner_engine.tenant_middleware import CHOSEN_DATABASE, CHOSEN_TENANT, TenancyMiddleware, act_as
from tenants.current_tenant import current_scope
from tenants.models import ApiClient, Tenant, User
from tests.harness.cast import SECOND_DATABASE

pytestmark = pytest.mark.django_db

Seen = tuple[object, object]


def ask(user: User | AnonymousUser, path: str = "/", **session: str) -> Seen:
    """Send a request of ``user`` through the middleware; return the tenant and the database that its view sees."""
    request = RequestFactory().get(path)
    request.user = user
    request.session = SessionStore()
    request.session.update(session)
    seen: list[Seen] = []

    def view(request: HttpRequest) -> HttpResponse:
        scope = current_scope()
        seen.append((scope.tenant if scope else None, scope.alias if scope else None))
        return HttpResponse()

    TenancyMiddleware(view)(request)
    assert current_scope() is None
    return seen[0]


def test_an_anonymous_user_has_no_scope() -> None:
    assert ask(AnonymousUser()) == (None, None)


def test_an_agent_has_the_scope_of_their_tenant(owner: User, harbor: Tenant) -> None:
    assert ask(owner) == (harbor, "default")


def test_staff_have_no_scope_outside_of_the_admin(staff: User) -> None:
    assert ask(staff, "/") == (None, None)


def test_staff_see_all_of_the_shared_database_until_they_choose(staff: User, harbor: Tenant) -> None:
    assert ask(staff, "/admin/") == (None, "default")
    assert ask(staff, "/admin/", **{CHOSEN_TENANT: str(harbor.id)}) == (harbor, "default")
    assert ask(staff, "/admin/", **{CHOSEN_DATABASE: SECOND_DATABASE}) == (None, SECOND_DATABASE)


def test_the_choice_of_a_deleted_tenant_is_ignored(staff: User) -> None:
    assert ask(staff, "/admin/", **{CHOSEN_TENANT: str(uuid7())}) == (None, "default")
    assert ask(staff, "/admin/", **{CHOSEN_DATABASE: "gone"}) == (None, "default")


def test_an_agent_chooses_nothing(owner: User, harbor: Tenant, summit: Tenant) -> None:
    assert ask(owner, "/admin/", **{CHOSEN_TENANT: str(summit.id)}) == (harbor, "default")


def test_the_tenant_of_a_token_ends_with_its_request(harbor_client: ApiClient, harbor: Tenant) -> None:
    request = RequestFactory().get("/api/v1/me")
    request.user = AnonymousUser()

    def view(request: HttpRequest) -> HttpResponse:
        act_as(request, actor=harbor_client.as_actor(scopes=[]), tenant=harbor)
        scope = current_scope()
        assert scope is not None
        assert (scope.tenant, request.tenant, request.actor.type) == (harbor, harbor, "api_client")
        return HttpResponse()

    assert TenancyMiddleware(view)(request).status_code == 200
    assert current_scope() is None


def test_a_failing_view_resets_the_tenant(owner: User) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        raise ZeroDivisionError

    request = RequestFactory().get("/")
    request.user = owner

    with pytest.raises(ZeroDivisionError):
        TenancyMiddleware(view)(request)
    assert current_scope() is None


@pytest.mark.django_db(transaction=True)
def test_concurrent_requests_never_see_each_others_tenant(owner: User, stranger: User) -> None:
    wrong: list[object] = []

    async def request_of(user: User) -> None:
        with_user = RequestFactory().get("/")
        with_user.user = user

        async def slow() -> None:
            await asyncio.sleep(0)
            await sync_to_async(check, thread_sensitive=False)()

        def check() -> None:
            scope = current_scope()
            with connections["default"].cursor() as cursor:
                cursor.execute("SELECT current_setting('partner_engine.tenant', true)")
                (told,) = cursor.fetchone()
            connections["default"].close()
            if scope is None or scope.tenant != user.tenant or told != str(user.tenant_id):
                wrong.append((scope, told))

        def view(request: HttpRequest) -> HttpResponse:
            asyncio.run(slow())
            return HttpResponse()

        middleware: Callable[[HttpRequest], HttpResponse] = TenancyMiddleware(view)
        await sync_to_async(middleware, thread_sensitive=False)(with_user)
        if current_scope() is not None:
            wrong.append("left behind")

    async def all_at_once() -> None:
        for _ in range(10):
            await asyncio.gather(*(request_of(user) for user in (owner, stranger) * 10))

    asyncio.run(all_at_once())

    assert wrong == []
