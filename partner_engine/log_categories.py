"""The category of each log line, and the values that no line may contain.

Categories let operators filter and keep lines apart: ``audit`` (who saw or did what), ``security`` (sign-ins, refusals,
limits), ``request``, ``performance`` (slow work), ``business`` (what happened to forms, quotes and releases), ``batch``
(operations over many forms), ``external`` (calls of carriers and webhooks), ``cache``, ``websocket``, else
``application``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

SECURITY: Final = "security"
AUDIT: Final = "audit"
APPLICATION: Final = "application"

#: By the name of the event; the first pattern that matches counts.
_BY_EVENT: Final = tuple(
    (re.compile(pattern), category)
    for pattern, category in (
        (r"audit\.", AUDIT),
        (r"(sign_in|sign_out|password_|attempts_|rate_limit|keys?_|socket_refused|socket_revoked)", SECURITY),
        (r"request$|request_started$", "request"),
        (r"slow_|.*_lag_|pool_", "performance"),
        (r"(batch_)?operations?_", "batch"),
        (r"carrier_call|carrier_circuit|carrier_token|webhook_attempt|webhook_endpoint_disabled", "external"),
        (r"cache_|release_compiled|release_loaded", "cache"),
        (r"sockets?_", "websocket"),
        (r"saved$|cloned_|roll_out_|bound$|published$|carrier_message_imported", "business"),
    )
)
#: By the logger, where the event says nothing.
_BY_LOGGER: Final = (
    ("partner_engine.audit", AUDIT),
    ("axes", SECURITY),
    ("django.security", SECURITY),
    ("partner_engine.live", "websocket"),
    ("operations.engine", "batch"),
    ("operations.submission", "batch"),
    ("carriers.links", "external"),
    ("webhooks", "external"),
)
#: Names of values that open something, or that are personal wherever they appear.
_SECRET: Final = re.compile(
    r"(password|passwd|secret|token|authorization|cookie|api_?key|private_?key|ssn|tax_?id|date_of_birth|session_?key)$",
    re.IGNORECASE,
)
#: Counts and names of tokens are no tokens.
_HARMLESS: Final = frozenset({"request_token"})
MASK: Final = "[hidden]"
#: The types of nearly all values; nothing is inside of these.
_PLAIN: Final = (str, int, float)
#: Events and names whose category or secrecy is known without another look; the product has some hundreds of them.
_MOST_KNOWN: Final = 1_024
_NAME: Final = re.compile(r"[a-z0-9_.]{1,60}", re.ASCII)

Event = dict[str, Any]


def category_of(event: str, logger: str) -> str:
    """Return the category of a line of ``logger`` about ``event``.

    The events of the product are names. All else is a message of a library, which may contain values: nothing keeps it.
    """
    return _category_of_name(event, logger) if _NAME.fullmatch(event) else _found_category(event, logger)


def _found_category(event: str, logger: str) -> str:
    for pattern, category in _BY_EVENT:
        if pattern.match(event):
            return category
    return next((category for name, category in _BY_LOGGER if logger.startswith(name)), APPLICATION)


_category_of_name: Final = lru_cache(maxsize=_MOST_KNOWN)(_found_category)


def add_category(logger: Any, method: str, event: Any) -> Any:
    """Add ``category`` to ``event``, unless the caller gave one. A step of structlog."""
    if "category" not in event:
        event["category"] = category_of(str(event.get("event", "")), str(event.get("logger", "")))
    return event


def hide_secrets(logger: Any, method: str, event: Any) -> Any:
    """Replace values whose names say that they are secret, at any depth. A step of structlog."""
    for name, value in event.items():
        hidden = _hidden(name, value)
        if hidden is not value:
            event[name] = hidden
    return event


@lru_cache(maxsize=_MOST_KNOWN)
def _is_secret(name: str) -> bool:
    return name not in _HARMLESS and _SECRET.search(name) is not None


def _hidden(name: object, value: Any) -> Any:
    if isinstance(name, str) and _is_secret(name) and value not in (None, "", True, False):
        return MASK
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, Mapping):
        return {key: _hidden(key, inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)) and any(isinstance(inner, (Mapping, list, tuple)) for inner in value):
        return [_hidden("", inner) for inner in value]
    return value
