"""Merging copies: what is planned, what is saved, what clashes, and what an undo takes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from batch import service as batch
from batch.changes.changeset import Changeset
from batch.errors import CopyIsLocked, NotFound, PoolIsFull
from copies.document import AnsweredBy
from copies.history import cause_of
from copies.models import CopyRevision
from copies.sealed_answers import Sealer
from encryption.envelope import DecryptionFailed
from scenarios.merge import MergePlan, carry_out, plan_merge, require_picks, undo_merge
from scenarios.merge_errors import MergeRefused, NoMergeToUndo, SameCopy, SourceMoved
from tenants.access import Actor, Right
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.batch_asserts import assert_batch
from tests.harness.sensitive_kennel import PHONE, SSN

OTHER = Actor(type="user", id=str(UUID(int=8)), source="web", label="Sam Agent", rights=frozenset(Right))


class Pair(NamedTuple):
    """A form's base copy and a copy of it."""

    tenant: Tenant
    actor: Actor
    base: UUID
    copy: UUID

    def change(self, copy_id: UUID, change: Callable[[Changeset], object], *, actor: Actor | None = None) -> Any:
        with batch.find_and_lock(copy_id, scope=self.tenant, actor=actor or self.actor) as context:
            change(context.changeset)
            return context.save()

    def answer(self, copy_id: UUID, path: str, value: object, *, actor: Actor | None = None) -> None:
        self.change(copy_id, lambda changeset: changeset.find_answer(path).apply(value), actor=actor)

    def value(self, copy_id: UUID, path: str) -> object:
        return self.read(copy_id).find_answer(path).value

    def read(self, copy_id: UUID) -> Changeset:
        return batch.find_changeset(copy_id, scope=self.tenant, actor=self.actor)

    def plan(self, target: UUID | None = None, source: UUID | None = None, *, actor: Actor | None = None) -> MergePlan:
        context = batch.find(target or self.base, scope=self.tenant, actor=actor or self.actor)
        return plan_merge(context.changeset, source or self.copy, scope=self.tenant)

    def sorts(self, target: UUID | None = None, source: UUID | None = None) -> dict[str, str]:
        return {found.path: found.sort for found in self.plan(target, source).differences}

    def merge(self, picks: dict[str, Any] | None = None, *, others: Any = "changed", **sides: UUID) -> Any:
        """Merge with ``picks`` by path, and check all that holds on every save."""
        target, source = sides.get("target", self.base), sides.get("source", self.copy)

        def change(changeset: Changeset) -> None:
            plan = plan_merge(changeset, source, scope=self.tenant)
            by_path = {found.path: found.id for found in plan.differences}
            picked = plan.pick({by_path[path]: side for path, side in (picks or {}).items()}, others=others)
            require_picks(picked)
            carry_out(changeset, plan, picked)

        return self.checked(target, change)

    def undo(self, *, target: UUID | None = None, version: int | None = None) -> list[str]:
        kept: list[str] = []

        def change(changeset: Changeset) -> None:
            kept[:] = [found.path for found in undo_merge(changeset, version, scope=self.tenant)]

        self.checked(target or self.base, change)
        return kept

    def checked(self, target: UUID, change: Callable[[Changeset], object]) -> Any:
        return assert_batch(target, change, scope=self.tenant, actor=self.actor)


@pytest.fixture
def pair(form_id: UUID, kennels: Tenant, agent: Actor) -> Pair:
    with batch.build_copy(form_id, scope=kennels, actor=agent, title="What if") as context:
        context.save()
        return Pair(kennels, agent, form_id, context.copy.id)


def test_one_change_of_a_copy_comes_to_the_base_with_its_author(pair: Pair) -> None:
    pair.answer(pair.copy, "state", "OH", actor=OTHER)

    result = pair.merge()

    changed = {change.path: change.after for change in result.changes if change.cause.type == "merge"}
    answer = pair.read(pair.base).document.answers["state"]
    assert (changed, pair.value(pair.base, "state")) == ({"state": "OH"}, "OH")
    assert answer.answered_by == AnsweredBy("user", OTHER.id, "web")


def test_only_what_is_picked_comes(pair: Pair) -> None:
    pair.answer(pair.copy, "state", "OH")
    pair.answer(pair.copy, "kennel_name", "Sad Tails")

    pair.merge({"state": "theirs"}, others="mine")

    assert (pair.value(pair.base, "state"), pair.value(pair.base, "kennel_name")) == ("OH", "Happy Tails")


def test_what_was_refused_is_not_asked_again(pair: Pair) -> None:
    pair.answer(pair.copy, "state", "OH")
    pair.merge({"state": "mine"})
    pair.answer(pair.copy, "kennel_name", "Sad Tails")

    assert pair.sorts() == {"state": "mine", "kennel_name": "theirs"}


def test_a_merge_that_changes_nothing_is_recorded_as_decided(pair: Pair) -> None:
    pair.answer(pair.copy, "state", "OH")
    before = pair.read(pair.base).version

    result = pair.merge({"state": "mine"})

    assert (result.version, result.changes) == (before + 1, [])
    with use_tenant(pair.tenant):
        cause = cause_of(CopyRevision.objects.get(copy_id=pair.base, version=result.version))
    assert (cause.type, cause.id) == ("merge", f"{pair.copy}@{pair.read(pair.copy).version}")


def test_edits_on_both_sides_are_joined(pair: Pair) -> None:
    pair.answer(pair.base, "state", "OH")
    pair.answer(pair.copy, "kennel_name", "Sad Tails")

    assert pair.sorts() == {"state": "mine", "kennel_name": "theirs"}
    pair.merge()

    assert (pair.value(pair.base, "state"), pair.value(pair.base, "kennel_name")) == ("OH", "Sad Tails")


def test_a_clash_without_a_pick_refuses_the_merge_and_changes_nothing(pair: Pair) -> None:
    pair.answer(pair.base, "kennel_name", "Mine")
    pair.answer(pair.copy, "kennel_name", "Theirs")
    pair.answer(pair.copy, "state", "OH")

    assert [(found.path, found.sort) for found in pair.plan().differences] == [
        ("kennel_name", "clash"),
        ("state", "theirs"),
    ]
    with pytest.raises(MergeRefused) as refused:
        pair.merge()

    assert [(fault.path, fault.code) for fault in refused.value.faults] == [("kennel_name", "clash_unpicked")]
    assert pair.value(pair.base, "state") == "TX"
    pair.merge({"kennel_name": "theirs"})
    assert (pair.value(pair.base, "kennel_name"), pair.value(pair.base, "state")) == ("Theirs", "OH")


def house_names(pair: Pair, copy_id: UUID) -> list[object]:
    return [row.answers["house_name"].value for row in pair.read(copy_id).document.answer_pools["houses"]]


def house(pair: Pair, copy_id: UUID) -> str:
    return pair.read(copy_id).document.answer_pools["houses"][0].id


def test_a_row_that_was_removed_here_and_edited_deep_inside_there_is_a_clash(pair: Pair) -> None:
    """netbox-branching #426: there was no way to merge an object that was deleted on the other side."""
    row = house(pair, pair.base)
    fence = pair.read(pair.base).document.answer_pools["houses"][0].answer_pools["fences"][0].id
    pair.change(pair.copy, lambda changeset: changeset.find_pool("houses").add(answers={"house_name": "South"}))
    pair.change(pair.copy, lambda changeset: changeset.find_row(f"houses/{row}").remove())
    pair.answer(pair.base, f"houses/{row}/fences/{fence}/fence_feet", 8)

    assert pair.sorts()[f"houses/{row}"] == "clash"
    pair.merge({f"houses/{row}": "theirs"})
    assert [row.answers["house_name"].value for row in pair.read(pair.base).document.answer_pools["houses"]] == [
        "South"
    ]
    # The other way round the row comes back with the edit.
    pair.undo()
    pair.merge({f"houses/{row}": "theirs"}, target=pair.copy, source=pair.base)
    assert pair.value(pair.copy, f"houses/{row}/fences/{fence}/fence_feet") == 8


def add_house(pair: Pair, copy_id: UUID, name: str, runs: int | None = 10, fences: int = 0) -> str:
    answers: dict[str, object] = {"house_name": name} | ({"runs": runs} if runs is not None else {})
    nested = {"fences": [{"answers": {"fence_feet": 4 + number}} for number in range(fences)]}
    found: list[str] = []
    pair.change(
        copy_id,
        lambda changeset: found.append(changeset.find_pool("houses").add(answers=answers, answer_pools=nested).id),
    )
    return found[0]


def test_the_same_new_row_on_both_sides_is_one_row(pair: Pair) -> None:
    """netbox-branching #632, #85: two records that claim the same place were no conflict until the merge failed."""
    mine = add_house(pair, pair.base, "South", runs=10)
    add_house(pair, pair.copy, "South", runs=12)

    assert pair.sorts() == {f"houses/{mine}/runs": "clash", f"houses/{mine}/house_name": "same"}
    pair.merge({f"houses/{mine}/runs": "theirs"})

    houses = pair.read(pair.base).document.answer_pools["houses"]
    assert [(row.answers["house_name"].value, row.answers["runs"].value) for row in houses] == [
        ("North", 20),
        ("South", 12),
    ]


def test_a_conflict_that_was_removed_in_the_source_does_not_come_back(pair: Pair) -> None:
    """netbox-branching #32: replaying the log created the offending record again before it was deleted."""
    for name in ("East", "West"):
        add_house(pair, pair.base, name)
    offending = add_house(pair, pair.copy, "South")
    with pytest.raises(PoolIsFull):
        pair.merge()
    pair.change(pair.copy, lambda changeset: changeset.find_row(f"houses/{offending}").remove())
    pair.answer(pair.copy, "state", "OH")

    pair.merge()

    names = house_names(pair, pair.base)
    assert (names, pair.value(pair.base, "state")) == (["North", "East", "West"], "OH")


def test_a_full_pool_has_room_for_what_comes_where_rows_go(pair: Pair) -> None:
    """Only the result is checked, not the states on the way to it."""
    for name in ("East", "West"):
        add_house(pair, pair.base, name)
    pair.merge(target=pair.copy, source=pair.base)
    east = pair.read(pair.copy).document.answer_pools["houses"][1].id
    pair.change(pair.copy, lambda changeset: changeset.find_row(f"houses/{east}").remove())
    add_house(pair, pair.copy, "South")

    pair.merge()

    names = house_names(pair, pair.base)
    assert names == ["North", "West", "South"]


def test_new_rows_inside_of_new_rows_come_together(pair: Pair) -> None:
    """netbox-branching #608: new records that refer to each other could not be put in an order."""
    south = add_house(pair, pair.copy, "South", fences=2)

    pair.merge()

    row = pair.read(pair.base).document.answer_pools["houses"][1]
    assert (row.id, [fence.answers["fence_feet"].value for fence in row.answer_pools["fences"]]) == (south, [4, 5])


def test_sealed_answers_are_sealed_anew_and_never_compared(pair: Pair) -> None:
    pair.answer(pair.copy, "owner_ssn", SSN)
    pair.merge()
    assert pair.sorts() == {}
    stored = pair.read(pair.base).document.answers["owner_ssn"]
    assert (stored.mask, stored.value) == ("•••• 1120", None)
    assert pair.read(pair.base).sealing.reveal("owner_ssn", stored) == SSN
    assert stored.sealed != pair.read(pair.copy).document.answers["owner_ssn"].sealed

    # The same number again on both sides: whether it is the same stays hidden.
    for copy_id in (pair.base, pair.copy):
        pair.answer(copy_id, "owner_ssn", SSN)
    assert pair.sorts() == {"owner_ssn": "clash"}


def test_a_sealed_answer_that_no_longer_opens_cannot_be_picked(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.answer(pair.copy, "owner_ssn", SSN)
    pair.answer(pair.copy, "state", "OH")

    def erased(sealer: Sealer, path: str, answer: object) -> None:
        raise DecryptionFailed

    with monkeypatch.context() as patch:
        patch.setattr(Sealer, "reveal", erased)
        context = batch.find(pair.base, scope=pair.tenant, actor=pair.actor)
        plan = plan_merge(context.changeset, pair.copy, scope=pair.tenant)
        with pytest.raises(MergeRefused) as refused:
            carry_out(context.changeset, plan, plan.pick({}))

    assert [(fault.path, fault.code) for fault in refused.value.faults] == [("owner_ssn", "unreadable_answer")]
    pair.merge({"owner_ssn": "mine"})
    assert (pair.value(pair.base, "owner_ssn"), pair.value(pair.base, "state")) == (None, "OH")


def test_a_locked_copy_can_be_merged_into_another(pair: Pair) -> None:
    pair.answer(pair.copy, "state", "OH")
    pair.change(pair.copy, lambda changeset: changeset.copy.lock())

    pair.merge()

    assert pair.value(pair.base, "state") == "OH"


def test_what_the_reader_may_not_see_is_not_compared(pair: Pair) -> None:
    blind = replace_rights(pair.actor, frozenset(Right) - {Right.READ_PERSONAL})
    pair.answer(pair.base, "owner_phone", PHONE)
    pair.answer(pair.copy, "owner_phone", PHONE)

    assert {found.path: found.sort for found in pair.plan().differences} == {"owner_phone": "same"}
    assert {found.path: found.sort for found in pair.plan(actor=blind).differences} == {"owner_phone": "clash"}


def replace_rights(actor: Actor, rights: frozenset[Right]) -> Actor:
    return Actor(type=actor.type, id=actor.id, source=actor.source, label=actor.label, rights=rights)


def test_hidden_answers_and_choices_of_products_come_too(pair: Pair) -> None:
    def change(changeset: Changeset) -> None:
        changeset.apply_answers({"has_cats": True, "cat_count": 7})
        changeset.exclusions.force_exclude("WO-CARE")
        changeset.exclusions.bypass("PA-CARE")

    pair.change(pair.copy, change)
    pair.answer(pair.copy, "has_cats", False)

    pair.merge()

    document = pair.read(pair.base).document
    assert (document.answers["cat_count"].value, document.answers["cat_count"].active) == (7, False)
    assert (document.forced_excluded_products, document.agent_bypassed_products) == (["WO-CARE"], ["PA-CARE"])


def test_an_undo_takes_back_the_merge_and_no_later_change(pair: Pair) -> None:
    row = house(pair, pair.base)
    south = add_house(pair, pair.copy, "South", fences=1)
    pair.answer(pair.copy, "state", "OH", actor=OTHER)
    pair.answer(pair.copy, f"houses/{row}/runs", 30)
    merged = pair.merge().version
    pair.answer(pair.base, "kennel_name", "Later")
    pair.answer(pair.base, f"houses/{row}/runs", 40)

    kept = pair.undo()

    document = pair.read(pair.base).document
    assert kept == [f"houses/{row}/runs"]
    assert (document.answers["state"].value, document.answers["kennel_name"].value) == ("TX", "Later")
    assert document.answers["state"].answered_by == AnsweredBy("user", pair.actor.id, "web")
    assert [row.id for row in document.answer_pools["houses"]] == [row]
    assert document.answer_pools["houses"][0].answers["runs"].value == 40
    # What was undone is offered again, and no merge is undone twice.
    assert pair.sorts() == {
        "kennel_name": "mine", "state": "theirs", f"houses/{row}/runs": "clash", f"houses/{south}": "theirs",
    }  # fmt: skip
    with pytest.raises(NoMergeToUndo):
        pair.undo(version=merged)


def test_merges_in_both_directions_end_with_equal_copies(pair: Pair) -> None:
    pair.answer(pair.base, "state", "OH")
    pair.answer(pair.copy, "kennel_name", "Sad Tails")
    pair.merge()
    assert pair.sorts(pair.copy, pair.base) == {"state": "theirs"}
    pair.merge(target=pair.copy, source=pair.base)

    assert pair.sorts() == pair.sorts(pair.copy, pair.base) == {}


def test_copies_of_a_copy_have_their_common_ancestor(pair: Pair) -> None:
    pair.answer(pair.copy, "state", "OH")
    with batch.build_copy(pair.copy, scope=pair.tenant, actor=pair.actor, title="Third") as context:
        context.changeset.find_answer("kennel_name").apply("Third")
        context.save()
        third = context.copy.id

    assert pair.sorts(pair.base, third) == {"kennel_name": "theirs", "state": "theirs"}
    assert pair.sorts(pair.copy, third) == {"kennel_name": "theirs"}


def test_forms_without_a_common_ancestor_differ_without_blame(pair: Pair, make_form: Callable[..., UUID]) -> None:
    houses = [{"answers": {"house_name": "North", "runs": 21}}, {"answers": {"house_name": "East"}}]
    other = make_form({"state": "OH"}, {"houses": houses})
    row = house(pair, pair.base)

    plan = pair.plan(pair.base, other)

    assert plan.base is None
    assert {found.sort for found in plan.differences} == {"differs"}
    assert {found.path for found in plan.differences} >= {"state", f"houses/{row}/runs"}
    pair.merge({"state": "theirs"}, source=other)
    assert (pair.value(pair.base, "state"), pair.value(pair.base, f"houses/{row}/runs")) == ("OH", 20)


def test_refusals(pair: Pair, kennels: Tenant, agent: Actor) -> None:
    base = batch.find(pair.base, scope=kennels, actor=agent)
    with pytest.raises(SameCopy):
        plan_merge(base.changeset, pair.base, scope=kennels)
    with pytest.raises(SourceMoved):
        plan_merge(base.changeset, pair.copy, scope=kennels, expected_version=9)
    with pytest.raises(NotFound):
        plan_merge(base.changeset, UUID(int=5), scope=kennels)
    with pytest.raises(MergeRefused, match="no such difference"):
        pair.plan().pick({"nothing": "mine"})
    pair.change(pair.base, lambda changeset: changeset.copy.lock())
    with pytest.raises(CopyIsLocked):
        pair.merge()
