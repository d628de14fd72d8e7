"""The history of edited rows: who changed which field when, and its value before and after (docs/adr/0045).

Each save and deletion of a row stores the row as it then is, without its secrets. Saves of fields that are not tracked
store nothing. ``QuerySet.update`` and ``QuerySet._raw_delete`` go past the history: ``record`` adds what they did.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final

from django.db import models
from simple_history.models import HistoricalRecords
from uuid_utils.compat import uuid7

from tenants.current_actor import current_actor

ADDED: Final = "+"
CHANGED: Final = "~"
DELETED: Final = "-"


def actor_id() -> str:
    """Return the id of the current actor."""
    return current_actor().id


def actor_type() -> str:
    """Return the type of the current actor."""
    return current_actor().type


def actor_label() -> str:
    """Return the name of the current actor."""
    return current_actor().label


def actor_source() -> str:
    """Return the entry point of the current actor: web, api, admin or job."""
    return current_actor().source


class HistoryRow(models.Model):
    """The author of a change. ``history_user_id`` is the author's id; authors may be API clients or the product."""

    actor_type = models.CharField(max_length=20, default=actor_type)
    actor_label = models.CharField(max_length=200, blank=True, default=actor_label)
    source = models.CharField(max_length=10, default=actor_source)

    class Meta:
        abstract = True


class History(HistoricalRecords):
    """Tracks the fields of a model, but not its ``secrets``, nor ``untracked`` fields, which change by themselves.

    Of a secret the history contains that it was replaced, where a save names it in ``update_fields``.
    """

    trackers: ClassVar[dict[type[models.Model], History]] = {}

    def __init__(self, *, secrets: Iterable[str] = (), untracked: Iterable[str] = (), base: Any = HistoryRow) -> None:
        self.secrets, self.untracked = frozenset(secrets), frozenset(untracked)
        super().__init__(
            bases=(base,),
            excluded_fields=sorted(self.secrets | self.untracked),
            history_id_field=models.UUIDField(default=uuid7),
            history_user_id_field=models.CharField(max_length=64, blank=True, default=actor_id),
            history_user_getter=lambda row: row.actor_label,
            history_user_setter=lambda row, user: None,
            get_user=lambda **_: None,
            use_base_model_db=True,
        )

    def finalize(self, sender: type[models.Model], **kwargs: Any) -> None:
        """Register the model besides making its table."""
        super().finalize(sender, **kwargs)
        if sender is self.cls:
            self.trackers[sender] = self

    def post_save(self, instance: models.Model, created: bool, using: str | None = None, **kwargs: Any) -> None:
        """Store the row, unless the save wrote untracked fields only."""
        written: frozenset[str] | None = kwargs.get("update_fields")
        if created or written is None:
            super().post_save(instance, created, using=using, **kwargs)
        elif not written <= self.untracked:
            self.store(instance, CHANGED, using=using, replaced=self.secrets & written)

    def store(
        self, instance: models.Model, history_type: str, *, using: str | None, replaced: Iterable[str] = ()
    ) -> None:
        """Store the row as it is, with the names of the secrets that were ``replaced``."""
        labels = [str(instance._meta.get_field(name).verbose_name) for name in sorted(replaced)]  # type: ignore[union-attr]
        instance._change_reason = f"Replaced: {', '.join(labels)}." if labels else None  # type: ignore[attr-defined]
        try:
            self.create_historical_record(instance, history_type, using=using)
        finally:
            del instance._change_reason  # type: ignore[attr-defined]


def record(instance: models.Model, history_type: str = CHANGED, *, using: str | None = None) -> None:
    """Store the row after a statement that goes past ``save`` and ``delete``."""
    History.trackers[type(instance)].store(instance, history_type, using=using)
