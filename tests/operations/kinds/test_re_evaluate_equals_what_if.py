"""Deciding again with another release reports, item by item, what "What would change" reports for that release."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from catalogue import releases
from catalogue.loader import load
from catalogue.publish_work import complete_publish
from catalogue.releases import publish
from decisions.what_if import effects_on_book, release_supposition
from operations.kinds.registry import kind_named
from tenants.access import Actor
from tenants.models import Tenant
from tests.harness.kennel_book import DRAFTS, make_book
from tests.harness.kind_runs import KindRun

pytestmark = pytest.mark.django_db

#: The product's outcome and premium before and after, by copy and product.
Moves = dict[tuple[UUID, str], tuple[tuple[str, int | None], tuple[str, int | None]]]


def moves_of_operation(tenant: Tenant, actor: Actor, ids: list[UUID], number: int, *, is_dry_run: bool) -> Moves:
    """Return what an operation with the release ``number`` reports."""
    kind = kind_named("re_evaluate")
    items = [{"id": copy_id} for copy_id in ids]
    ends = KindRun(tenant, actor).run(kind, items, {"release": number}, is_dry_run=is_dry_run)
    assert [end.refusal for end in ends] == [None] * len(ids)
    return {
        (copy_id, product): (_brief(moved["before"]), _brief(moved["after"]))
        for copy_id, end in zip(ids, ends, strict=True)
        for product, moved in end.result["eligibility"].items()
    }


def _brief(standing: dict[str, Any] | None) -> tuple[str, int | None]:
    return ("", None) if standing is None else (standing["outcome"], standing.get("premium"))


def moves_of_report(tenant: Tenant, release_id: int) -> Moves:
    """Return what the report on the release states."""
    supposition = release_supposition(releases.get(release_id))
    return {
        (effect.id, part.product): ((part.before, part.premium_before), (part.after, part.premium_after))
        for effect in effects_on_book(supposition, [tenant], workers=1)
        for part in effect.products
    }


@pytest.mark.parametrize("name", ["dearer", "rule_gone", "one_more"])
def test_an_operation_with_a_release_has_the_figures_of_the_report(name: str, kennels: Tenant, agent: Actor) -> None:
    earlier = publish(load(DRAFTS["back"]), actor_id="test")
    ids = make_book(kennels, 25)
    complete_publish(publish(load(DRAFTS[name]), actor_id="test"))

    reported = moves_of_report(kennels, earlier.pk)

    assert len({copy_id for copy_id, _ in reported}) > 3
    for is_dry_run in (True, False):
        assert moves_of_operation(kennels, agent, ids, earlier.number, is_dry_run=is_dry_run) == reported
    # Comparing with a release saves nothing.
    assert moves_of_report(kennels, earlier.pk) == reported
