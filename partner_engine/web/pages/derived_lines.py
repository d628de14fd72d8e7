"""The computed values that the form page shows, as lines to read. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from partner_engine.web.pages.reading import Reading
from presentation.formats import day, number


@dataclass(frozen=True)
class DerivedLine:
    """One computed value; ``text`` is a dash while it is not known."""

    code: str
    label: str
    text: str


def build_derived(reading: Reading) -> tuple[DerivedLine, ...]:
    """Return the computed values that the catalogue shows, as the reader may see them."""
    if not reading.reader.scope.is_whole:
        # They are made of answers that the guest is not asked about.
        return ()
    lines = []
    for part in reading.catalogue.definition.derived:
        if part.show:
            value = reading.visibility.derived(
                reading.catalogue, reading.document, part.code, reading.evaluation.derived.get(part.code)
            )
            lines.append(DerivedLine(part.code, part.label or part.code, _text(value)))
    return tuple(lines)


def _text(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, int | float):
        return number(round(value, 2))
    return day(value)
