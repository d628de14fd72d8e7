"""The tables of the attached records, derived from their kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from django.apps import apps
from django.db import models

from batch.changes.attached import RecordKind
from batch.changes.changeset import KINDS


@dataclass(frozen=True, slots=True)
class Table:
    """The table of one kind."""

    kind: RecordKind[Any]

    @property
    def model(self) -> type[models.Model]:
        """Return the Django model."""
        return apps.get_model(self.kind.model)

    @property
    def name(self) -> str:
        """Return the table's name."""
        return self.model._meta.db_table

    @property
    def owner(self) -> str:
        """Return the column that names the copy or form."""
        return "application_form_id" if self.kind.of_form else "copy_id"

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the columns that the kind's struct holds."""
        return tuple(field.encode_name for field in msgspec.structs.fields(self.kind.struct))


TABLES: Final = tuple(Table(kind) for kind in KINDS)
TABLE_OF: Final = {table.kind.name: table for table in TABLES}
