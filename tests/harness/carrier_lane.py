"""A lane of carriers for tests: a kind of action whose call is the test's own, a dispatcher in the test's thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID, uuid4

from actions.kinds import FieldsPayload, PayloadTime
from actions.registry import Budget, Delivered, Registry
from batch.context import BatchContext
from carriers.links.client import CarrierClient
from carriers.links.errors import CarrierRefused
from carriers.links.link import Link, LinkMode
from quoting.carrier_actions import CarrierAction, CarrierActions, CarrierCall, Delay, carrier_action
from quoting.dispatcher import Dispatcher
from tenants.models import Tenant
from tests.harness.outboxes import put


@dataclass(frozen=True, kw_only=True, slots=True)
class Knock(FieldsPayload):
    """A fresh action: a carrier's door to knock at, for one copy."""

    kind: ClassVar[str] = "knock"
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH
    targeted_by: ClassVar[tuple[str, ...]] = ("copy_id", "carrier", "name")

    copy_id: str
    carrier: str
    name: str = ""


class InTurn(Executor):
    """An executor that runs work at once, in the thread of the test and of its transaction."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)
        return future


class HeldPool(Executor):
    """An executor that runs its work when the test says so."""

    def __init__(self) -> None:
        self._held: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._held.append((future, lambda: fn(*args, **kwargs)))
        return future

    def release(self) -> None:
        """Run what was submitted."""
        held, self._held = self._held, []
        for future, work in held:
            future.set_result(work())


def link_to(carrier: str, *, most_in_flight: int = 10) -> Link:
    """Return a link that leads nowhere."""
    return Link(
        id=uuid4(), catalogue="kennels", carrier=carrier, mode=LinkMode.SYNC, base_url="http://127.0.0.1:9",
        most_in_flight=most_in_flight,
    )  # fmt: skip


@dataclass
class Doors:
    """The steps that ran, and what a test lets each carrier's call do."""

    registry: Registry = field(default_factory=Registry)
    actions: CarrierActions = field(default_factory=CarrierActions)
    #: The call by carrier; it gets the name of the action.
    calls: dict[str, Callable[[str], Awaitable[str]]] = field(default_factory=dict)
    steps: list[tuple[str, str]] = field(default_factory=list)
    most_in_flight: int = 10

    def register(self, *, tries: int = 5, prepare: Callable[[BatchContext, Delivered], None] | None = None) -> None:
        """Register the kind; ``prepare`` runs in its step of this name."""
        doors = self

        @carrier_action(Knock, budget=Budget(tries=tries, first=60.0), registry=self.registry, actions=self.actions)
        class Knocking(CarrierAction[str]):
            records_delays = True

            def prepare(self, context: BatchContext, action: Delivered) -> CarrierCall[str]:
                doors.note("prepared", action)
                if prepare is not None:
                    prepare(context, action)
                context.changeset.events.add("external_transfer", details={"step": "prepared"})
                carrier, name = action.payload["carrier"], action.payload["name"]

                async def make(client: CarrierClient) -> str:
                    return await doors.calls[carrier](name) if carrier in doors.calls else "opened"

                return CarrierCall(link=link_to(carrier, most_in_flight=doors.most_in_flight), make=make)

            def conclude(self, context: BatchContext, action: Delivered, reply: str) -> None:
                doors.note(reply, action)
                context.changeset.events.add("external_transfer", details={"step": reply})

            def refuse(self, context: BatchContext, action: Delivered, error: CarrierRefused) -> None:
                doors.note(f"refused: {error.text}", action)

            def delay(self, context: BatchContext, action: Delivered, delay: Delay) -> None:
                doors.note(f"delayed {delay.attempt}", action)

            def give_up(self, context: BatchContext, action: Delivered, reason: str) -> None:
                doors.note("given up", action)

    def note(self, step: str, action: Delivered) -> None:
        self.steps.append((action.payload["name"] or action.payload["carrier"], step))

    def dispatcher(self, *, pool: Executor | None = None, lease: float = 30.0) -> Dispatcher:
        """Return a dispatcher of the shared database."""
        return Dispatcher("default", registry=self.registry, actions=self.actions, pool=pool or InTurn(), lease=lease)


def knock(tenant: Tenant, copy_id: UUID, carrier: str, name: str = "", **columns: Any) -> UUID:
    """Store the action as a save would."""
    return put(tenant, Knock(copy_id=str(copy_id), carrier=carrier, name=name), copy_id=copy_id, **columns)


async def hang(_: str) -> str:
    """Never come back."""
    await asyncio.sleep(3_600)
    return "never"
