"""The history page of edited rows: above the admin's own log, each change with its author, before and after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, zip_longest
from typing import Any, Final

from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse

from presentation.formats import shortened
from tenants.history import ADDED, DELETED

#: The most changes of a row that its page shows, the latest first.
MOST_CHANGES: Final = 200
_SOURCES: Final = {"web": "on the agents' pages", "api": "by the API", "admin": "in the admin", "job": ""}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field with its value before and after, as texts."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RowChange:
    """One change of a row: when, by whom and from where, what happened, and the fields that differ."""

    at: datetime
    by: str
    where: str
    what: str
    note: str
    fields: tuple[FieldChange, ...]


class WithHistory:
    """A mixin for the admins of tracked models: their history page shows the changes of fields."""

    object_history_template: Any = "admin/history.html"

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the history of one row. Raises ``PermissionDenied``."""
        context = {**(extra_context or {}), "changes": changes_of(self.model, unquote(object_id))}  # type: ignore[attr-defined]
        response: HttpResponse = super().history_view(request, object_id, context)  # type: ignore[misc]
        return response


def changes_of(model: Any, key: str) -> list[RowChange]:
    """Return the changes of the row of ``model`` with this primary key, the latest first."""
    try:
        rows = list(model.history.filter(**{model._meta.pk.attname: key})[: MOST_CHANGES + 1])
    except (ValidationError, ValueError):
        return []
    names = _names_of(rows)
    pairs = zip_longest(rows, rows[1:])
    return [_change(row, before, names) for row, before in islice(pairs, MOST_CHANGES)]


def _change(row: Any, before: Any, names: dict[tuple[type, Any], str]) -> RowChange:
    is_first = row.history_type == ADDED or before is None
    differing = () if is_first or row.history_type == DELETED else tuple(_differences(row, before, names))
    what = {ADDED: "Added", DELETED: "Deleted"}.get(row.history_type, "Changed")
    return RowChange(
        at=row.history_date,
        by=row.actor_label or f"{row.actor_type} {row.history_user_id}",
        where=_SOURCES.get(row.source, row.source),
        what=what,
        note=row.history_change_reason or "",
        fields=differing,
    )


def _differences(row: Any, before: Any, names: dict[tuple[type, Any], str]) -> Iterator[FieldChange]:
    for field in row.tracked_fields:
        old, new = getattr(before, field.attname), getattr(row, field.attname)
        if old != new:
            label = str(field.verbose_name)
            yield FieldChange(f"{label[:1].upper()}{label[1:]}", _text(field, old, names), _text(field, new, names))


def _names_of(rows: Sequence[Any]) -> dict[tuple[type, Any], str]:
    """Return the names of the rows that the foreign keys of ``rows`` refer to, in a query per model."""
    wanted: dict[Any, set[Any]] = {}
    for field in rows[0].tracked_fields if rows else ():
        if isinstance(field, models.ForeignKey):
            keys = {getattr(row, field.attname) for row in rows} - {None}
            wanted.setdefault(field.related_model, set()).update(keys)
    return {
        (model, key): str(found)
        for model, keys in wanted.items()
        for key, found in model._default_manager.in_bulk(keys).items()
    }


def _text(field: Any, value: Any, names: dict[tuple[type, Any], str]) -> str:
    """Return ``value`` of ``field`` as people read it."""
    if value is None or value in ("", []):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(field, models.ForeignKey):
        return names.get((field.related_model, value), str(value))
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, list | tuple):
        return shortened(", ".join(_labels(field, value)))
    return shortened(next(iter(_labels(field, [value]))))


def _labels(field: Any, values: Iterable[Any]) -> Iterator[str]:
    choices = dict(getattr(field, "flatchoices", ()) or ())
    yield from (str(choices.get(value, value)) for value in values)
