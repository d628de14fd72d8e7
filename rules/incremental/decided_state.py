"""The values of a document that the rules have decided, read when they are first needed. Pure.

For what is built from decided values: payloads of carriers, rules of surplus lines. Nothing is decided again.
"""

from __future__ import annotations

from copies.document import Answer, AnswerValue, Document
from rules.definition.model import CompiledCatalogue, CompiledQuestion
from rules.flow.evaluation import Evaluation
from rules.flow.state import Reveal
from rules.incremental.lazy_state import LazyFrame, LazyState
from rules.incremental.merge import refusals_in
from rules.language.values import Unknown, Value


class DecidedState(LazyState):
    """The values of a decided document. ``reveal`` opens sealed answers; without it they are unknown."""

    def __init__(
        self,
        catalogue: CompiledCatalogue,
        document: Document,
        evaluation: Evaluation,
        *,
        reveal: Reveal | None = None,
    ) -> None:
        """``document`` must be as the check flow left it when it returned ``evaluation`` under ``catalogue``."""
        self._open = reveal
        super().__init__(
            catalogue,
            document,
            before=evaluation,
            reveal=reveal or _withheld,
            new_rows=frozenset(),
            invalid=frozenset(refusal.path for refusal in refusals_in(catalogue, evaluation.messages)),
        )

    def valid_value(self, frame: LazyFrame, question: CompiledQuestion, answer: Answer) -> Value:
        """Return the value of a visible answer, which is unknown if it is invalid or withheld."""
        if answer.sealed is None:
            return super().valid_value(frame, question, answer)
        path = f"{frame.prefix}{question.question.code}"
        raw = None if self._open is None or path in self._invalid else self._open(path, answer)
        return Unknown(frozenset((path,))) if raw in (None, "", []) else question.read(raw)


def _withheld(path: str, answer: Answer) -> AnswerValue:
    return None
