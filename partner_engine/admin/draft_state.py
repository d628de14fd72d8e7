"""The state of a catalogue's draft in one line: its differences from the current release, and its faults."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import msgspec

from catalogue.drafts import read_draft
from catalogue.models import Catalogue
from catalogue.release_history import check_renames
from catalogue.release_pointer import release_in_force
from catalogue.releases import read_definition
from catalogue.strict_check import check_catalogue
from partner_engine.admin.comparison import compare
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.faults import CatalogueErrors

#: Drafts whose number of faults is remembered.
_MOST: Final = 20
_known_faults: OrderedDict[tuple[int, int | None, bytes], int] = OrderedDict()


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftState:
    """The number of differences of a draft from the current release, and of its faults."""

    changes: int
    faults: int
    has_release: bool

    @property
    def is_published(self) -> bool:
        """Return whether the draft equals the current release."""
        return self.has_release and not self.changes

    @property
    def short_text(self) -> str:
        """Return ``3 changes, 0 faults``, ``no changes``, or that it was never published."""
        if self.is_published:
            return "no changes"
        changes = _counted(self.changes, "change") if self.has_release else "never published"
        return f"{changes}, {_counted(self.faults, 'fault')}"

    @property
    def text(self) -> str:
        """Return ``Draft: 3 changes, 0 faults``."""
        return f"Draft: {self.short_text}"


def draft_state(catalogue: Catalogue) -> DraftState:
    """Return the state of the draft of ``catalogue``. Golden cases are not run: *Check* does that."""
    draft = read_draft(catalogue)
    latest = release_in_force(catalogue)
    changes = len(compare(read_definition(latest) if latest else None, draft))
    # A release has no faults, and a check takes as long as a publish.
    faults = _faults(catalogue, draft, latest.pk if latest else None) if changes else 0
    return DraftState(changes=changes, faults=faults, has_release=latest is not None)


def _faults(catalogue: Catalogue, draft: CatalogueDefinition, release: int | None) -> int:
    """Return the number of faults of ``draft``, from memory where this process has checked the same text."""
    name = (catalogue.pk, release, sha256(msgspec.json.encode(draft)).digest())
    if name not in _known_faults:
        try:
            check_catalogue(draft)
            check_renames(catalogue, draft)
        except CatalogueErrors as error:
            _known_faults[name] = len(error.faults)
        else:
            _known_faults[name] = 0
        while len(_known_faults) > _MOST:
            _known_faults.popitem(last=False)
    return _known_faults[name]


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
