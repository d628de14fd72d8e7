"""The product with one defect in its work while a tenant's own database does not respond: ``application_NAME``. For a
server process only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from partner_engine.asgi import application
from tenants.postgresql import base, waits


def any_number_waits() -> None:
    """Let any number of requests wait for a database that does not respond."""
    waits.MOST = 1_000_000  # type: ignore[misc]


def shared_connections_are_held() -> None:
    """Let requests hold their connections to the shared database meanwhile."""
    base._return_shared_connection = lambda: None


SABOTAGES: Final[dict[str, Callable[[], None]]] = {
    change.__name__: change for change in (any_number_waits, shared_connections_are_held)
}


def __getattr__(name: str) -> Any:
    change = SABOTAGES.get(name.removeprefix("application_"))
    if change is None:
        raise AttributeError(name)
    change()
    return application
