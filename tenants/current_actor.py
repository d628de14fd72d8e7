"""The actor of the present unit of work, for the history of rows.

It is in a context variable, like the current tenant. Commands and jobs have none: then the product itself acts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from tenants.access import Actor, system_actor

_SYSTEM: Final = system_actor("system")
_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


def current_actor() -> Actor:
    """Return the actor in force, the product itself outside of any."""
    return _actor.get() or _SYSTEM


@contextmanager
def use_actor(actor: Actor | None) -> Iterator[None]:
    """Make ``actor`` the current one inside the block."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def set_actor_without_reset(actor: Actor) -> None:
    """Make ``actor`` the current one until the enclosing ``use_actor`` ends."""
    _actor.set(actor)
