"""A carrier's link as the clients use it, and the context of one call. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any
from uuid import UUID


class LinkMode(StrEnum):
    """The way in which a carrier responds to a quote request."""

    SYNC = "sync"
    POLL = "poll"
    CALLBACK = "callback"
    MANUAL = "manual"


@dataclass(frozen=True, kw_only=True)
class Link:
    """The settings of one carrier's link with its secrets opened, which its ``repr`` leaves out."""

    id: UUID
    catalogue: str
    carrier: str
    mode: LinkMode
    base_url: str
    is_simulator: bool = False
    #: The tenant whose settings these are, None for the settings of all tenants.
    tenant_id: UUID | None = None
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    #: The secrets that may sign callbacks now: the current one and, during a rotation, the previous one.
    callback_secrets: tuple[str, ...] = field(default=(), repr=False)
    per_minute: int = 60
    timeout_seconds: float = 15.0
    connect_seconds: float = 3.0
    slow_seconds: float = 10.0
    most_in_flight: int = 10
    p50_seconds: float = 1.0
    p95_seconds: float = 1.0

    @cached_property
    def breaker_key(self) -> str:
        """Return the name of its breaker: links to the same address share one, so a dead carrier is dead for all."""
        return breaker_key_of(self.base_url)


@dataclass(frozen=True, kw_only=True)
class CallContext:
    """The circumstances of a call, for the traffic log. ``logged_body`` is the masked body, or None to log none."""

    tenant_id: UUID
    copy_id: UUID | None = None
    request_id: UUID | None = None
    correlation_id: str = ""
    logged_body: dict[str, Any] | None = field(default=None, repr=False)
    #: The longest wait in seconds for the carrier's pace before ``CarrierBusy`` is raised.
    patience: float = 0.0


def breaker_key_of(base_url: str) -> str:
    """Return the name of the breaker of links to ``base_url``."""
    return hashlib.sha256(base_url.rstrip("/").encode()).hexdigest()[:32]
