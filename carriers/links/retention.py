"""Retention of the traffic log."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models import QuerySet
from django.db.models.functions import Now

from carriers.link_models import CarrierCall

KEPT: Final = timedelta(days=30)


def old_calls() -> QuerySet[CarrierCall]:
    """Return the entries that are older than ``KEPT``."""
    calls: QuerySet[CarrierCall] = CarrierCall.objects.filter(created_at__lt=Now() - KEPT)
    return calls
