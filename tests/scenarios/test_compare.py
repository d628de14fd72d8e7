"""Comparisons without a database: which changes have a share, and when there is no split."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date, datetime

import msgspec
import pytest

from benchmarks.comparing import decide, is_split, priced_catalogue, priced_sides
from copies.document import Answer, PoolRow
from encryption.envelope import DecryptionFailed
from presentation.visibility import Reader, Visibility
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import compile_catalogue
from rules.definition.model import CompiledCatalogue
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


def decided(side: Side, **answers: object) -> Side:
    """Return the copy with other answers, decided anew."""
    changed = edited(side, **answers)
    for code in answers:
        changed.document.answers[code].updated_at = datetime(2026, 5, 2, tzinfo=UTC)
    return replace(changed, evaluation=decide(side.catalogue, changed.document).evaluation)


def turned(sides: list[Side]) -> dict[str, tuple[str, ...]]:
    """Return the products that each differing answer alone declines or opens in the second copy."""
    compared = compare(sides)
    found = {one.path: compared.turned(one)[0] for one in compared.differences}
    return {path: codes for path, codes in found.items() if codes}


def catalogue_with(when: str = "amount_0 > 50000000", **of_amount: str) -> CompiledCatalogue:
    """Return the catalogue with a condition by which the first product declines, and what its first amount is."""
    source = msgspec.to_builtins(priced_catalogue())
    (amount,) = [one for part in source["question_sets"] for one in part["questions"] if one["code"] == "amount_0"]
    amount.update(of_amount)
    source["products"][0]["rules"][0]["when"] = when
    return compile_catalogue(msgspec.convert(source, CatalogueDefinition))


def test_the_one_answer_that_declines_is_named_in_both_directions(sides):
    base, _ = sides
    large = decided(base, amount_0=60_000_000, amount_5=7)

    assert turned([base, large]) == turned([large, base]) == {"amount_0": ("P0",)}


def test_no_answer_is_named_where_the_rule_reads_several_changed_ones():
    base, _ = priced_sides(catalogue_with("amount_0 > 50000000 && amount_1 > 50000000"))

    one = decided(decided(base, amount_1=60_000_000), amount_0=60_000_000)
    two = decided(base, amount_0=60_000_000, amount_1=60_000_000)

    assert turned([decided(base, amount_1=60_000_000), one]) == {"amount_0": ("P0",)}
    assert turned([base, two]) == {}


def test_no_answer_is_named_where_the_release_or_the_day_differs_too(sides):
    base, _ = sides
    large = decided(base, amount_0=60_000_000)
    later = replace(large, evaluation=msgspec.structs.replace(large.evaluation, as_of=date(2026, 7, 1)))

    assert turned([base, large]) == {"amount_0": ("P0",)}
    assert turned([base, later]) == {}


def test_an_answer_behind_a_derived_value_is_named():
    catalogue = catalogue_with("total > 100000000")
    base, _ = priced_sides(catalogue)
    document = deepcopy(base.document)
    document.answer_pools["wages"][0].answers["payroll"].value = 200_000_000
    large = replace(base, document=document, evaluation=decide(catalogue, document).evaluation)

    assert turned([base, large]) == {"wages/row-0/payroll": ("P0",)}


def test_no_answer_is_named_where_another_one_acts_through_a_yes_or_no():
    source = msgspec.to_builtins(priced_catalogue())
    source["derived"] = [*source["derived"], {"code": "is_large", "value": "amount_1 > 50000000"}]
    source["products"][0]["rules"][0]["when"] = "is_large || amount_0 > 50000000"
    catalogue = compile_catalogue(msgspec.convert(source, CatalogueDefinition))
    base, _ = priced_sides(catalogue)

    assert turned([base, decided(base, amount_1=60_000_000)]) == {"amount_1": ("P0",)}
    assert turned([base, decided(base, amount_1=60_000_000, amount_0=7)]) == {}


@pytest.mark.parametrize(("sees", "expected"), [(True, {"amount_0": ("P0",)}), (False, {})])
def test_a_hidden_answer_is_never_named_as_the_cause(sees: bool, expected: dict[str, tuple[str, ...]]):
    catalogue = catalogue_with(sensitivity="pii")
    base, _ = priced_sides(catalogue)
    visible = Visibility(catalogue, Reader(sees_personal=sees))

    pair = [replace(side, visibility=visible) for side in (base, decided(base, amount_0=60_000_000))]

    assert turned(pair) == expected
