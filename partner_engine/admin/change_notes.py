"""The notes in the history of draft rows: every changed field before and after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from presentation.formats import shortened


def change_note(form: Any, formsets: Iterable[Any]) -> str:
    """Return what was changed in a row by its valid ``form``, and in the rows below it; "" if nothing was."""
    return " ".join([*_fields(form, ""), *(note for formset in formsets for note in _rows(formset))])


def _fields(form: Any, prefix: str) -> Iterator[str]:
    """Yield a sentence for each changed field."""
    for name in form.changed_data:
        field = form.fields.get(name)
        if field is None:
            continue
        before = form.initial.get(name, field.initial)
        label = prefix + str(field.label or name)
        yield f"{label}: {_text(field, before)} → {_text(field, form.cleaned_data.get(name))}."


def _rows(formset: Any) -> Iterator[str]:
    """Yield a sentence for each row that was added, removed or changed."""
    noun = str(formset.model._meta.verbose_name)
    yield from (f"Added {noun} “{row}”." for row in formset.new_objects)
    yield from (f"Removed {noun} “{row}”." for row in formset.deleted_objects)
    changed = {row.pk for row, _ in formset.changed_objects}
    for form in formset.initial_forms:
        if form.instance.pk in changed:
            yield from _fields(form, f"{noun} “{form.instance}”, ")


def _text(field: Any, value: Any) -> str:
    if isinstance(value, list | tuple | QuerySet):
        value = ", ".join(map(str, value))
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"“{shortened(str(_label(field, value)).strip())}”"


def _label(field: Any, value: Any) -> Any:
    """Return the label of a chosen row or choice, other values as they are."""
    key = str(getattr(value, "pk", value))
    for code, label in getattr(field, "choices", None) or ():
        if str(code) == key:
            return label
    return value
