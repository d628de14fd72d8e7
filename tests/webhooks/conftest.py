"""The fixtures of webhooks: a receiver that is a real process, endpoints, events, and rounds of delivery."""

from tests.harness.webhook_fixtures import (
    add_endpoint,
    deliver,
    own_network,
    publish_event,
    receiver,
)

__all__ = [
    "add_endpoint",
    "deliver",
    "own_network",
    "publish_event",
    "receiver",
]
