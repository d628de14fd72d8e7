"""The publisher of progress: tells the sockets of an operation, and those of its creator, that it changed."""

from __future__ import annotations

import structlog
from django_redis import get_redis_connection
from redis import Redis
from redis.exceptions import RedisError

from operations.engine.status import OperationStatus
from operations.models import BatchOperation
from partner_engine.live.progress_rooms import operation_address, owner_address
from partner_engine.live.transport.redis_channels import encode
from redis_locks.outage import outage

log = structlog.get_logger(__name__)


def publish_progress(operation: BatchOperation, status: OperationStatus, is_last: bool) -> None:
    """Publish that ``operation`` changed; without Redis, sockets notice it by themselves after some seconds."""
    tenant_id = operation.tenant_id
    content = encode({"type": "operation.changed", "operation": str(operation.id)})
    try:
        redis: Redis = outage.client_or_raise(get_redis_connection("default"))
        with redis.pipeline(transaction=False) as pipeline:
            pipeline.publish(operation_address(tenant_id, operation.id), content)
            pipeline.publish(owner_address(tenant_id, operation.created_by_type, operation.created_by_id), content)
            pipeline.execute()
    except (RedisError, OSError) as error:
        if isinstance(error, RedisError):
            outage.failed_with(error)
        log.warning("progress_without_redis", operation=str(operation.id))
