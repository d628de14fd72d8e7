"""A shadow rule has no effect: saves with and without it leave equal documents, versions and outbox rows."""

from __future__ import annotations

import re
from typing import Any, Final
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actions.models import OutboxAction
from batch import service as batch
from batch.errors import BatchError
from copies.codec import content_of, content_of_document
from copies.history import changes_of
from copies.models import Copy, CopyRevision
from rules.definition.catalogue import CatalogueDefinition, FormRule, ProductRule
from rules.flow import check_flow
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.boarding_catalogue import AS_OF, document
from tests.harness.kennel_book import ACTOR, kennel_forms
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.kennel_documents import compiled_release
from tests.harness.later_releases import publish_release
from tests.harness.tiers import amount

#: Conditions that are true, false and unknown, and read what the real rules do not.
CONDITIONS: Final = (
    "true", 'state == "TX"', "cat_count > 20", "has_cats", 'kennel_name.startsWith("K")', "answered(owner_phone)",
    "houses.exists(h, h.runs > 10)", "houses.exists(h, h.fences.exists(f, f.fence_feet > 5))",
)  # fmt: skip
_UUID: Final = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_HASH: Final = re.compile(r"\b[0-9a-f]{64}\b")

product_rules = st.builds(
    lambda place, when, then: ProductRule(
        id=f"S{place}",
        when=when,
        then=then,
        why="Under discussion",
        set={"cat_count": 3} if then == "adjust" else {},
        shadow=True,
    ),
    st.integers(0, 99),
    st.sampled_from(CONDITIONS),
    st.sampled_from(["decline", "refer", "adjust"]),
)
form_rules = st.builds(
    lambda place, when, then: FormRule(
        id=f"F{place}", when=when, then=then, at="cat_count", say="Under discussion", shadow=True
    ),
    st.integers(0, 99),
    st.sampled_from(CONDITIONS),
    st.sampled_from(["warn", "message"]),
)
shadows = st.tuples(
    st.lists(product_rules, min_size=1, max_size=3, unique_by=lambda rule: rule.id),
    st.lists(form_rules, max_size=2, unique_by=lambda rule: rule.id),
)


def shadowed(rules: tuple[list[ProductRule], list[FormRule]], *, code: str = "kennels") -> CatalogueDefinition:
    """Return the kennels with shadow rules before and after the real ones."""
    of_product, of_form = rules
    first, *others = KENNELS.products
    product = replace(first, rules=(*of_product[:1], *first.rules, *of_product[1:]))
    return replace(KENNELS, code=code, products=(product, *others), form_rules=(*of_form, *KENNELS.form_rules))


@given(shadows, st.integers(0, 10_000))
@settings(max_examples=amount(25, full=1_000), deadline=None)
def test_a_decision_with_shadow_rules_is_byte_for_byte_that_without(
    rules: tuple[list[ProductRule], list[FormRule]], seed: int
) -> None:
    with_rules, without = compiled_release(shadowed(rules)).compiled, compiled_release(KENNELS).compiled
    [(answers, pools)] = kennel_forms(1, seed=seed)
    plain = {**answers, **{code: [row["answers"] for row in rows] for code, rows in pools.items()}}

    decided = [
        msgspec.json.encode(
            check_flow.run(catalogue, document(plain), as_of=AS_OF, release=7, reveal=lambda path, answer: answer.value)
        )
        for catalogue in (with_rules, without)
    ]

    assert decided[0] == decided[1]
    assert len(with_rules.shadow) == len(rules[0]) + len(rules[1])


def _decisive(definition: CatalogueDefinition) -> CatalogueDefinition:
    """Return ``definition`` with its shadow rules as rules."""
    first, *others = definition.products
    product = replace(first, rules=tuple(replace(rule, shadow=False) for rule in first.rules))
    rules = tuple(replace(rule, shadow=False) for rule in definition.form_rules)
    return replace(definition, products=(product, *others), form_rules=rules)


def _traces(tenant: Tenant, edits: list[tuple[dict[str, Any], dict[str, Any]]]) -> str:
    """Make a copy with the first of ``edits``, change it by the others; return all that was stored, as text.

    Ids are replaced by the order in which they appear, times and hashes (which are over ids and times) by a word.
    """
    first, *others = edits
    with batch.build_context(scope=tenant, actor=ACTOR) as context:
        context.changeset.apply_answers(*first)
        context.save()
        copy_id = context.copy.id
    for answers, _ in others:
        try:
            with batch.find_and_lock(copy_id, scope=tenant, actor=ACTOR) as context:
                context.changeset.apply_answers(answers)
                context.save()
        except BatchError:
            continue
    with use_tenant(tenant):
        stored = [_row_of_copy(copy_id), _versions(copy_id), _actions()]
    return _without_ids(msgspec.json.encode(stored).decode(), tenant)


def _row_of_copy(copy_id: UUID) -> list[Any]:
    copy = Copy.objects.get(pk=copy_id)
    contents = content_of_document(bytes(copy.document)), content_of(bytes(copy.evaluation))
    return [*(content.decode() for content in contents), copy.version, copy.summary]


def _versions(copy_id: UUID) -> list[Any]:
    return [
        [row.version, row.cause_type, row.cause_id, msgspec.json.encode(changes_of(row)).decode()]
        for row in CopyRevision.objects.filter(copy_id=copy_id).order_by("version")
    ]


def _actions() -> list[Any]:
    rows = OutboxAction.objects.order_by("created_at", "id")
    return list(rows.values_list("kind", "target", "version", "payload"))


def _without_ids(text: str, tenant: Tenant) -> str:
    """Return ``text`` without the tenant, its catalogue and release, times and hashes, with its ids by their order."""
    known: dict[str, str] = {}
    text = _UUID.sub(lambda found: known.setdefault(found[0].replace("-", ""), f"id{len(known)}"), text)
    text = _HASH.sub("hash", _TIME.sub("time", text)).replace(tenant.catalogue, "catalogue")
    return re.sub(r'(release(?:_id)?\\*":)\d+', r"\1 0", text)


@pytest.mark.django_db
def test_saves_with_and_without_shadow_rules_store_and_send_the_same() -> None:
    rules = (
        [
            ProductRule(id="S1", when="true", then="decline", why="Under discussion", shadow=True),
            ProductRule(
                id="S2", when="has_cats", then="adjust", why="Rated as 3", set={"cat_count": 3}, shadow=True
            ),
        ],
        [FormRule(id="F1", when="cat_count > 2", then="error", at="cat_count", say="Under discussion", shadow=True)],
    )  # fmt: skip
    publish_release(KENNELS)
    publish_release(shadowed(rules, code="shaded"))
    publish_release(_decisive(shadowed(rules, code="decided")))
    plain, shaded, decided = (
        Tenant.objects.create(code=f"{code} brokers", name=code, catalogue=code)
        for code in ("kennels", "shaded", "decided")
    )
    differing = 0

    for seed in range(amount(5, full=150)):
        edits = list(kennel_forms(3, seed=seed))

        traces = [_traces(tenant, edits) for tenant in (plain, shaded, decided)]

        assert traces[0] == traces[1]
        assert "Under discussion" not in traces[1]
        differing += traces[2] != traces[0]
    # The same rules without the mark would have been noticed.
    assert differing > 0
    with use_tenant(shaded):
        assert CopyRevision.objects.count() > amount(5, full=150)
