"""The tables whose rows are replaced all day are vacuumed before much of them is dead, in every database."""

from __future__ import annotations

import pytest
from django.db import connections

from tests.harness.cast import SECOND_DATABASE

OPTIONS = """SELECT c.reloptions, t.reloptions FROM pg_class c LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
              WHERE c.oid = %s::regclass"""
OFTEN = {"autovacuum_vacuum_threshold=1000"}


@pytest.mark.parametrize("alias", ["default", SECOND_DATABASE])
@pytest.mark.django_db(databases=["default", SECOND_DATABASE])
def test_what_saves_leave_is_swept_up_early(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(OPTIONS, ["copies_copy"])
        copies, documents = cursor.fetchone()
        cursor.execute(OPTIONS, ["actions_outboxaction"])
        outbox, _ = cursor.fetchone()

    assert set(copies) == set(documents) == OFTEN | {"autovacuum_vacuum_scale_factor=0.02"}
    assert set(outbox) == OFTEN | {"autovacuum_vacuum_scale_factor=0.01", "fillfactor=50"}
