"""The metrics of batch operations, all with the prefix ``partner_engine_operation``."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

items_ended: Final = Counter(
    "partner_engine_operation_items", "Items of batch operations, by how an attempt ended", ["kind", "outcome"]
)
chunk_seconds: Final = Histogram(
    "partner_engine_operation_chunk_seconds", "The time of chunks", ["kind"], buckets=(0.05, 0.2, 0.5, 1, 2, 5, 15, 60)
)
bookkeeping_seconds: Final = Counter(
    "partner_engine_operation_bookkeeping_seconds", "The time for claims and for recording ends", ["step"]
)
breaker_pauses: Final = Counter("partner_engine_operation_breaker_pauses", "Pauses by the circuit breaker", ["kind"])
leases_lost: Final = Counter("partner_engine_operation_leases_lost", "Chunks that another worker took over", ["kind"])
pool_threads: Final = Gauge("partner_engine_operation_pool_threads", "Threads at work on small operations")
pool_waits: Final = Histogram(
    "partner_engine_operation_pool_wait_seconds",
    "The time that items of small operations wait for a thread",
    buckets=(0.001, 0.01, 0.05, 0.2, 1, 5),
)
item_timeouts: Final = Counter(
    "partner_engine_operation_item_timeouts", "Items, or steps of a chunk, that took longer than allowed", ["kind"]
)
hung_threads: Final = Gauge(
    "partner_engine_operation_hung_threads", "Threads whose items were taken away and that have not come back"
)
