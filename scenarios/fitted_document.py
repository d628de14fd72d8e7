"""The document of a copy that goes to another tenant: only what the other catalogue asks, without any trace of people.
Pure.

What is left out is reported, never lost silently.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias
from uuid import uuid4

from msgspec.structs import replace

from copies.cloned_document import NOT_PERMITTED, Finding
from copies.document import Answer, AnsweredBy, AnswerValue, Container, Document, Proposal, ProposalSource
from copies.paths import EXCLUDED, join_path, question_set_path
from rules.definition.model import CompiledCatalogue, CompiledQuestion
from rules.flow.state import Reveal
from rules.types.registry import type_of

#: The author of the answers that a clone brings to another tenant.
CLONED: Final = AnsweredBy("import", "clone")
#: The name of the source of a proposal that comes along.
_ELSEWHERE: Final = "another partner"
#: Returns whether the actor may pass on the answer at a path.
Carries: TypeAlias = Callable[[str, Answer], bool]
_UNKNOWN_QUESTION: Final = "The catalogue of the other tenant has no such question here."
_UNKNOWN_POOL: Final = "The catalogue of the other tenant has no such rows here."
_UNKNOWN_SET: Final = "The catalogue of the other tenant has no such question set."
_UNKNOWN_PRODUCT: Final = "The catalogue of the other tenant has no such product."
_NOT_PERMITTED: Final = "You may not read this answer, so it cannot go to another tenant."


class Fitting:
    """Fits one document, which is changed in place; ``findings`` names everything that is left out."""

    def __init__(self, catalogue: CompiledCatalogue, *, carries: Carries, reveal: Reveal | None) -> None:
        """Take the ``catalogue`` of the other tenant; ``carries`` returns whether the actor may pass on an answer.

        Without ``reveal``, because the source's key was erased, sealed answers are not compared with the catalogue.
        """
        self.findings: list[Finding] = []
        self._catalogue = catalogue
        self._carries = carries
        self._reveal = reveal

    def fit(self, document: Document) -> None:
        """Fit ``document`` to the other catalogue."""
        self._container(document, "", "")
        for part in document.question_sets:
            part.added_by = CLONED
            if part.code not in self._catalogue.sets:
                self._report(question_set_path(part.code), "unknown_question_set", _UNKNOWN_SET)
        document.question_sets = [part for part in document.question_sets if part.code in self._catalogue.sets]
        for product in document.forced_excluded_products:
            if product not in self._catalogue.products:
                self._report(join_path(EXCLUDED, product), "unknown_product", _UNKNOWN_PRODUCT)
        known = self._catalogue.products.keys()
        document.forced_excluded_products = [code for code in document.forced_excluded_products if code in known]
        # What an agent of the other tenant passes over is not known yet, nor what the insured paid there.
        document.agent_bypassed_products, document.last_premiums = [], {}

    def _container(self, container: Container, pool: str, prefix: str) -> None:
        for code, answer in list(container.answers.items()):
            path = join_path(prefix, code)
            part = self._catalogue.questions.get(code)
            if part is None or part.pool != pool:
                if _holds(answer):
                    self._report(path, "unknown_question", _UNKNOWN_QUESTION)
                del container.answers[code]
            elif _holds(answer) and not self._carries(path, answer):
                self._report(path, NOT_PERMITTED, _NOT_PERMITTED)
                del container.answers[code]
            elif not self._fits(path, part, answer):
                del container.answers[code]
            else:
                _make_anonymous(answer)
        for code, rows in list(container.answer_pools.items()):
            path = join_path(prefix, code)
            if code not in self._catalogue.nested[pool]:
                if rows:
                    self._report(path, "unknown_pool", _UNKNOWN_POOL)
                del container.answer_pools[code]
                continue
            for row in rows:
                self._container(row, code, join_path(path, row.id))

    def _fits(self, path: str, part: CompiledQuestion, answer: Answer) -> bool:
        """Return whether the other catalogue accepts the answer, without the choices that it lacks."""
        if answer.sealed is not None:
            return self._reveal is None or self._accepts(path, part, self._reveal(path, answer))
        value = answer.value if answer.is_answered else answer.proposed.value if answer.proposed else None
        if value is None:
            return True
        choices = self._catalogue.choices(part.question) if type_of(part.question.type).has_choices else {}
        if isinstance(value, list) and choices:
            left = [code for code in value if code in choices]
            for code in value:
                if code not in choices:
                    self._report(path, "unknown_choice", f"The other catalogue has no choice {code!r} here.")
            if not left:
                return False
            answer.value = left if answer.is_answered else answer.value
            value = left
        return self._accepts(path, part, value)

    def _accepts(self, path: str, part: CompiledQuestion, value: AnswerValue) -> bool:
        fault = part.verdicts.fault_of(self._catalogue, part.question, value)
        if fault is not None:
            self._report(path, fault.code, fault.text)
        return fault is None

    def _report(self, path: str, code: str, text: str) -> None:
        self.findings.append(Finding(path, code, text))


def _holds(answer: Answer) -> bool:
    return answer.is_answered or answer.proposed is not None


def _make_anonymous(answer: Answer) -> None:
    """Remove who answered, confirmed and proposed: people of one tenant are unknown to another."""
    answer.answered_by = CLONED if answer.is_answered else None
    answer.confirmed, answer.readonly = (), False
    if answer.proposed is not None:
        answer.proposed = _anonymous(answer.proposed)


def _anonymous(proposal: Proposal) -> Proposal:
    """Return the proposal under a new id, without its author and the name of its source, often that of a person."""
    source = proposal.source and ProposalSource(proposal.source.type, _ELSEWHERE, confidence=proposal.source.confidence)
    by = CLONED if proposal.by else None
    return replace(proposal, id=str(uuid4()) if proposal.id else "", source=source, by=by)
