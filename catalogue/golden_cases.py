"""Makes golden cases, decides them by a draft, and accepts new results.

All cases of a catalogue must pass before it is published. Accepting is an order of its own, recorded with its author.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

import msgspec
from django.db import transaction

from catalogue.golden_answers import CaseAnswers, document_of, read_answers, without_sensitive
from catalogue.models import Catalogue, Release
from catalogue.models.golden_cases import AcceptedResult, GoldenCase
from catalogue.packages.contents import Expected
from catalogue.release_history import renames_between
from copies.document import Answer, AnswerValue, Document
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.faults import CatalogueFault
from rules.definition.model import CompiledCatalogue
from rules.definition.renames import renames_of
from rules.flow import check_flow
from rules.flow.evaluation import Evaluation, ProductOutcome
from rules.flow.followed_renames import follow_renames

#: The most golden cases of one catalogue: all are decided before each publish.
MOST_CASES: Final = 2_000
#: The code of the fault of a draft that decides a case in another way.
GOLDEN_CASE: Final = "golden_case"
_ABSENT: Final = Expected(outcome="absent")


class TooManyCases(Exception):
    """The catalogue has as many golden cases as it may have."""

    def __init__(self) -> None:
        super().__init__(f"A catalogue can have {MOST_CASES:,} golden cases. Delete one that proves nothing new.")


class NameTaken(Exception):
    """The catalogue has a golden case with this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"This catalogue already has a golden case named “{name}”. Choose another name.")


@dataclass(frozen=True, slots=True)
class Difference:
    """A product that is decided in another way than expected."""

    product: str
    expected: Expected
    decided: Expected

    def __str__(self) -> str:
        return f"{self.product} is expected {describe(self.expected)}, and is decided {describe(self.decided)}."


@dataclass(frozen=True, slots=True)
class CaseRun:
    """A case as a draft decides it: it passes without differences."""

    case: GoldenCase
    decided: Mapping[str, Expected]
    differences: Sequence[Difference]

    @property
    def passes(self) -> bool:
        """Return whether every product is decided as expected."""
        return not self.differences


def results_of(eligibility: Mapping[str, ProductOutcome]) -> dict[str, Expected]:
    """Return outcome, premium and rule ids of each product, as a case expects them."""
    return {
        code: Expected(
            outcome=outcome.outcome,
            premium=outcome.premium,
            reasons=tuple(reason.rule for reason in outcome.reasons),
        )
        for code, outcome in eligibility.items()
    }


def describe(expected: Expected) -> str:
    """Return a result as text: ``refer at $1,240 (QM-R3)``."""
    price = "" if expected.premium is None else f" at ${expected.premium:,}"
    reasons = f" ({', '.join(expected.reasons)})" if expected.reasons else ""
    return f"{expected.outcome.replace('_', ' ')}{price}{reasons}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCase:
    """The name, note and day of a new case."""

    name: str
    as_of: date
    note: str = ""


class DecidingRelease(Protocol):
    """The release that decides a new case, as far as it is read."""

    @property
    def id(self) -> int:
        """Return its id."""

    @property
    def catalogue_code(self) -> str:
        """Return the code of its catalogue."""

    @property
    def compiled(self) -> CompiledCatalogue:
        """Return its compiled catalogue."""


def make_case(release: DecidingRelease, answers: CaseAnswers, new: NewCase, *, actor_id: str) -> GoldenCase:
    """Store a case whose expectations are what ``release`` decides for ``answers``. Raises ``TooManyCases``,
    ``NameTaken``.
    """
    with transaction.atomic():
        catalogue = Catalogue.objects.select_for_update().get(code=release.catalogue_code)
        if catalogue.golden_cases.count() >= MOST_CASES:
            raise TooManyCases
        if catalogue.golden_cases.filter(name=new.name).exists():
            raise NameTaken(new.name)
        decided = decide_case(release.compiled, document_of(answers), as_of=new.as_of)
        made: GoldenCase = GoldenCase.objects.create(
            catalogue=catalogue,
            release_id=release.id,
            name=new.name,
            note=new.note,
            as_of=new.as_of,
            expected=msgspec.to_builtins(results_of(decided.eligibility)),
            created_by_id=actor_id,
            **answers.plain,
        )
        return made


def decide_case(catalogue: CompiledCatalogue, document: Document, *, as_of: date) -> Evaluation:
    """Return the decision on the document of a case, which has no sealed answers."""
    return check_flow.run(catalogue, document, as_of=as_of, release=0, reveal=_plain_value).evaluation


def _plain_value(path: str, answer: Answer) -> AnswerValue:
    return answer.value


def document_in(case: GoldenCase, compiled: CompiledCatalogue, *, latest: int) -> Document:
    """Return the document of ``case`` with the codes of the draft ``compiled``, which follows release ``latest``."""
    return renamed_document(case, compiled.definition, latest=latest)


def renamed_document(case: GoldenCase, draft: CatalogueDefinition, *, latest: int) -> Document:
    """Return the document of ``case`` with the codes of ``draft``, which follows release ``latest``."""
    document = document_of(read_answers(case.answers, case.answer_pools, case.excluded))
    earlier = () if case.release_id in (None, latest) else renames_between(case.release_id, latest)
    follow_renames(document, (*earlier, renames_of(draft)))
    return document


def run_cases(catalogue: Catalogue, compiled: CompiledCatalogue) -> list[CaseRun]:
    """Return every case of ``catalogue`` as the draft ``compiled`` decides it, in the order of their names."""
    cases, latest = list(catalogue.golden_cases.all()), latest_id(catalogue)
    return [run_case(case, compiled, latest=latest) for case in cases]


def latest_id(catalogue: Catalogue) -> int:
    """Return the id of the latest release of ``catalogue``, 0 without one."""
    return catalogue.releases.order_by("-number").values_list("id", flat=True).first() or 0


def run_case(case: GoldenCase, compiled: CompiledCatalogue, *, latest: int) -> CaseRun:
    """Return ``case`` as the draft ``compiled``, which follows the release ``latest``, decides it.

    Answers to questions that are sensitive in the draft count as unanswered: after its publish the case loses them.
    """
    document = document_of(without_sensitive(compiled, document_in(case, compiled, latest=latest)))
    decided = results_of(decide_case(compiled, document, as_of=case.as_of).eligibility)
    expected = case.expectations
    differences = [
        Difference(code, expected.get(code, _ABSENT), decided.get(code, _ABSENT))
        for code in sorted(expected.keys() | decided.keys())
        if expected.get(code, _ABSENT) != decided.get(code, _ABSENT)
    ]
    return CaseRun(case, decided, differences)


def faults_of(runs: Iterable[CaseRun]) -> list[CatalogueFault]:
    """Return a fault for each product of a case that is decided in another way than expected."""
    remedy = "Correct the draft, or accept the new result on the page of the case."
    return [
        CatalogueFault(GOLDEN_CASE, f"golden_cases[{run.case.name}]", f"{difference}", remedy)
        for run in runs
        for difference in run.differences
    ]


def accept_result(case: GoldenCase, compiled: CompiledCatalogue, *, actor_id: str) -> bool:
    """Expect from now on what the draft ``compiled`` decides for ``case``, and record the order; return False where
    the case passes already.
    """
    with transaction.atomic():
        locked = GoldenCase.objects.select_for_update(of=("self",)).select_related("catalogue").get(pk=case.pk)
        run = run_case(locked, compiled, latest=latest_id(locked.catalogue))
        if run.passes:
            return False
        after = msgspec.to_builtins(dict(run.decided))
        AcceptedResult.objects.create(case=locked, before=locked.expected, after=after, accepted_by_id=actor_id)
        GoldenCase.objects.filter(pk=locked.pk).update(expected=after)
    return True


def date_cases(release: Release) -> None:
    """Note that the cases with the codes of the draft have those of ``release``, which equals it. Part of its
    publish.
    """
    release.catalogue.golden_cases.filter(release=None).update(release=release)


def drop_sensitive_answers(release: Release, compiled: CompiledCatalogue, *, before: int) -> None:
    """Remove from the cases the answers to questions that are sensitive in ``release``, which follows ``before``. Part
    of its publish.
    """
    for case in release.catalogue.golden_cases.all():
        kept = without_sensitive(compiled, document_in(case, compiled, latest=before))
        gone = [code for code in kept.left_out if code not in case.left_out]
        if gone:
            GoldenCase.objects.filter(pk=case.pk).update(
                answers=kept.plain["answers"],
                answer_pools=kept.plain["answer_pools"],
                left_out=[*case.left_out, *gone],
                release=release,
            )
