"""A Celery worker of the product whose relay knows the tests' own kind: ``celery -A`` this module."""

from __future__ import annotations

import time

import django

django.setup()

from actions.registry import REGISTRY, Delivered  # noqa: E402 - Django has to be set up first
from partner_engine.celery import app  # noqa: E402
from tests.harness.faults.relay_trials import note  # noqa: E402
from tests.harness.outboxes import Ring  # noqa: E402

__all__ = ["app"]


def ring(delivered: Delivered) -> None:
    """Record the attempt, slowly enough for Redis to be killed meanwhile."""
    note(delivered)
    time.sleep(0.002)


REGISTRY.register(Ring, ring)
