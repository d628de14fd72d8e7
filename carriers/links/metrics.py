"""The metrics of calls of carriers; the gauge of open circuits is computed when the metrics are read."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

calls: Final = Counter(
    "partner_engine_carrier_calls", "Requests to carriers by result", ["carrier", "operation", "outcome"]
)
seconds: Final = Histogram(
    "partner_engine_carrier_call_seconds",
    "How long carriers take",
    ["carrier", "operation"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
refusals: Final = Counter(
    "partner_engine_carrier_refused_permits", "Requests to carriers that were not sent", ["carrier", "reason"]
)
fallbacks: Final = Counter(
    "partner_engine_carrier_breaker_fallbacks", "Permits given by one process while Redis was away", ["carrier"]
)
unlogged: Final = Counter("partner_engine_carrier_calls_unlogged", "Calls that the traffic log lost")
circuit_open: Final = Gauge(
    "partner_engine_carrier_circuit_open",
    "1 while the carrier's circuit is open, for all processes together",
    ["catalogue", "carrier"],
    multiprocess_mode="mostrecent",
)
