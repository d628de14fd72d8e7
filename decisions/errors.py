"""The errors of suppositions. One class for each reason."""

from __future__ import annotations

from collections.abc import Sequence


class SuppositionError(Exception):
    """The base of these errors; ``code`` is stable, ``detail`` a sentence."""

    code = "supposition_error"
    default_detail = "This cannot be supposed."

    def __init__(self, detail: str = "") -> None:
        """Use ``detail``, or the sentence of the class."""
        super().__init__(detail or self.default_detail)
        self.detail = detail or self.default_detail


class AnswerNotSupposed(SuppositionError):
    """Answers cannot be supposed; ``faults`` are ``(question, code, text)``."""

    code = "answers_not_supposed"
    default_detail = "These answers cannot be supposed."

    def __init__(self, faults: Sequence[tuple[str, str, str]]) -> None:
        """Keep the faults, and use the first one's text."""
        super().__init__(" ".join(filter(None, (faults[0][0] and f"{faults[0][0]}:", faults[0][2]))))
        self.faults = list(faults)


class BookTooLarge(SuppositionError):
    """More copies are open than are decided while a caller waits."""

    code = "book_too_large"

    def __init__(self, *, count: int, most: int) -> None:
        """Name both numbers and the remedy."""
        super().__init__(
            f"{count:,} open copies are too many at once; the limit is {most:,}. Narrow them with `query`, or let "
            "`manage.py what_if` report on all of them."
        )
        self.count = count
