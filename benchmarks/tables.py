"""Makes and removes the tables of the opponents: they belong to no installed app and have no migrations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, models


@contextmanager
def tables(*made_of: type[models.Model]) -> Iterator[None]:
    """Create the tables of these models for the block, in the default database."""
    _drop(made_of)
    with connection.schema_editor() as editor:
        for model in made_of:
            editor.create_model(model)
    try:
        yield
    finally:
        _drop(made_of)


def _drop(made_of: Sequence[type[models.Model]]) -> None:
    with connection.cursor() as cursor:
        for model in reversed(made_of):
            cursor.execute(f'DROP TABLE IF EXISTS "{model._meta.db_table}" CASCADE')
