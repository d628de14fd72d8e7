"""The table of backups in the shared database: when each database was last backed up."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Backup(models.Model):
    """The last backup of one database, as the installation's backup job reported it."""

    database = models.CharField(primary_key=True, max_length=64, help_text="The alias of the database.")
    finished_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["database"]

    def __str__(self) -> str:
        return self.database
