"""The declaration of a tool: what it takes, which scope of a token it needs, and what its requests may do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from partner_engine.mcp.api_calls import ApiCalls
from partner_engine.problems import Refused
from presentation.shape_faults import faults_of
from tenants.access import Right

Run = Callable[[ApiCalls, Any], Awaitable[dict[str, Any]]]
_MOST_FAULTS = 20


class Arguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The arguments of a tool."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentTool:
    """A tool. ``rights`` are those of its requests to the API, whatever else the token allows."""

    name: str
    title: str
    text: str
    scope: Right
    rights: frozenset[Right]
    arguments: type[Arguments]
    run: Run
    is_read_only: bool = False
    is_destructive: bool = False
    is_idempotent: bool = False

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the arguments."""
        (_, *_), parts = msgspec.json.schema_components([self.arguments], ref_template="#/$defs/{name}")
        own = dict(parts.pop(self.arguments.__name__))
        own.pop("title", None)
        own.pop("description", None)
        return own | ({"$defs": parts} if parts else {})

    def read(self, arguments: Mapping[str, Any]) -> Arguments:
        """Return ``arguments`` as the struct of the tool. Raises ``Refused`` (422) with the first faults."""
        try:
            return msgspec.convert(dict(arguments), self.arguments)
        except msgspec.ValidationError as error:
            faults = list(islice(faults_of(dict(arguments), self.arguments), _MOST_FAULTS))
            text = faults[0].detail if len(faults) == 1 else f"{len(faults)} arguments have errors."
            raise Refused(422, "invalid_arguments", f"The arguments are invalid: {text}", faults=faults) from error


def tool(
    title: str, arguments: type[Arguments], *, scope: Right, rights: frozenset[Right], **hints: bool
) -> Callable[[Run], AgentTool]:
    """Declare a function as the tool of its name; its docstring is what models read. ``hints`` are the flags."""

    def declare(run: Run) -> AgentTool:
        text = " ".join((run.__doc__ or "").split())
        return AgentTool(
            name=run.__name__,
            title=title,
            text=text,
            scope=scope,
            rights=rights,
            arguments=arguments,
            run=run,
            **hints,
        )

    return declare
