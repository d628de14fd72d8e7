"""The delivery loop: leases due deliveries, posts them, records the results.

The row is the job. A claim is a lease, so the deliveries of a killed process are sent again. An endpoint receives at
most two posts at once, and none for a while after five failures in a row, so a dead one delays no other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import datetime
from typing import Final, TypeAlias

import structlog
from django.conf import settings
from django.db import DatabaseError, connections

from encryption.envelope import DecryptionFailed
from failpoints import failpoint
from redis_locks.job_mutex import JobMutex
from webhooks.attempt_log import record
from webhooks.claims import LeasedDelivery, claim, database_time
from webhooks.client import HttpWebhookClient, PostResult, WebhookClient
from webhooks.signatures import active_secrets, signed_headers
from webhooks.ssrf import guard_of

MOST_AT_ONCE: Final = 64
USER_AGENT: Final = "PartnerEngine-Webhooks/1"
_TURN_SECONDS: Final = 0.2

#: Returns the time of the database that an alias names.
Clock: TypeAlias = Callable[[str], datetime]

log = structlog.get_logger(__name__)

#: Seconds that one run delivers before it ends.
DELIVERY_SECONDS: Final = 60.0


class Deliverer:
    """Delivers the due deliveries of the databases ``aliases``; one round is ``run``."""

    def __init__(self, aliases: Iterable[str], *, client: WebhookClient, clock: Clock = database_time) -> None:
        """Take the databases; ``clock`` returns their time."""
        self._aliases = list(aliases)
        self._client = client
        self._clock = clock
        self._in_transit: dict[Future[PostResult], LeasedDelivery] = {}

    def run(self, *, seconds: float) -> int:
        """Deliver until nothing is due, or for ``seconds``; return how many attempts were recorded."""
        until = time.monotonic() + seconds
        made = 0
        while time.monotonic() < until:
            self._begin_due()
            if not self._in_transit:
                break
            made += self._record_done()
        return made

    def finish(self) -> int:
        """Wait for posts in transit and start no more; return how many attempts were recorded."""
        made = 0
        while self._in_transit:
            made += self._record_done()
        return made

    def _record_done(self) -> int:
        done, _ = wait(self._in_transit, timeout=_TURN_SECONDS, return_when=FIRST_COMPLETED)
        return sum(self._record(self._in_transit.pop(future), future) for future in done)

    def _record(self, leased: LeasedDelivery, future: Future[PostResult]) -> bool:
        """Return whether the attempt was recorded; if not, its lease expires and it is made again."""
        failpoint("webhook_posted")
        try:
            record(leased, future.result())
        except Exception:
            # A fault of one delivery, or of its database, must not end the posts of all others.
            log.exception("webhook_not_recorded", delivery=str(leased.delivery.id), database=leased.using)
            connections[leased.using].close_if_unusable_or_obsolete()
            return False
        failpoint("webhook_recorded")
        return True

    def _begin_due(self) -> None:
        for alias in tuple(self._aliases):
            room = MOST_AT_ONCE - len(self._in_transit)
            if room <= 0:
                return
            try:
                due = claim(alias, now=self._clock(alias), limit=room)
            except DatabaseError as error:
                # The next deliverer queries it again; this one would wait for it at every turn.
                log.warning("webhooks_not_claimed", database=alias, reason=type(error).__name__)
                connections[alias].close_if_unusable_or_obsolete()
                self._aliases.remove(alias)
                continue
            for leased in due:
                failpoint("webhook_claimed")
                self._in_transit[self._begin(leased)] = leased

    def _begin(self, leased: LeasedDelivery) -> Future[PostResult]:
        endpoint, payload = leased.delivery.endpoint, leased.delivery.payload
        try:
            secrets = active_secrets(endpoint, now=leased.at)
        except DecryptionFailed:
            # A fault of the installation's keys, not of the endpoint: logged for operators, and retried.
            log.error("webhook_secret_does_not_open", endpoint=str(endpoint.id))
            failed: Future[PostResult] = Future()
            failed.set_result(PostResult(error="secret_does_not_open"))
            return failed
        headers = {
            "content-type": "application/json",
            "accept-encoding": "identity",
            "user-agent": USER_AGENT,
            **signed_headers(payload.id, payload.body, secrets=secrets, now=leased.at),
        }
        if payload.correlation_id:
            headers["x-correlation-id"] = payload.correlation_id
        return self._client.post(endpoint.url, headers=headers, body=payload.body.encode())


def deliver_due(alias: str, *, seconds: float) -> int:
    """Deliver the due deliveries of the database ``alias``, for about ``seconds``; return the number of attempts.

    Only one process does so at a time; a second one returns at once, because the first continues as long as anything is
    due. Posts in transit at the end are awaited after the mutex is free. A delivery whose result could not be recorded
    is sent again.
    """
    guard = guard_of(settings.WEBHOOK_ALLOWED_NETWORKS, settings.WEBHOOK_PORTS)
    with HttpWebhookClient(guard) as client:
        deliverer = Deliverer([alias], client=client)
        with JobMutex(f"deliver webhooks of {alias}") as is_ours:
            made = deliverer.run(seconds=seconds) if is_ours else 0
        return made + deliverer.finish()
