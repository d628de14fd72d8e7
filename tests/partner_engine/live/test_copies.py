"""A copy's socket: admission, frames and their receivers."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any
from uuid import UUID

import pytest
from django_redis import get_redis_connection

from batch import service as batch
from partner_engine import socket_tickets
from tenants.access import Actor, Right
from tenants.models import ApiClient, Tenant, User
from tests.harness.api_client import NOBODY, Api
from tests.harness.certain_text import certain
from tests.harness.socket_client import in_thread, listening, refused, save, session_of, start, ticket_of
from tests.harness.web_servers import call

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_save_is_published_to_a_page_and_to_a_program(
    port: int, harbor: Tenant, actor: Actor, copy_id: UUID, member: User, api: Api
) -> None:
    cookie, ticket = session_of(member), ticket_of(api)

    async def listen() -> None:
        async with listening(port, copy_id, cookie=cookie) as page, listening(port, copy_id, ticket=ticket) as program:
            assert page.frames[0]["version"] == 1
            assert page.frames[0]["copy"] == str(copy_id)
            result = await in_thread(save, harbor, actor, copy_id, {"mqs_mail_city": "Austin"})

            for listener in (page, program):
                told = await listener.gets("changed", version=2)
                assert told["by"] == {"type": "user", "id": actor.id, "name": "Ona Owner"}
                [change] = [found for found in told["changes"] if found["path"] == "mqs_mail_city"]
                assert (change["before"], change["after"]) == (None, "Austin")
                assert told["needed"] == json.loads(
                    json.dumps({"quote": result.evaluation.needed.quote, "bind": result.evaluation.needed.bind})
                )

    asyncio.run(listen())


def test_own_changes_are_not_echoed(port: int, copy_id: UUID, api: Api, member: User) -> None:
    tickets, cookie = [ticket_of(api), ticket_of(api)], session_of(member)

    async def listen() -> None:
        async with (
            listening(port, copy_id, ticket=tickets[0]) as one,
            listening(port, copy_id, ticket=tickets[1]) as other,
            listening(port, copy_id, cookie=cookie) as page,
        ):
            for number, city in enumerate(("Austin", "Dallas"), 2):
                sender = one.socket if number == 2 else "not a socket"
                answer = await asyncio.to_thread(
                    call,
                    port,
                    "PATCH",
                    f"/copies/{copy_id}/answers",
                    api.token,
                    {"answers": {"mqs_mail_city": city}},
                    X_Socket_Id=sender,
                )
                assert answer.status == 200, answer.content
                for listener in (other, page):
                    await listener.gets("changed", version=number)
            await one.gets("changed", version=3)
            assert [frame["version"] for frame in one.of("changed")] == [3]

    asyncio.run(listen())


def test_sensitive_and_personal_answers_are_never_published(
    port: int, harbor: Tenant, actor: Actor, copy_id: UUID, api: Api, samples: dict[str, Any]
) -> None:
    ticket = ticket_of(api)
    answers = {"mqs_fein": "12-3456789", "mqs_email": "canary@example.com", "mqs_mail_city": "Austin"}

    async def listen() -> None:
        async with listening(port, copy_id, ticket=ticket) as program:
            await in_thread(save, harbor, actor, copy_id, answers)
            await program.gets("changed", version=2)
            text = json.dumps(program.frames)
            assert "Austin" in text
            assert "3456789" not in text
            assert "6789" not in certain(text)
            assert "canary" not in text

    asyncio.run(listen())


def test_catching_up_equals_the_api(
    port: int, harbor: Tenant, actor: Actor, copy_id: UUID, harbor_client: ApiClient
) -> None:
    blind = Api(harbor_client, [Right.READ_FORMS])
    for city in ("Austin", "Dallas"):
        save(harbor, actor, copy_id, {"mqs_mail_city": city, "mqs_email": f"{city}@example.com"})
    expected = json.loads(blind.get(f"/copies/{copy_id}/changes?since=1").content)
    ticket = ticket_of(blind)

    async def listen() -> None:
        async with listening(port, copy_id, ticket=ticket) as program:
            assert program.frames[0]["version"] == 3
            await program.say(type="since", version=1)
            answer = await program.gets("changes", since=1)
            assert answer["body"] == expected
            assert "Dallas@" not in json.dumps(answer)
            await program.say(type="since", version=9)
            assert (await program.gets("error"))["code"] == "no_such_version"

    asyncio.run(listen())


def test_a_chunk_of_copies_is_published_too(
    port: int, harbor: Tenant, actor: Actor, copy_id: UUID, member: User
) -> None:
    cookie, other = session_of(member), start(harbor, actor)

    def save_both() -> None:
        with batch.find_and_lock_many([copy_id, other], scope=harbor, actor=actor) as chunk:
            chunk.apply(lambda changeset: changeset.find_answer("mqs_mail_city").apply("Austin"))
            chunk.save()

    async def listen() -> None:
        async with listening(port, copy_id, cookie=cookie) as one, listening(port, other, cookie=cookie) as two:
            await in_thread(save_both)
            for listener in (one, two):
                await listener.gets("changed", version=2)

    asyncio.run(listen())


def test_presence_comes_moves_and_goes(port: int, copy_id: UUID, member: User, owner: User) -> None:
    mine, theirs = session_of(owner), session_of(member)

    async def listen() -> None:
        async with listening(port, copy_id, cookie=mine) as one:
            async with listening(port, copy_id, cookie=theirs) as two:
                assert {person["name"] for person in two.frames[0]["people"]} == {"Ona Owner", "Max Member"}
                joined = await one.gets("presence", event="joined")
                assert joined["person"]["name"] == "Max Member"
                await two.say(type="focus", path="mqs_mail_city")
                moved = await one.gets("presence", event="focus")
                assert moved["person"] == {**joined["person"], "path": "mqs_mail_city"}
            left = await one.gets("presence", event="left")
            assert left["person"]["socket"] == joined["person"]["socket"]
            assert two.of("presence") == []

    asyncio.run(listen())


def test_without_the_right_to_listen_there_is_no_ticket(port: int, harbor_client: ApiClient) -> None:
    assert Api(harbor_client, [Right.READ_CATALOGUE]).post("/tickets").status_code == 403


def test_admission(port: int, copy_id: UUID, deleted: UUID, sessions: dict[str, str], summit_client: ApiClient) -> None:
    foreign = ticket_of(Api(summit_client))

    async def listen() -> None:
        ours = f"http://127.0.0.1:{port}"
        cases: list[tuple[int, object, dict[str, Any]]] = [
            (401, copy_id, {}),
            (401, copy_id, {"origin": ours}),
            (401, copy_id, {"cookie": "nonsense"}),
            (401, copy_id, {"ticket": "nonsense"}),
            (401, copy_id, {"ticket": "x" * 5_000}),
            (401, copy_id, {"cookie": sessions["owner"], "origin": None}),
            (403, copy_id, {"cookie": sessions["staff"]}),
            (404, copy_id, {"cookie": sessions["stranger"]}),
            (404, copy_id, {"ticket": foreign}),
            (404, NOBODY, {"cookie": sessions["owner"]}),
            (404, deleted, {"cookie": sessions["owner"]}),
            (404, copy_id, {"cookie": sessions["owner"], "path": "/ws/nothing/"}),
            (403, copy_id, {"cookie": sessions["owner"], "origin": "http://evil.example"}),
            (403, copy_id, {"cookie": sessions["owner"], "origin": f"https://127.0.0.1:{port}"}),
            (403, copy_id, {"cookie": sessions["owner"], "origin": f"http://127.0.0.1:{port + 1}"}),
            (403, copy_id, {"cookie": sessions["owner"], "origin": "null"}),
        ]
        found = [await refused(port, identity, **how) for _, identity, how in cases]
        assert found == [status for status, _, _ in cases]
        async with listening(port, copy_id, cookie=sessions["owner"]):
            pass

    asyncio.run(listen())


def test_a_ticket_opens_one_socket(port: int, copy_id: UUID, api: Api) -> None:
    ticket = ticket_of(api)

    async def listen() -> None:
        async with listening(port, copy_id, ticket=ticket):
            pass
        assert await refused(port, copy_id, ticket=ticket) == 401
        evil = await in_thread(ticket_of, api)
        assert await refused(port, copy_id, ticket=evil, origin="http://evil.example") == 403

    asyncio.run(listen())


def test_a_page_of_another_site_needs_a_ticket_of_a_client_that_allows_it(
    port: int, copy_id: UUID, api: Api, harbor_client: ApiClient, summit_client: ApiClient, owner: User
) -> None:
    page, session = "https://quotes.example.com", session_of(owner)
    ApiClient.objects.filter(pk=harbor_client.pk).update(allowed_origins=page)
    others, of_session = (
        ticket_of(Api(summit_client)),
        socket_tickets.issue(tenant_id=harbor_client.tenant_id, kind="session", key=session),
    )

    async def listen() -> None:
        # The process learns of the new origin within seconds; until then nothing is used up.
        while await refused(port, copy_id, ticket="nonsense", origin=page) == 403:
            await asyncio.sleep(0.1)
        for how in ({"ticket": others}, {"ticket": of_session}, {"cookie": session}, {"guest": "nonsense"}):
            assert await refused(port, copy_id, origin=page, **how) == 403
        ticket = await in_thread(ticket_of, api)
        assert await refused(port, copy_id, ticket=ticket, origin=f"{page}.evil.example") == 403
        async with listening(port, copy_id, ticket=ticket, origin=page) as listener:
            await in_thread(ApiClient.objects.filter(pk=harbor_client.pk).update, allowed_origins="")
            assert await listener.ends() == 4401

    asyncio.run(listen())


def test_a_ticket_is_valid_for_half_a_minute(port: int, copy_id: UUID, api: Api) -> None:
    ticket, redis = ticket_of(api), get_redis_connection("default")
    key = socket_tickets._key(ticket)

    assert 0 < redis.pttl(key) <= 30_000
    redis.pexpire(key, 1)
    time.sleep(0.01)
    assert asyncio.run(refused(port, copy_id, ticket=ticket)) == 401


def test_a_right_lost_before_its_ticket_was_used(port: int, copy_id: UUID, api: Api, harbor_client: ApiClient) -> None:
    ticket = ticket_of(api)
    ApiClient.objects.filter(pk=harbor_client.pk).update(allowed_scopes=["catalogue:read"])

    assert asyncio.run(refused(port, copy_id, ticket=ticket)) == 403


def test_of_many_concurrent_uses_of_a_ticket_one_succeeds(port: int, copy_id: UUID, api: Api) -> None:
    ticket = ticket_of(api)

    async def try_it() -> int:
        try:
            return await refused(port, copy_id, ticket=ticket)
        except AssertionError:
            return 101

    async def listen() -> None:
        assert sorted(await asyncio.gather(*(try_it() for _ in range(8)))) == [101, *[401] * 7]

    asyncio.run(listen())


@pytest.mark.parametrize(
    ("text", "code", "pointer"),
    [
        ("{", "malformed_frame", None),
        ("nonsense", "malformed_frame", None),
        ("[]", "invalid_frame", ""),
        ('{"type": "shout"}', "invalid_frame", "/type"),
        ('{"type": "since"}', "invalid_frame", ""),
        ('{"type": "since", "version": -1}', "invalid_frame", "/version"),
        ('{"type": "since", "version": 1, "more": 2}', "invalid_frame", ""),
        ('{"type": "focus", "path": 7}', "invalid_frame", "/path"),
        ('{"type": "view", "visible": "yes"}', "invalid_frame", "/visible"),
        (b"\x00\x01", "text_only", None),
    ],
)  # fmt: skip
def test_wrong_frames_are_answered(
    port: int, copy_id: UUID, owner: User, text: str | bytes, code: str, pointer: str | None
) -> None:
    cookie = session_of(owner)

    async def listen() -> None:
        async with listening(port, copy_id, cookie=cookie) as page:
            await page.connection.send(text)
            error = await page.gets("error")
            assert error["code"] == code
            assert [fault["pointer"] for fault in error["errors"]] == ([] if pointer is None else [pointer])
            await page.say(type="since", version=1)
            await page.gets("changes")

    asyncio.run(listen())
