"""Who may read which answer: what stands in place of values that the reader has no right to. Pure.

``spi`` answers are shown as their masks whatever the rights; ``pii`` ones as dots without the right ``answers:pii``.
Every view that tells values asks here.
"""

from __future__ import annotations

from typing import Any

from copies.document import Answer, AnswerValue
from copies.mask import HIDDEN
from copies.paths import Path
from rules.definition.compiler import CompiledCatalogue


class Discretion:
    """What one reader may see of one catalogue's answers; counts the personal values that it let through, for the audit
    log.
    """

    def __init__(self, catalogue: CompiledCatalogue, *, sees_personal: bool) -> None:
        """Take whether the reader has the right ``answers:pii``."""
        self._questions = catalogue.questions
        self._computed = {*catalogue.derived, *catalogue.pools}
        self.sees_personal = sees_personal
        self.personal_shown = 0

    def sensitivity(self, path: str) -> str:
        """Return "pii", "spi" or "" for what stands at ``path``; a question that the catalogue no longer has counts as
        personal.
        """
        place = Path(path)
        code = place.code
        found = self._questions.get(code)
        if found is not None:
            return found.question.sensitivity
        if code in self._computed:
            return ""
        return "pii" if place.is_answer else ""

    def answer(self, code: str, answer: Answer) -> AnswerValue:
        """Return what may be shown of ``answer`` to question ``code``."""
        if answer.sealed is not None:
            return str(answer.mask)
        return self.value(code, answer.value)

    def values(self, values: dict[str, AnswerValue]) -> dict[str, AnswerValue]:
        """Return what may be shown of ``values`` by path."""
        return {path: self.value(path, value) for path, value in values.items()}

    def value(self, path: str, value: Any) -> Any:
        """Return what may be shown of ``value``, which a change, a trace or an adjustment tells of ``path``."""
        sensitivity = self.sensitivity(path)
        if value in (None, "", []) or not sensitivity:
            return value
        if sensitivity == "spi":
            # A mask already, unless the question became sensitive only after the value was noted.
            return value if isinstance(value, str) and value.startswith(HIDDEN) else HIDDEN
        if not self.sees_personal:
            return HIDDEN
        self.personal_shown += 1
        return value
