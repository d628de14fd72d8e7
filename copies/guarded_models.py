"""Rows that only the batch writes: a ``save()`` or ``delete()`` elsewhere warns, and names the call to use instead.

The batch writes SQL of its own (``batch.storage.write``), so every ``save()`` of such a row is one outside of it.
"""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

from tenants.managers import TenantModel


class BatchWrittenModel(TenantModel):
    """A tenant's row of a form or copy. ``batch_call`` is the call that changes it."""

    batch_call: ClassVar[str]

    class Meta(TenantModel.Meta):
        abstract = True

    # The one override of these two in the project: it only warns (docs/adr/0013-one-statement-per-save.md).
    def save(self, *args: Any, **options: Any) -> None:
        """Warn, then save: rules, history, actions and the version miss the change."""
        self._warn()
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        """Warn, then delete."""
        self._warn()
        return super().delete(*args, **options)

    def _warn(self) -> None:
        warnings.warn(
            f"{type(self).__name__} rows are written by the batch: with batch.find_and_lock(id, scope=..., actor=...) "
            f"as context: {self.batch_call}; context.save()",
            DeprecationWarning,
            stacklevel=3,
        )
