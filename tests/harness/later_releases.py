"""The kennel catalogue as later releases change it: a question is removed, or becomes more or less confidential."""

from __future__ import annotations

import msgspec

from catalogue.loader import load
from catalogue.models import Release
from catalogue.releases import publish
from rules.definition.catalogue import CatalogueDefinition, Question, Sensitivity
from tests.harness.kennel_catalogue import KENNELS


def without_question(code: str, base: CatalogueDefinition = KENNELS) -> CatalogueDefinition:
    """Return ``base`` without the question ``code``."""
    return _with_questions(base, {code: None})


def with_sensitivity(base: CatalogueDefinition = KENNELS, **sensitivities: Sensitivity) -> CatalogueDefinition:
    """Return ``base`` with other sensitivities, given by question code."""
    known = {question.code: question for part in base.question_sets for question in part.questions}
    return _with_questions(
        base, {code: msgspec.structs.replace(known[code], sensitivity=given) for code, given in sensitivities.items()}
    )


def publish_release(definition: CatalogueDefinition) -> Release:
    """Publish ``definition`` as the current release of its catalogue."""
    return publish(load(definition), actor_id="test")


def _with_questions(base: CatalogueDefinition, changed: dict[str, Question | None]) -> CatalogueDefinition:
    sets = tuple(
        msgspec.structs.replace(
            part,
            questions=tuple(
                kept for question in part.questions if (kept := changed.get(question.code, question)) is not None
            ),
        )
        for part in base.question_sets
    )
    return msgspec.structs.replace(base, question_sets=sets)
