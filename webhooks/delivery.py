"""The delivery loop: claims what is due, has it posted, records what came of it.

The row is the job. A claim is a lease, so what a killed process held is sent again; an endpoint is sent no more than
two posts at once and none for a while after five failures in a row, so one that is dead slows nobody else.
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

#: Tells the time of the database that an alias names.
Clock: TypeAlias = Callable[[str], datetime]

log = structlog.get_logger(__name__)


class Deliverer:
    """Delivers what is due in the databases ``aliases``; one round is ``run``."""

    def __init__(self, aliases: Iterable[str], *, postman: WebhookClient, clock: Clock = database_time) -> None:
        """Take the databases; ``clock`` tells their time."""
        self._aliases = list(aliases)
        self._postman = postman
        self._clock = clock
        self._under_way: dict[Future[PostResult], LeasedDelivery] = {}

    def run(self, *, seconds: float) -> int:
        """Deliver until nothing is due, or for ``seconds``; return how many attempts were recorded."""
        until = time.monotonic() + seconds
        made = 0
        while time.monotonic() < until:
            self._begin_due()
            if not self._under_way:
                break
            made += self._record_done()
        return made

    def finish(self) -> int:
        """Wait for what is still under way and begin nothing more; return how many attempts were recorded."""
        made = 0
        while self._under_way:
            made += self._record_done()
        return made

    def _record_done(self) -> int:
        done, _ = wait(self._under_way, timeout=_TURN_SECONDS, return_when=FIRST_COMPLETED)
        return sum(self._record(self._under_way.pop(future), future) for future in done)

    def _record(self, claimed: LeasedDelivery, future: Future[PostResult]) -> bool:
        """Tell whether the attempt was recorded; of one that was not the lease runs out, and it is made again."""
        failpoint("webhook_posted")
        try:
            record(claimed, future.result())
        except Exception:
            # What is wrong with one, or with its database, must not end the posts to all others.
            log.exception("webhook_not_recorded", delivery=str(claimed.delivery.id), database=claimed.using)
            connections[claimed.using].close_if_unusable_or_obsolete()
            return False
        failpoint("webhook_recorded")
        return True

    def _begin_due(self) -> None:
        for alias in tuple(self._aliases):
            room = MOST_AT_ONCE - len(self._under_way)
            if room <= 0:
                return
            try:
                due = claim(alias, now=self._clock(alias), limit=room)
            except DatabaseError as error:
                # The next deliverer asks it again; this one would wait for it at every turn.
                log.warning("webhooks_not_claimed", database=alias, reason=type(error).__name__)
                connections[alias].close_if_unusable_or_obsolete()
                self._aliases.remove(alias)
                continue
            for claimed in due:
                failpoint("webhook_claimed")
                self._under_way[self._begin(claimed)] = claimed

    def _begin(self, claimed: LeasedDelivery) -> Future[PostResult]:
        endpoint, payload = claimed.delivery.endpoint, claimed.delivery.payload
        try:
            secrets = active_secrets(endpoint, now=claimed.at)
        except DecryptionFailed:
            # A matter of the installation's keys, not of the endpoint: told to operators, and tried again.
            log.error("webhook_secret_does_not_open", endpoint=str(endpoint.id))
            failed: Future[PostResult] = Future()
            failed.set_result(PostResult(error="secret_does_not_open"))
            return failed
        headers = {
            "content-type": "application/json",
            "accept-encoding": "identity",
            "user-agent": USER_AGENT,
            **signed_headers(payload.id, payload.body, secrets=secrets, now=claimed.at),
        }
        if payload.correlation_id:
            headers["x-correlation-id"] = payload.correlation_id
        return self._postman.post(endpoint.url, headers=headers, body=payload.body.encode())


def deliver_due(alias: str, *, seconds: float) -> int:
    """Deliver what is due in the database ``alias``, for about ``seconds``; return how many attempts were made.

    One process does so at a time. Who comes second goes away again: the first looks for what is due as long as it is at
    it. What is under way at the end is waited for when the next may begin already. What a database that is away was not
    told of is sent again.
    """
    guard = guard_of(settings.WEBHOOK_ALLOWED_NETWORKS, settings.WEBHOOK_PORTS)
    with HttpWebhookClient(guard) as postman:
        deliverer = Deliverer([alias], postman=postman)
        with JobMutex(f"deliver webhooks of {alias}") as is_ours:
            made = deliverer.run(seconds=seconds) if is_ours else 0
        return made + deliverer.finish()
