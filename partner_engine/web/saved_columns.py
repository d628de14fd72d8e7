"""Saved mappings of columns on the page that imports a file: used, saved and deleted beside its preview."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from django.http import QueryDict

from batch.errors import LooksSensitive, WrongValue
from operations.errors import OperationError
from operations.imports.errors import InvalidMapping, MappingExists, MappingNotFound, TooManyMappings
from operations.imports.stored_mappings import (
    delete_mapping,
    find_mapping,
    is_owner,
    proposed_mappings,
    save_mapping,
)
from partner_engine.web.access import Agent
from partner_engine.web.pages.operation_columns import mapping_of_fields

NAME: Final = "mapping_name"
_USE: Final = "use"
_FORGET: Final = "forget"
_MOST_SHOWN: Final = 10


def chosen_mapping(fields: QueryDict) -> Mapping[str, str | None] | None:
    """Return the mapping that the form chose: the saved one of the button ``use``, else the one in the fields.

    Raises ``MappingNotFound``.
    """
    if fields.get(_USE):
        stored: dict[str, str | None] = find_mapping(_id(fields.get(_USE, ""))).mapping
        return stored
    return mapping_of_fields(fields.getlist("column"), fields.getlist("target"))


def carry_out(fields: QueryDict, mapping: Mapping[str, str | None] | None, agent: Agent) -> dict[str, Any]:
    """Save ``mapping`` or delete a saved one where the form orders it; return what the page says of it.

    Raises ``InvalidMapping``.
    """
    try:
        if fields.get(_FORGET):
            delete_mapping(_id(fields.get(_FORGET, "")), tenant=agent.tenant, actor=agent.actor)
            return {"done": "The saved columns are deleted."}
        if fields.get("step") == "save" and mapping is not None:
            row = save_mapping(fields.get(NAME, ""), mapping, catalogue="", tenant=agent.tenant, actor=agent.actor)
            return {"done": f"The columns are saved as {row.name}.", NAME: ""}
    except InvalidMapping:
        raise
    except (MappingExists, TooManyMappings) as refused:
        return {"faults": {NAME: str(refused)}}
    except (WrongValue, LooksSensitive) as refused:
        return {"faults": {NAME: str(refused)}} if refused.field == "name" else {"problem": str(refused)}
    except OperationError as refused:
        return {"problem": str(refused)}
    return {}


def shown_proposals(columns: Iterable[str], agent: Agent) -> list[dict[str, Any]]:
    """Return the saved mappings for a file with these columns, the latest first, for the page."""
    rows = proposed_mappings(columns, catalogue=agent.tenant.catalogue)[:_MOST_SHOWN]
    return [{"id": row.id, "name": row.name, "is_yours": is_owner(row, agent.actor)} for row in rows]


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise MappingNotFound from None
