"""The intake of callbacks: verified, stored once with the action that imports them, refused without a trace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from asgiref.testing import ApplicationCommunicator
from standardwebhooks import Webhook

from actions.kinds import ImportCarrierMessage
from batch import service as batch
from carriers.link_models import CarrierLink
from carriers.links.link_secrets import new_callback_secret, rotate_callback_secret
from partner_engine.carrier_callbacks import CarrierCallbacks
from quoting import callbacks
from quoting.callbacks import (
    MOST_BYTES,
    STORE,
    Callback,
    CallbackRefused,
    UnknownCallbackAddress,
    UnreadableCallback,
    WrongSignature,
    take_callback,
)
from quoting.importing import MessageImportation
from quoting.message_models import CarrierMessage
from quoting.message_queue import queue_messages
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.carrier_links import CALLBACK_SECRET, add_link
from tests.harness.outboxes import delivered, rows

pytestmark = pytest.mark.django_db
QUOTE = {
    "reference": "Q-1", "request_token": "t-1", "product": "PA-CARE", "status": "quoted", "sequence": 3,
    "premium": {"amount": 1250, "currency": "USD"}, "is_bindable": True, "updated_at": "2026-01-05T10:00:00Z",
}  # fmt: skip
BODY = msgspec.json.encode({"type": "quote.updated", "data": QUOTE})


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    callbacks.forget_links_and_copies()
    yield
    callbacks.forget_links_and_copies()


@pytest.fixture
def link(kennels: Tenant) -> CarrierLink:
    return add_link("PA", "http://127.0.0.1:9", catalogue="kennels")


def signed(
    link: CarrierLink,
    copy_id: UUID,
    *,
    body: bytes = BODY,
    message_id: str = "msg_1",
    age: timedelta = timedelta(),
    secret: str = CALLBACK_SECRET,
) -> Callback:
    at = datetime.now(UTC) - age
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, body.decode()),
    }
    return Callback(link_id=link.pk, copy_id=copy_id, headers=headers, body=body)


def take(callback: Callback) -> bool:
    return take_callback(callback, correlation_id="c-1")


def stored(tenant: Tenant) -> list[str]:
    with use_tenant(tenant):
        return sorted(CarrierMessage.objects.values_list("message_id", flat=True))


def imports() -> list[Any]:
    queue_messages("default")
    return [row for row in rows() if row.kind == "import_carrier_message"]


def test_a_callback_is_stored_with_the_import(kennels: Tenant, form_id: UUID, link: CarrierLink) -> None:
    assert take(signed(link, form_id))

    with use_tenant(kennels):
        message = CarrierMessage.objects.get()
    (action,) = imports()
    assert (message.carrier, message.copy_id, message.body) == ("PA", form_id, BODY.decode())
    assert action.payload == {"copy_id": str(form_id), "message_id": str(message.pk)}
    assert (action.tenant_id, action.copy_id, action.correlation_id) == (kennels.pk, form_id, "c-1")


def test_a_repeated_callback_is_acknowledged_and_stored_once(kennels: Tenant, form_id: UUID, link: CarrierLink) -> None:
    assert [take(signed(link, form_id)) for _ in range(3)] == [True, False, False]

    assert stored(kennels) == ["msg_1"]
    assert len(imports()) == 1


@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(minutes=-6), timedelta(days=400)])
def test_a_callback_of_another_time_is_refused(
    kennels: Tenant, form_id: UUID, link: CarrierLink, age: timedelta
) -> None:
    with pytest.raises(WrongSignature):
        take(signed(link, form_id, age=age))

    assert (stored(kennels), imports()) == ([], [])


def test_a_callback_within_five_minutes_is_taken(form_id: UUID, link: CarrierLink) -> None:
    assert take(signed(link, form_id, age=timedelta(minutes=4)))


@pytest.mark.parametrize("changed", ["body", "webhook-id", "webhook-timestamp", "webhook-signature", "nothing signed"])
def test_an_altered_callback_is_refused(kennels: Tenant, form_id: UUID, link: CarrierLink, changed: str) -> None:
    good = signed(link, form_id)
    headers, body = dict(good.headers), good.body
    if changed == "body":
        body = body.replace(b"1250", b"1251")
    elif changed == "webhook-id":
        headers["webhook-id"] = "msg_2"
    elif changed == "webhook-timestamp":
        headers[changed] = str(int(headers[changed]) + 1)
    elif changed == "webhook-signature":
        headers[changed] = "v1,AAAA"
    else:
        headers.pop("webhook-signature")

    with pytest.raises(WrongSignature):
        take(Callback(link_id=link.pk, copy_id=form_id, headers=headers, body=body))

    assert (stored(kennels), imports()) == ([], [])


@pytest.mark.parametrize("signature", ["v1", "v1,a,b", "v1,====", "v2,AAAA", "", "v1,\xff"])
def test_a_strange_signature_is_refused(form_id: UUID, link: CarrierLink, signature: str) -> None:
    good = signed(link, form_id)

    with pytest.raises(WrongSignature):
        take(
            Callback(
                link_id=link.pk, copy_id=form_id, headers={**good.headers, "webhook-signature": signature}, body=BODY
            )
        )


def test_both_secrets_are_accepted_during_a_rotation(form_id: UUID, link: CarrierLink) -> None:
    new = new_callback_secret()
    rotate_callback_secret(link, new)
    link.save()

    assert take(signed(link, form_id, message_id="old"))
    assert take(signed(link, form_id, message_id="new", secret=new))
    with pytest.raises(WrongSignature):
        take(signed(link, form_id, message_id="other", secret=new_callback_secret()))


@pytest.mark.parametrize(
    "body",
    [
        b"{}", b"[]", b"", b'{"type": "quote.deleted", "data": {}}', b'{"type": "quote.updated", "data": {}}',
        BODY.replace(b'"Q-1"', b'"Q\\u0000"'), BODY.replace(b"quoted", b"perhaps"),
    ],
)  # fmt: skip
def test_a_body_that_is_not_as_agreed_is_refused(
    kennels: Tenant, form_id: UUID, link: CarrierLink, body: bytes
) -> None:
    with pytest.raises(UnreadableCallback):
        take(signed(link, form_id, body=body))

    assert (stored(kennels), imports()) == ([], [])


def test_unknown_links_and_copies_are_not_found(form_id: UUID, link: CarrierLink, summit: Tenant) -> None:
    other = add_link("PA", "http://127.0.0.1:9", catalogue="kennels", tenant=summit)

    for callback in (
        signed(link, uuid4()),
        signed(other, form_id),
        Callback(link_id=uuid4(), copy_id=form_id, headers=signed(link, form_id).headers, body=BODY),
    ):
        with pytest.raises(UnknownCallbackAddress):
            take(callback)


def test_a_copy_that_was_unknown_is_found_once_it_is_saved(
    kennels: Tenant, form_id: UUID, link: CarrierLink
) -> None:  # fmt: skip
    with pytest.raises(CallbackRefused):
        take(signed(link, UUID(int=1)))

    assert take(signed(link, form_id))


async def post(path: str, body: bytes, headers: dict[str, str], *, method: str = "POST") -> tuple[int, dict[str, Any]]:
    async def nobody(*_: object) -> None:
        raise AssertionError("the request was passed on")

    scope = {
        "type": "http", "http_version": "1.1", "method": method, "path": path, "query_string": b"",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
    }  # fmt: skip
    caller = ApplicationCommunicator(CarrierCallbacks(nobody), scope)
    for start in range(0, len(body) + 1, 65_536):
        part = body[start : start + 65_536]
        await caller.send_input(
            {"type": "http.request", "body": part, "more_body": start + len(part) < len(body)}
        )  # fmt: skip
    begun = await caller.receive_output(timeout=60)
    content = await caller.receive_output(timeout=60)
    await caller.wait(timeout=60)
    return begun["status"], msgspec.json.decode(content["body"])


@pytest.mark.django_db(transaction=True)
def test_callbacks_are_served_over_http(kennels: Tenant, form_id: UUID, link: CarrierLink) -> None:
    good = signed(link, form_id)
    path = f"/carrier_callbacks/{link.pk}/{form_id}"

    async def all_requests() -> list[tuple[int, dict[str, Any]]]:
        return [
            await post(path, BODY, dict(good.headers)),
            await post(path, BODY, dict(good.headers)),
            await post(path, BODY, {}),
            await post(path, BODY, dict(good.headers), method="GET"),
            await post("/carrier_callbacks/x/y", BODY, dict(good.headers)),
            await post(path, b"x" * (MOST_BYTES + 1), dict(good.headers)),
        ]

    responses = asyncio.run(all_requests())

    assert [status for status, _ in responses] == [200, 200, 401, 405, 404, 413]
    assert responses[0][1] == {"status": "accepted"}
    assert responses[2][1]["type"] == "urn:partner-engine:problem:wrong_signature"
    assert stored(kennels) == ["msg_1"]


@pytest.mark.django_db(transaction=True)
def test_a_hundred_simultaneous_duplicates_have_one_effect(kennels: Tenant, form_id: UUID, link: CarrierLink) -> None:
    good = signed(link, form_id)

    async def all_at_once() -> list[int]:
        path = f"/carrier_callbacks/{link.pk}/{form_id}"
        return [
            status for status, _ in await asyncio.gather(*(post(path, BODY, dict(good.headers)) for _ in range(100)))
        ]

    assert asyncio.run(all_at_once()) == [200] * 100
    assert stored(kennels) == ["msg_1"]
    assert len(imports()) == 1


@pytest.mark.parametrize(("carrier", "state"), [("WO", "submitted"), ("PA", "quoted")])
def test_a_carrier_reports_on_its_own_requests_alone(
    carrier: str, state: str, kennels: Tenant, form_id: UUID, agent: Actor
) -> None:
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        request = context.changeset.quote_requests.request("PA-CARE")
        request.queue()
        request.submit(payload_hash="1")
        token = request.row.request_token
        context.save()
    link = add_link(carrier, "http://127.0.0.1:9", catalogue="kennels")
    body = msgspec.json.encode({"type": "quote.updated", "data": {**QUOTE, "request_token": token}})
    assert take(signed(link, form_id, body=body))

    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context, use_tenant(kennels):
        MessageImportation().prepare(context, delivered(_only_import(), kennels))
        assert next(iter(context.changeset.quote_requests)).row.state == state
        assert CarrierMessage.objects.get().outcome == ("applied" if state == "quoted" else "unknown")


def _only_import() -> ImportCarrierMessage:
    (action,) = imports()
    return ImportCarrierMessage(**action.payload)


def test_the_migration_creates_the_function_of_the_program() -> None:
    assert import_module("quoting.migrations.0003_store_message").FUNCTIONS == [STORE.name]
