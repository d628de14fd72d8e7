"""The tables of the tenants' side, from the registry of models: a new model of a tenant is among them by itself.

Moves, erasure and the tests of row-level security go through this list, so none of them can forget a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.apps import apps
from django.db import models

from tenants.managers import TenantModel

#: PostgreSQL's types of the primary keys that a tenant's table may have.
_KEY_TYPES: Final = {"UUIDField": "uuid", "BigAutoField": "bigint"}
#: The column of a queue: set while a worker holds the row.
_LEASE: Final = "leased_until"


class UnsupportedKey(TypeError):
    """A tenant's table has a primary key that moves do not know."""

    def __init__(self, model: type[models.Model]) -> None:
        super().__init__(f"{model.__name__} needs a primary key that is one of {', '.join(sorted(_KEY_TYPES))}.")


@dataclass(frozen=True)
class TenantTable:
    """One table of the tenants' side."""

    model: type[TenantModel]

    @property
    def name(self) -> str:
        """Return the name of the table."""
        return self.model._meta.db_table

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Return its columns, in the order of the model's fields."""
        return tuple(str(field.column) for field in self.model._meta.concrete_fields)

    @property
    def key(self) -> str:
        """Return the column of its primary key."""
        return str(_primary_key(self.model).column)

    @property
    def key_type(self) -> str:
        """Return PostgreSQL's type of its primary key. Raises ``UnsupportedKey``."""
        kind = _primary_key(self.model).get_internal_type()
        if kind not in _KEY_TYPES:
            raise UnsupportedKey(self.model)
        return _KEY_TYPES[kind]

    @property
    def has_sequence(self) -> bool:
        """Return whether PostgreSQL numbers its rows."""
        return self.key_type == "bigint"

    @property
    def is_queue(self) -> bool:
        """Return whether workers lease its rows."""
        return _LEASE in self.columns

    @property
    def parents(self) -> frozenset[str]:
        """Return the names of the tables that its foreign keys refer to."""
        related = (field.related_model for field in self.model._meta.concrete_fields if field.is_relation)
        return frozenset(model._meta.db_table for model in related if isinstance(model, type))


def _primary_key(model: type[models.Model]) -> Any:
    return model._meta.pk


def tenant_tables() -> list[TenantTable]:
    """Return every table of the tenants' side, each after the tables that it refers to."""
    waiting = sorted(
        (TenantTable(model) for model in apps.get_models() if issubclass(model, TenantModel)),
        key=lambda table: table.name,
    )
    ordered: list[TenantTable] = []
    placed: set[str] = set()
    while waiting:
        ready = [table for table in waiting if table.parents - {table.name} <= placed]
        ordered += ready
        placed |= {table.name for table in ready}
        waiting = [table for table in waiting if table.name not in placed]
    return ordered
