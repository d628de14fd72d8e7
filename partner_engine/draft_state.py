"""The state of a catalogue's draft in one line: its differences from the current release, and its faults."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from catalogue.draft_fingerprint import draft_fingerprints
from catalogue.drafts import read_draft
from catalogue.models import Catalogue, Release
from catalogue.models.roll_outs import NOT_CURRENT
from catalogue.release_history import check_renames
from catalogue.release_pointer import release_in_force
from catalogue.releases import read_definition
from catalogue.strict_check import check_catalogue
from partner_engine.definition_comparison import compare
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.faults import CatalogueErrors

#: Drafts whose state is remembered.
_MOST: Final = 100


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
    def tone(self) -> str:
        """Return how the state is drawn: good, changed or faulty."""
        if self.faults:
            return "faulty"
        return "good" if self.is_published else "changed"

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


#: States by catalogue, release in force, and fingerprint of the draft.
_known: OrderedDict[tuple[int, int | None, str], DraftState] = OrderedDict()


def draft_state(catalogue: Catalogue) -> DraftState:
    """Return the state of the draft of ``catalogue``. Golden cases are not run: *Check* does that."""
    return draft_states([catalogue])[catalogue.pk]


def draft_states(catalogues: Sequence[Catalogue]) -> dict[int, DraftState]:
    """Return the state of the draft of each catalogue.

    Two queries show which drafts are what was published, or what this process has compared already; the others are
    compared and checked.
    """
    fingerprints = draft_fingerprints(catalogue.pk for catalogue in catalogues)
    releases = {
        catalogue_id: (release_id, fingerprint)
        for catalogue_id, release_id, fingerprint in Release.objects.filter(catalogue__in=catalogues)
        .exclude(roll_out__state__in=NOT_CURRENT)
        .order_by("catalogue_id", "-number")
        .distinct("catalogue_id")
        .values_list("catalogue_id", "pk", "draft_fingerprint")
    }
    states = {}
    for catalogue in catalogues:
        release_id, published = releases.get(catalogue.pk, (None, ""))
        fingerprint = fingerprints[catalogue.pk]
        if fingerprint == published:
            states[catalogue.pk] = DraftState(changes=0, faults=0, has_release=True)
        else:
            states[catalogue.pk] = _remembered(catalogue, (catalogue.pk, release_id, fingerprint))
    return states


def _remembered(catalogue: Catalogue, name: tuple[int, int | None, str]) -> DraftState:
    """Return the state of a draft, from memory where this process has compared the same rows."""
    if name in _known:
        return _known[name]
    state = _compared(catalogue)
    # Rows that were changed while they were compared have another fingerprint: their state is not remembered.
    if draft_fingerprints([catalogue.pk]) == {catalogue.pk: name[2]}:
        _known[name] = state
        while len(_known) > _MOST:
            _known.popitem(last=False)
    return state


def _compared(catalogue: Catalogue) -> DraftState:
    draft = read_draft(catalogue)
    latest = release_in_force(catalogue)
    changes = len(compare(read_definition(latest) if latest else None, draft))
    # A release has no faults, and a check takes as long as a publish.
    faults = _faults(catalogue, draft) if changes else 0
    return DraftState(changes=changes, faults=faults, has_release=latest is not None)


def _faults(catalogue: Catalogue, draft: CatalogueDefinition) -> int:
    try:
        check_catalogue(draft)
        check_renames(catalogue, draft)
    except CatalogueErrors as error:
        return len(error.faults)
    return 0


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
