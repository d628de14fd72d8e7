"""The columns of a file that is imported, with the question that each one answers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

_HOW: Final[Mapping[str, str]] = {
    "mapping": "as you chose",
    "code": "by its code",
    "label": "by its label",
    "name": "by its name",
    "similar": "similar: check it, then preview again",
    "": "not imported",
}


class FoundColumn(Protocol):
    """A column of a preview."""

    @property
    def column(self) -> str:
        """Return its name in the file."""

    @property
    def target(self) -> str | None:
        """Return where it goes, None for nowhere."""

    @property
    def label(self) -> str:
        """Return the label of the target."""

    @property
    def how(self) -> str:
        """Return why this target was chosen."""

    @property
    def candidates(self) -> Sequence[str]:
        """Return other targets of that name."""


@dataclass(frozen=True, kw_only=True)
class ColumnView:
    """One line of the mapping; ``fault`` says why its target was refused."""

    column: str
    target: str
    label: str
    how: str
    candidates: str
    fault: str = ""


def build_columns(columns: Iterable[FoundColumn]) -> tuple[ColumnView, ...]:
    """Return the lines of the mapping."""
    return tuple(
        ColumnView(
            column=found.column,
            # A similar name is only a proposal, which the page shows before anything is imported.
            target=found.target or (found.candidates[0] if found.how == "similar" and found.candidates else ""),
            label=found.label,
            how=_HOW.get(found.how, found.how) if found.target or found.how == "similar" else _HOW[""],
            candidates=", ".join(found.candidates),
        )
        for found in columns
    )


def mapping_of_fields(columns: Sequence[str], targets: Sequence[str]) -> dict[str, str | None] | None:
    """Return the mapping in the fields of the page; None without fields, so that the names of columns decide."""
    if not columns:
        return None
    return {column: target.strip() or None for column, target in zip(columns, targets, strict=False)}
