"""The applications of ``sabotaged_sockets``, for a server process only: the environment that the product's entry sets
is not for the process of the tests.
"""

from __future__ import annotations

from typing import Any

from partner_engine.asgi import application  # sets Django up: it comes first
from tests.harness.sabotaged_sockets import VARIANTS


def __getattr__(name: str) -> Any:
    change = VARIANTS.get(name.removeprefix("application_"))
    if change is None:
        raise AttributeError(name)
    change()
    return application
