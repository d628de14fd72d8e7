"""The labels of what earlier releases asked and a release no longer does: for people who read old answers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rules.definition.catalogue import CatalogueDefinition


@dataclass(frozen=True, slots=True)
class PastLabels:
    """Labels by code: of ``questions`` and ``pools`` that are gone, and of the gone ``choices`` of each question."""

    questions: Mapping[str, str] = field(default_factory=dict)
    pools: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, code: str) -> str:
        """Return the label of the question or pool ``code``; without one the code in words."""
        return self.questions.get(code) or self.pools.get(code) or code.replace("_", " ")

    def of_choice(self, question: str, choice: str) -> str:
        """Return the label of a ``choice`` that ``question`` no longer offers; without one its code."""
        return self.choices.get(question, {}).get(choice, choice)


def past_labels_of(present: CatalogueDefinition, earlier: Iterable[CatalogueDefinition]) -> PastLabels:
    """Return the labels in ``earlier`` releases, the latest first, of what ``present`` does not have."""
    questions: dict[str, str] = {}
    pools: dict[str, str] = {}
    choices: dict[str, dict[str, str]] = {}
    for definition in earlier:
        for part in definition.question_sets:
            if part.pool:
                pools.setdefault(part.pool.code, part.title)
            for question in part.questions:
                questions.setdefault(question.code, question.label)
                for code, label in definition.choices.get(question.choices, {}).items():
                    choices.setdefault(question.code, {}).setdefault(code, label)
    for part in present.question_sets:
        for question in part.questions:
            for code in present.choices.get(question.choices, {}):
                choices.get(question.code, {}).pop(code, None)
    return PastLabels(questions, pools, {code: labels for code, labels in choices.items() if labels})
