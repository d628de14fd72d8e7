"""Types of texts with a closed list of values: the description of the API states the list, nothing checks it. Pure."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta


def one_of(*values: str) -> Meta:
    """Return the annotation of a text that is one of ``values``."""
    return Meta(extra_json_schema={"enum": [*values]})


#: The kinds of actors, and of what acts by itself.
ActorType: TypeAlias = Annotated[str, one_of("user", "api_client", "guest", "staff", "rule", "process", "system")]
