"""Callbacks in the manner that a carrier's behavior names, signed as Standard Webhooks."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import httpcore2
from standardwebhooks import Webhook

from carriers.simulator.memory import CarrierState, Memory, QuoteRecord, now
from carriers.simulator.wire import Binding, BindingUpdated, Quote, QuoteUpdated

FIRST_PAUSE: Final = 5.0
"""Seconds before a failed callback is sent again, each time twice as long; divided by the speed."""
TIMEOUT: Final = 10.0


@dataclass(frozen=True)
class Envelope:
    """A callback ready to be sent: its id, and the body."""

    id: str
    body: str


class CallbackSender:
    """Sends callbacks over connections of its own."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._pool = httpcore2.AsyncConnectionPool(max_connections=50)

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.aclose()

    def send_quote(self, state: CarrierState, record: QuoteRecord, *, is_last: bool) -> None:
        """Send the newest message of the quote, or with reversed callbacks all of them after the last one."""
        if record.submission.callback_url is None:
            return
        manner = state.behavior.callbacks
        if manner.is_reversed and not is_last:
            return
        newest, older = record.history[-1], record.history[:-1]
        messages = [newest, *reversed(older)] if manner.is_reversed else [newest]
        if manner.replays_older:
            messages += older[-1:]
        self._memory.start(self._send_all(state, record.submission.callback_url, messages))

    def send_binding(self, state: CarrierState, record: QuoteRecord, binding: Binding) -> None:
        """Send the result of a binding."""
        if record.submission.callback_url is not None:
            self._memory.start(self._send_all(state, record.submission.callback_url, [binding]))

    async def _send_all(self, state: CarrierState, url: str, messages: Sequence[Quote | Binding]) -> None:
        for message in messages:
            envelope = Envelope(_id_of(state, message), _body_of(message))
            for _ in range(state.behavior.callbacks.copies):
                await self._send(state, url, envelope)

    async def _send(self, state: CarrierState, url: str, envelope: Envelope) -> None:
        """Send one callback until it is accepted, at most as often as the behavior says."""
        manner = state.behavior.callbacks
        for attempt in range(manner.tries):
            sent_at = now() - timedelta(seconds=manner.age_seconds)
            result = await self._post(url, envelope, _headers(state, envelope, sent_at))
            state.callbacks.append({"at": now().isoformat(), "id": envelope.id, "url": url, "result": result})
            state.counts["callback"] += 1
            if result.startswith(("2", "4")):
                return
            await asyncio.sleep(self._memory.scaled(FIRST_PAUSE * 2**attempt))

    async def _post(self, url: str, envelope: Envelope, headers: Mapping[bytes | str, bytes | str]) -> str:
        timeout = dict.fromkeys(("connect", "read", "write", "pool"), TIMEOUT)
        try:
            response = await self._pool.request(
                "POST",
                url,
                headers=headers,
                content=envelope.body.encode(),
                extensions={"timeout": timeout},
            )
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException) as error:
            return type(error).__name__
        return str(response.status)


def _headers(state: CarrierState, envelope: Envelope, sent_at: datetime) -> dict[bytes | str, bytes | str]:
    manner, secret = state.behavior.callbacks, state.declared.credentials.callback_secret
    if manner.signature == "wrong":
        secret = "whsec_" + base64.b64encode(b"another secret than the agreed one").decode()
    headers: dict[bytes | str, bytes | str] = {
        "Content-Type": "application/json",
        "User-Agent": "carrier-simulator",
        "webhook-id": envelope.id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
    }
    if manner.signature != "missing":
        headers["webhook-signature"] = Webhook(secret).sign(envelope.id, sent_at, envelope.body)
    return headers


def _id_of(state: CarrierState, message: Quote | Binding) -> str:
    """Return the id of a message: the same for each of its copies."""
    code = state.declared.code.lower()
    if isinstance(message, Quote):
        return f"msg_{code}_{message.request_token}_{message.sequence}"
    return f"msg_{code}_{message.bind_token}_{message.status}"


def _body_of(message: Quote | Binding) -> str:
    wrapped = QuoteUpdated(data=message) if isinstance(message, Quote) else BindingUpdated(data=message)
    return wrapped.model_dump_json()
