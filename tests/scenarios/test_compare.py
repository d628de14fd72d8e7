"""Comparisons without a database: which changes have a share, and when there is no split."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from benchmarks.comparing import is_split, priced_catalogue, priced_sides
from copies.document import Answer, PoolRow
from encryption.envelope import DecryptionFailed
from presentation.visibility import Reader, Visibility
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import compile_catalogue
from scenarios.compare import Side, compare

CATALOGUE = compile_catalogue(priced_catalogue())


@pytest.fixture
def sides() -> list[Side]:
    return priced_sides(CATALOGUE)


def edited(side: Side, **answers: object) -> Side:
    """Return the copy with other answers, and with the decision that it has."""
    document = deepcopy(side.document)
    for code, value in answers.items():
        document.answers[code].value = value  # type: ignore[assignment]
    return replace(side, document=document)


def test_sixty_changes_of_ten_products_are_split_exactly(sides):
    compared = compare(sides)

    assert len(compared.differences) == 60
    assert is_split(compared)
    effects = [compared.effects(difference)[0] for difference in compared.differences]
    for line in compared.products:
        shares = [found[line.code].amount for found in effects if line.code in found]
        assert sum(shares) == line.differences[0].difference


def test_four_copies_are_each_compared_with_the_first(sides):
    base, other = sides

    compared = compare([base, other, base, other])

    pair = compare(sides)
    for line, alone in zip(compared.products, pair.products, strict=True):
        assert line.differences[0] == line.differences[2] == alone.differences[0]
        assert (line.differences[1].difference, line.differences[1].shares) == (0, ())


def test_copies_of_two_releases_are_not_split(sides):
    base, other = sides
    later = replace(other, evaluation=deepcopy(other.evaluation))
    object.__setattr__(later, "catalogue", compile_catalogue(priced_catalogue()))

    found = compare([base, later]).products[0].differences[0]

    assert (found.split, found.shares) == ("other_rates", ())
    assert found.difference is not None


def test_an_answer_that_cannot_be_opened_is_not_split(sides):
    def refuse(path: str, answer: Answer) -> object:
        raise DecryptionFailed

    base, other = sides
    sealed = deepcopy(other.document)
    sealed.answers["amount_0"] = Answer(sealed=b"x", mask="••••", tag="spi", required="quote")
    compared = compare([base, replace(other, document=sealed, reveal=refuse)])

    assert compared.products[0].differences[0].split == "unknown_between"
    # A product that does not read the answer is split all the same.
    assert compared.products[5].differences[0].split == "exact"


def test_a_decision_with_other_causes_is_not_split(sides):
    base, _ = sides

    compared = compare([base, edited(base, amount_0=1)])

    # The decision still is that of the unchanged answers: the shares would not add up to it.
    assert compared.products[0].differences[0].split == "unknown_between"
    assert compared.products[1].differences[0].split == "none"


def test_changes_of_answers_that_the_reader_may_not_see_have_no_share():
    source = msgspec.to_builtins(priced_catalogue())
    (amount,) = [
        one for part in source["question_sets"] for one in part["questions"] if one["code"] == "amount_0"
    ]  # fmt: skip
    amount["sensitivity"] = "pii"
    catalogue = compile_catalogue(msgspec.convert(source, CatalogueDefinition))
    found = {
        sees: compare([replace(side, visibility=Visibility(catalogue, Reader(sees_personal=sees)))
                       for side in later_amounts(priced_sides(catalogue))])
        for sees in (True, False)
    }  # fmt: skip

    seen, hidden = ([line.differences[0] for line in found[sees].products] for sees in (True, False))

    assert {one.split for one in seen} == {"exact"}
    assert [(one.split, one.shares) for one in hidden if one.split != "exact"] == [("hidden", ())]
    assert [one.difference for one in hidden] == [one.difference for one in seen]
    assert hidden[1:] == seen[1:]


def later_amounts(sides: list[Side]) -> list[Side]:
    """Return the copies, of which the second was answered later: hidden answers are compared by their time."""
    base, other = sides
    document = deepcopy(other.document)
    document.answers["amount_0"].updated_at = datetime(2026, 5, 2, tzinfo=UTC)
    return [base, replace(other, document=document)]


def test_new_rows_are_one_change_each(sides):
    base, other = sides
    added = PoolRow(id="new", answers=deepcopy(base.document.answer_pools["wages"][0].answers))
    document = deepcopy(other.document)
    document.answer_pools["wages"] = [*document.answer_pools["wages"], added]

    compared = compare([base, replace(other, document=document)])

    assert sum(difference.path == "wages/new" for difference in compared.differences) == 1
