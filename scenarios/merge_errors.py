"""The refusals of merges; ``partner_engine.error_statuses`` maps them to HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from batch.errors import AnswerFault, BatchError, InvalidAnswers
from copies.merge import Difference


class CannotMerge(BatchError):
    """The two copies cannot be merged with each other."""

    code = "cannot_merge"


class SameCopy(CannotMerge):
    """A copy is not merged with itself."""

    code = "same_copy"
    sentence = "A copy cannot be merged with itself. Choose another copy."


class OtherCatalogue(CannotMerge):
    """The forms of the two copies have different catalogues."""

    code = "other_catalogue"
    sentence = "These copies belong to forms with different catalogues and cannot be merged."


class SourceMoved(BatchError):
    """The other copy was changed after the merge was planned."""

    code = "source_moved"

    def __init__(self, *, expected: int, actual: int) -> None:
        super().__init__(
            f"The other copy is at version {actual}, not {expected}. Compare the copies again and check your picks."
        )
        self.actual = actual


class NoMergeToUndo(BatchError):
    """The copy has no such merge, or it was undone before."""

    code = "no_merge_to_undo"
    sentence = "There is no merge to undo at this version of the copy."


class MergeRefused(InvalidAnswers):
    """Picks are missing or wrong, or a picked answer cannot be read; nothing was changed."""

    code = "merge_refused"

    def __init__(self, faults: Sequence[AnswerFault], summary: str) -> None:
        super().__init__(faults)
        self.summary = summary

    @classmethod
    def for_clashes(cls, unpicked: Sequence[Difference]) -> MergeRefused:
        """Return the refusal of a merge with ``unpicked`` clashes."""
        text = "Both copies have changed this. Choose which one to keep."
        faults = [AnswerFault(found.path, "clash_unpicked", text, f"/picks/{found.id}") for found in unpicked]
        clashes = "1 clash has" if len(faults) == 1 else f"{len(faults)} clashes have"
        return cls(faults, f"{clashes} no pick yet. Nothing was merged.")

    @classmethod
    def for_unknown_pick(cls, identity: str) -> MergeRefused:
        """Return the refusal of a pick for a difference that does not exist."""
        text = "There is no such difference between the copies. Compare them again."
        return cls([AnswerFault("", "unknown_difference", text, f"/picks/{identity}")], text)

    @classmethod
    def for_unreadable(cls, path: str, identity: str) -> MergeRefused:
        """Return the refusal of a sealed answer whose key no longer opens it."""
        text = "This sensitive answer can no longer be read in the other copy. Keep the one of this copy."
        return cls([AnswerFault(path, "unreadable_answer", text, f"/picks/{identity}")], text)
