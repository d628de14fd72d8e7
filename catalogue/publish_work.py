"""What higher rooms count before a publish, do inside its transaction, and complete at once after it, declared in their
``handlers.py``. Hooks after every publish are in ``catalogue.publish_hooks``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from rules.definition.catalogue import CatalogueDefinition

if TYPE_CHECKING:
    from catalogue.models import Release


@dataclass(frozen=True, slots=True)
class Impact:
    """One effect of a publish, as a count with its sentence: ``4,210 open copies are decided anew``."""

    count: int
    text: str


#: Runs in the publishing transaction, with the new release.
InPublish: TypeAlias = "Callable[[Release], object]"
#: Returns what publishing a draft would affect: the draft, and the current definition (None before the first release).
CountImpact: TypeAlias = Callable[[CatalogueDefinition, CatalogueDefinition | None], Sequence[Impact]]

#: Does at once what a publish left to do, which workers would do otherwise; returns sentences about it.
Complete: TypeAlias = "Callable[[Release], Sequence[str]]"

_in_publish: Final[list[InPublish]] = []
_impacts: Final[list[CountImpact]] = []
_completions: Final[list[Complete]] = []


def in_publish(hook: InPublish) -> InPublish:
    """Call the decorated function in the transaction of every publish that makes a release."""
    _in_publish.append(hook)
    return hook


def publish_impact(count: CountImpact) -> CountImpact:
    """Show what the decorated function counts before a catalogue is published."""
    _impacts.append(count)
    return count


def publish_completion(complete: Complete) -> Complete:
    """Let commands do the work of the decorated function themselves, instead of leaving it to workers."""
    _completions.append(complete)
    return complete


def call_in_publish(release: Release) -> None:
    """Call the hooks of the publishing transaction."""
    for hook in _in_publish:
        hook(release)


def complete_publish(release: Release) -> list[str]:
    """Do what the publish of ``release`` left to do; return sentences about it."""
    return [text for complete in _completions for text in complete(release)]


def count_impacts(draft: CatalogueDefinition, current: CatalogueDefinition | None) -> list[Impact]:
    """Return what publishing ``draft`` would affect; effects on nothing are left out."""
    return [impact for count in _impacts for impact in count(draft, current) if impact.count]
