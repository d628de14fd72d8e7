"""The coverage of a draft by golden cases, open copies and recorded decisions."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from msgspec.structs import replace

from catalogue import releases
from catalogue.golden_answers import CaseAnswers
from catalogue.golden_cases import NewCase, make_case
from catalogue.loader import load
from catalogue.models import Catalogue, Release
from decisions.coverage import BOOK, GOLDEN, TRAFFIC, CoverageReport, coverage_of
from rules.coverage import ItemCoverage
from rules.definition.catalogue import CatalogueDefinition, Factor, FormRule, ProductRule
from rules.definition.compiler import compile_catalogue
from tenants.models import Tenant, User
from tests.harness.later_releases import renamed
from tests.harness.moments import DATED, first_day, with_rule

pytestmark = pytest.mark.django_db

Start = Callable[..., dict[str, Any]]
BRANCHED = ProductRule(id="B1", when='state == "TX" && (cat_count > 5 || has_cats)', then="refer", why="Cats in Texas")
NEVER = ProductRule(id="B2", when='state == "OH" && cat_count > 500', then="decline", why="Never")


def draft() -> CatalogueDefinition:
    """Return the dated kennels with a rule that branches, one that nothing makes true, and a factor."""
    definition = with_rule(with_rule(DATED, BRANCHED), NEVER)
    [product] = definition.products
    rating = replace(product.rating, factors=(Factor(id="CATS", when="has_cats", times="1.1"),))
    return replace(definition, products=(replace(product, rating=rating),))


def report(definition: CatalogueDefinition, **options: int) -> CoverageReport:
    catalogue = Catalogue.objects.get(code="kennels")
    return coverage_of(catalogue, compile_catalogue(definition), **options)


def item(found: CoverageReport, place: str) -> ItemCoverage:
    [one] = [one for one in found.items if one.item.place == place]
    return one


def make_golden(name: str, **answers: Any) -> None:
    release = releases.current("kennels")
    values = {"lines": ["care"], "has_cats": False, **answers}
    given = CaseAnswers(answers=values, answer_pools={}, excluded=[])
    make_case(release, given, NewCase(name=name, as_of=first_day()), actor_id="test")


def test_branches_are_true_false_and_unknown_by_golden_cases(first_release: Release) -> None:
    make_golden("no cats", state="TX")
    make_golden("no state")
    make_golden("ohio", state="OH", has_cats=True, cat_count=3)

    found = report(draft())

    counts = {one.item.place: dict(one.sources[GOLDEN]) for one in found.items if "[B1]" in one.item.place}
    assert counts == {
        "products[PA-CARE].rules[B1]": {"false": 3},
        "products[PA-CARE].rules[B1].1": {"true": 1, "false": 1, "unknown": 1},
        "products[PA-CARE].rules[B1].2.1": {"false": 3},
        "products[PA-CARE].rules[B1].2.2": {"true": 1, "false": 2},
    }
    assert item(found, "products[PA-CARE].factors[CATS]").covered_by(GOLDEN)
    assert item(found, "questions[cat_count].when").missing == ()
    assert (found.decisions[GOLDEN], found.decisions[BOOK]) == (3, 0)


def test_what_nothing_covers_comes_first(start: Start, first_release: Release) -> None:
    start()
    start(has_cats=True, cat_count=9)

    found = report(draft())

    untouched = [one.item.place for one in found.untouched]
    assert untouched == [one.item.place for one in found.items[: len(untouched)]]
    assert {"products[PA-CARE].rules[B2]", "products[PA-CARE] decline"} <= set(untouched)
    assert "products[PA-CARE].rules[B1]" not in untouched
    assert item(found, "products[PA-CARE].rules[B1]").covered_by(BOOK)
    missing = [bool(one.missing) for one in found.items[len(untouched) :]]
    assert missing == sorted(missing, reverse=True)


def test_recorded_decisions_count_what_was_true(start: Start, first_release: Release) -> None:
    start(has_cats=True, cat_count=60)

    found = report(DATED)

    assert dict(item(found, "form_rules[K-01]").sources[TRAFFIC]) == {"true": 1}
    assert dict(item(found, "products[PA-CARE] eligible").sources[TRAFFIC]) == {"used": 1}
    assert found.decisions[TRAFFIC] == 1


def test_the_book_is_read_up_to_the_limit_and_follows_the_drafts_renames(start: Start, first_release: Release) -> None:
    for _ in range(3):
        start(has_cats=True, cat_count=60)
    other = renamed({"cat_count": "cats"}, DATED)

    found = report(other, most=2)

    assert (found.decisions[BOOK], found.decisions[TRAFFIC]) == (2, 2)
    assert item(found, "form_rules[K-01]").sources[BOOK]["true"] == 2


def test_rules_of_rows_and_messages_are_counted_once_for_a_form(start: Start, first_release: Release) -> None:
    rule = FormRule(id="R1", when="runs > 10", then="warn", at="runs", say="-")
    start()

    found = report(replace(DATED, form_rules=(*DATED.form_rules, rule)))

    assert dict(item(found, "form_rules[R1]").sources[BOOK]) == {"true": 1}


def test_the_command_and_the_page_show_the_uncovered(
    start: Start, kennels: Tenant, staff: User, sign_in: Callable[[User], Client]
) -> None:
    start()
    catalogue = load(draft())
    out = StringIO()

    call_command("rule_coverage", "kennels", stdout=out)
    page = sign_in(staff).get(reverse("admin:catalogue_catalogue_coverage", args=(catalogue.pk,)))

    lines = out.getvalue().splitlines()
    assert "parts are covered by nothing (0 golden cases, 1 open copies, 1 recorded decisions)." in lines[0]
    assert any(line.startswith("nothing: products[PA-CARE].rules[B2] [") for line in lines)
    assert page.status_code == 200
    assert "products[PA-CARE].rules[B2]" in page.content.decode()
    load(with_rule(DATED, replace(NEVER, when="dogs > 1")))
    assert b"1 fault" in sign_in(staff).get(reverse("admin:catalogue_catalogue_coverage", args=(catalogue.pk,))).content
    with pytest.raises(CommandError, match="faults"):
        call_command("rule_coverage", "kennels")
    with pytest.raises(CommandError, match="no catalogue"):
        call_command("rule_coverage", "other")
