"""Takes back what a visitor saved on the form page: one save with the state before, or nothing at all.

It is a merge, as the undoing of an operation is (``scenarios.version_undo``): what somebody has changed since is never
overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from batch.context import BatchContext
from copies.changes import Cause, Change
from copies.history import list_revisions
from copies.paths import Path
from partner_engine.web.pages.reading import Reading
from partner_engine.web.visitors import Visitor
from presentation.formats import listed
from scenarios.version_undo import CHANGED_SINCE, LEFT_TEXTS, LeftPart, undo_version

#: The cause of the versions that an undo on the form page makes; the id is the number of the version it took back.
UNDO_SAVE: Final = "undo_save"
#: The most versions that one order of the page makes.
MOST_VERSIONS: Final = 9
#: The number of questions that a note names.
_NAMED: Final = 2


class NotUndone(Exception):
    """The changes stay; ``sentence`` says why, without values."""

    def __init__(self, sentence: str, path: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.path = path


@dataclass(frozen=True)
class Span:
    """The versions after ``before`` up to ``after``, which one save of the page made."""

    before: int
    after: int

    @property
    def is_valid(self) -> bool:
        """Return whether a page can have made these versions in one go."""
        return 0 < self.before < self.after <= self.before + MOST_VERSIONS


def take_back(context: BatchContext, visitor: Visitor, span: Span) -> list[str]:
    """Take back what the visitor saved in ``span``, on the changeset, which the caller saves; return the paths.

    Raises ``NotUndone`` if somebody has changed a part of it since, or the visitor did not save it; the changeset is
    then not to be saved.
    """
    saved = list_revisions(context.copy.id).filter(version__gt=span.before, version__lte=span.after)
    authors = list(saved.values_list("actor_type", "actor_id"))
    own = (visitor.actor.type, visitor.actor.id)
    if len(authors) != span.after - span.before or any(author != own for author in authors):
        raise NotUndone("You can undo only what you saved on this page.")
    cause = Cause(UNDO_SAVE, str(span.after))
    taken = undo_version(context, before=span.before, after=span.after, cause=cause)
    if taken.left:
        raise NotUndone(_reason(context, visitor, taken.left), taken.left[0].path)
    if not taken.paths:
        raise NotUndone("Nothing is left to undo: the answers are as they were before.")
    context.changeset.note_cause(cause)
    return taken.paths


def names_of(reading: Reading, paths: Iterable[str]) -> str:
    """Return the names of the questions and groups at ``paths``: ``City, State and 3 more``."""
    places = [Path(path).parent if Path(path).is_row else path for path in paths if reading.asks(path)]
    names = [name.rstrip("?") for name in dict.fromkeys(map(reading.label, places)) if name]
    more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return listed([*names[:_NAMED], *more])


def moved_row(changes: Iterable[Change]) -> tuple[str, bool] | None:
    """Return the path of the only row that ``changes`` added or removed, and whether it was removed; rows within it do
    not count.
    """
    found = {
        change.path: change.after is None
        for change in changes
        if Path(change.path).is_row and (change.before is None) != (change.after is None)
    }
    outermost = [path for path in found if found.keys().isdisjoint(Path(path).rows_around())]
    return (outermost[0], found[outermost[0]]) if len(outermost) == 1 else None


def _reason(context: BatchContext, visitor: Visitor, left: list[LeftPart]) -> str:
    first = left[0]
    catalogue, scope = context.changeset.catalogue, context.changeset.guest_scope
    known = catalogue.questions.get(Path(first.path).code)
    if visitor.guest is not None and not scope.has(catalogue, first.path):
        known = None
    name = f" “{known.question.label}”" if known else ""
    if first.code == CHANGED_SINCE:
        return f"Not undone: somebody else has changed{name or ' a part of it'} since."
    return (
        f"Not undone{':' + name if name else ''}. {LEFT_TEXTS.get(first.code, 'The earlier state is no longer valid.')}"
    )
