"""Puts the imports of stored callbacks into the outbox, where the dispatcher finds them.

The intake writes one row per callback and no action, so that a burst costs a carrier little time; one statement makes
the actions of hundreds.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db import connections
from django.db.models import QuerySet
from django.db.models.functions import Now

from actions.kinds import ImportCarrierMessage
from actions.models import OutboxAction
from quoting.message_models import CarrierMessage
from tenants.current_tenant import across_tenants

#: Callbacks that one statement queues.
AT_ONCE: Final = 500
#: How long a callback is stored; a repetition after that time is refused for its age.
KEPT: Final = timedelta(days=90)
_QUEUE: Final = f"""
WITH waiting AS (
    SELECT id FROM {CarrierMessage._meta.db_table} WHERE queued_at IS NULL
     ORDER BY received_at LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED),
queued AS (
    UPDATE {CarrierMessage._meta.db_table} m SET queued_at = statement_timestamp()
      FROM waiting WHERE m.id = waiting.id
    RETURNING m.id, m.tenant_id, m.copy_id, m.correlation_id, m.received_at)
INSERT INTO {OutboxAction._meta.db_table}
       (id, tenant_id, kind, target, payload, payload_version, copy_id, correlation_id, state, attempts, crashes,
        next_attempt_at, last_error, created_at)
SELECT gen_random_uuid(), tenant_id, %(kind)s, id, jsonb_build_object('copy_id', copy_id, 'message_id', id),
       %(payload_version)s, copy_id, correlation_id, 'waiting', 0, 0, received_at, '', received_at
  FROM queued"""  # noqa: S608 - names of our own tables and columns


def queue_messages(alias: str) -> int:
    """Queue the imports of callbacks in the database ``alias``, up to ``AT_ONCE``; return their number."""
    kind: dict[str, Any] = {"kind": ImportCarrierMessage.kind, "payload_version": ImportCarrierMessage.payload_version}
    with across_tenants(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(_QUEUE, kind)
        return int(cursor.rowcount)


def old_messages() -> QuerySet[CarrierMessage]:
    """Return the callbacks of the tenant in scope that are older than ``KEPT``."""
    return CarrierMessage.objects.filter(received_at__lt=Now() - KEPT)
