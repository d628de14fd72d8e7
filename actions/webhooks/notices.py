"""Whom to tell that an endpoint was given up: registered when the apps start, called in the transaction that gives up.

Recording must not know the outbox, whose hints lead back to the delivery loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from actions.webhooks.models import WebhookEndpoint

#: Tells of one endpoint in the database ``alias``, as part of the transaction under way.
Teller: TypeAlias = Callable[[WebhookEndpoint, str], None]

_tellers: list[Teller] = []


def register_teller(teller: Teller) -> None:
    """Let ``teller`` know of every endpoint that is given up."""
    _tellers.append(teller)


def tell_given_up(endpoint: WebhookEndpoint, *, alias: str) -> None:
    """Tell all who registered."""
    for teller in _tellers:
        teller(endpoint, alias)
