"""An outbox for tests of the relay: kinds of the tests, rows without a save, and the calls of their handlers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django.db import DEFAULT_DB_ALIAS, connections

from actions.kinds import DeferredAction, PayloadTime
from actions.models import OutboxAction
from actions.outbox import outbox_rows
from actions.registry import Budget, Delivered, Registry
from tenants.current_tenant import across_tenants
from tenants.models import Tenant


@dataclass(frozen=True, kw_only=True, slots=True)
class Ring:
    """A frozen action: a bell to ring, with its text."""

    kind: ClassVar[str] = "ring"
    payload_version: ClassVar[int] = 1
    payload_time: ClassVar[PayloadTime] = PayloadTime.FROZEN

    bell: str

    @property
    def target(self) -> str:
        return self.bell

    def payload(self) -> dict[str, Any]:
        return {"bell": self.bell}


@dataclass(frozen=True, kw_only=True, slots=True)
class Refill:
    """A fresh action: a bowl to fill, with its need at the run."""

    kind: ClassVar[str] = "refill"
    payload_version: ClassVar[int] = 1
    payload_time: ClassVar[PayloadTime] = PayloadTime.FRESH

    bowl: str

    @property
    def target(self) -> str:
        return self.bowl

    def payload(self) -> dict[str, Any]:
        return {"bowl": self.bowl}


@dataclass
class Bench:
    """A registry whose handlers record their actions, after the work that a test sets."""

    registry: Registry = field(default_factory=Registry)
    seen: list[Delivered] = field(default_factory=list)

    def register(
        self, kind: type[DeferredAction], do: Callable[[Delivered], object] | None = None, *, tries: int = 20
    ) -> None:
        def handle(delivered: Delivered) -> None:
            self.seen.append(delivered)
            if do is not None:
                do(delivered)

        self.registry.register(kind, handle, budget=Budget(tries=tries))

    @property
    def handled(self) -> list[tuple[str, int | None]]:
        """Return target and version of the recorded actions, in order."""
        return [(next(iter(delivered.payload.values())), delivered.version) for delivered in self.seen]


def put(
    tenant: Tenant,
    action: DeferredAction,
    *,
    copy_id: UUID | None = None,
    version: int = 1,
    using: str = DEFAULT_DB_ALIAS,
    **columns: Any,
) -> UUID:
    """Store ``action`` as a save at ``version`` of the copy would, due at once by the database's clock."""
    with across_tenants(using=using):
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT statement_timestamp()")
            now: datetime = cursor.fetchone()[0]
        (row,) = outbox_rows(
            [action],
            tenant_id=tenant.pk,
            copy_id=copy_id or uuid4(),
            version=version,
            correlation_id="bell-1",
            now=now,
        )
        OutboxAction.objects.using(using).create(**row | columns)
    return row["id"]


def rows(using: str = DEFAULT_DB_ALIAS) -> list[OutboxAction]:
    """Return the rows of the outbox, of all tenants."""
    with across_tenants(using=using):
        return list(OutboxAction.objects.using(using).order_by("created_at", "id"))


def pass_time(seconds: float, using: str = DEFAULT_DB_ALIAS) -> None:
    """Let ``seconds`` pass for all rows: their times move into the past."""
    with across_tenants(using=using), connections[using].cursor() as cursor:
        cursor.execute(
            "UPDATE actions_outboxaction SET next_attempt_at = next_attempt_at - make_interval(secs => %s),"
            " leased_until = leased_until - make_interval(secs => %s)",
            [seconds, seconds],
        )


def delivered(action: DeferredAction, tenant: Tenant, *, action_id: UUID | None = None) -> Delivered:
    """Return ``action`` as its handler gets it."""
    return Delivered(
        id=action_id or uuid4(),
        kind=action.kind,
        payload=action.payload(),
        payload_version=action.payload_version,
        tenant=tenant,
        copy_id=None,
        version=None,
        correlation_id="",
        attempt=1,
        created_at=datetime.now(UTC),
    )
