"""The batch API and the model, driven side by side by Hypothesis: after each call both must return the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch
from uuid import UUID

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actions.models import OutboxAction
from batch import errors
from batch import service as batch
from batch.changes.changeset import Changeset
from batch.context import BatchContext
from batch.idempotency import IdempotencyKey, StoredResponse
from batch.locks.copy_lock import CopyLock
from copies.models import CopyRevision
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.faults.model import MOST_FENCES, ModelCopy, picture_of, take
from tests.harness.kennel_catalogue import ANSWERS

MOST_COPIES = 4
PLACES = st.integers(0, 11)
GIVEN = st.one_of(
    st.tuples(st.just("kennel_name"), st.sampled_from(["Happy Tails", "Sad Tails", None])),
    st.tuples(st.just("state"), st.sampled_from(["TX", "OH", None])),
    st.tuples(st.just("has_cats"), st.sampled_from([True, False, None])),
    st.tuples(st.just("cat_count"), st.sampled_from([1, 51, 101, None])),
    st.tuples(st.just("lines"), st.sampled_from([["care"], ["care", "premises"], []])),
    st.tuples(st.just("owner_ssn"), st.sampled_from(["987-65-4321", "987-65-4322", None])),
)
ORDERS = ("lock", "unlock", "unlock", "delete", "restore", "restore", "rename", "make_base")
Change = Callable[[Changeset, ModelCopy], None]


class BatchMachine(RuleBasedStateMachine):
    """One form with up to four copies; ``tenant`` and ``actor`` are set by the test."""

    tenant: Tenant
    actor: Actor

    def __init__(self) -> None:
        """Start without a form."""
        super().__init__()
        self.copies: dict[UUID, ModelCopy] = {}
        self.form = UUID(int=0)
        self.moment = 0

    @initialize()
    def start(self) -> None:
        """Start the form."""
        with batch.build_context(scope=self.tenant, actor=self.actor, title="Base") as context:
            context.changeset.apply_answers(ANSWERS, {"houses": [{}, {}]})
            houses = context.changeset.find_pool("houses").rows
            self.form = context.form.id
            self.copies[self.form] = model = ModelCopy("Base", is_base=True)
            model.picture["answers"].update(ANSWERS)
            model.picture["houses"] = [{"id": house.id, "answers": {}, "fences": []} for house in houses]
            self._save(context, model, None)

    @rule(which=PLACES, given=st.lists(GIVEN, min_size=1, max_size=4, unique_by=lambda pair: pair[0]))
    def answer(self, which: int, given: list[tuple[str, Any]]) -> None:
        """Give several answers at once."""
        self._change(which, lambda changeset, model: _answer(changeset, model, given))

    @rule(which=PLACES, given=GIVEN)
    def try_out(self, which: int, given: tuple[str, Any]) -> None:
        """Preview a change, which must write nothing."""
        copy_id, model = self._pick(which)
        if model.is_deleted:
            return
        context = batch.find(copy_id, scope=self.tenant, actor=self.actor)
        try:
            with use_tenant(self.tenant):
                _answer(context.changeset, model.clone(""), [given])
                context.preview()
        except errors.CopyIsLocked:
            assert model.is_locked

    @rule(which=PLACES, runs=st.sampled_from([1, 51, None]), fences=st.integers(0, 2))
    def add_house(self, which: int, runs: int | None, fences: int) -> None:
        """Add a row with rows in it; a full pool takes none."""

        def change(changeset: Changeset, model: ModelCopy) -> None:
            pools = {"fences": [{"answers": {"fence_feet": 6}}] * fences}
            try:
                row = changeset.find_pool("houses").add(answers={"runs": runs}, answer_pools=pools)
            except errors.PoolIsFull:
                assert model.is_full
                return
            house: dict[str, Any] = {"id": row.id, "answers": {}, "fences": []}
            take(house["answers"], "runs", runs)
            house["fences"] = [{"id": fence.id, "answers": {"fence_feet": 6}} for fence in row.find_pool("fences").rows]
            assert len(house["fences"]) == fences
            assert not model.is_full
            model.picture["houses"].append(house)

        self._change(which, change)

    @rule(which=PLACES, place=PLACES)
    def remove_house(self, which: int, place: int) -> None:
        """Remove a row."""

        def change(changeset: Changeset, model: ModelCopy) -> None:
            if houses := model.picture["houses"]:
                house = houses.pop(place % len(houses))
                changeset.find_pool("houses").find_row(house["id"]).remove()

        self._change(which, change)

    @rule(which=PLACES, place=PLACES, name=st.sampled_from(["North", "South", None]), grows=st.booleans())
    def change_house(self, which: int, place: int, name: str | None, grows: bool) -> None:
        """Answer in a row, and add a row to it."""

        def change(changeset: Changeset, model: ModelCopy) -> None:
            if houses := model.picture["houses"]:
                house = houses[place % len(houses)]
                row = changeset.find_pool("houses").find_row(house["id"])
                row.find_answer("house_name").apply(name)
                take(house["answers"], "house_name", name)
                if grows and len(house["fences"]) < MOST_FENCES:
                    fence = row.find_pool("fences").add()
                    house["fences"].append({"id": fence.id, "answers": {}})

        self._change(which, change)

    @rule(which=PLACES, place=PLACES, position=st.integers(0, 2))
    def put_back(self, which: int, place: int, position: int) -> None:
        """Restore a row of an earlier version: mostly a removed one, sometimes one that exists."""

        def change(changeset: Changeset, model: ModelCopy) -> None:
            known = model.earlier_houses()
            if not known:
                return
            version, row_id = known[place % len(known)]
            then = batch.find(self._id_of(model), scope=self.tenant, actor=self.actor, version=version, archived=True)
            rows = then.read_only_changeset().document.answer_pools["houses"]
            try:
                pool = changeset.find_pool("houses")
                pool.put_back(next(row for row in rows if row.id == row_id), position=position)
            except errors.PoolIsFull:
                assert model.is_full
                return
            model.put_back(version, row_id, position)

        self._change(which, change)

    @rule(which=PLACES, order=st.sampled_from(["delete", "make_base", "delete", "restore"]))
    def come_and_go(self, which: int, order: str) -> None:
        """Delete, restore or mark a copy: often enough that bases are deleted too."""
        self.order(which, order)

    @rule(which=PLACES, order=st.sampled_from(ORDERS))
    def order(self, which: int, order: str) -> None:
        """Lock, unlock, delete, restore or rename a copy, or make it the base."""

        def change(changeset: Changeset, model: ModelCopy) -> None:
            if order == "rename":
                model.title = f"Title {self.moment}"
                changeset.copy.rename(model.title)
                return
            if order == "lock":
                changeset.copy.lock(reason=f"Reason {self.moment}")
                model.lock_reason = model.lock_reason or f"Reason {self.moment}"
            else:
                getattr(changeset.copy, order)()
            model.lock_reason = "" if order == "unlock" else model.lock_reason
            model.is_base = model.is_base or order == "make_base"
            model.is_locked = {"lock": True, "unlock": False}.get(order, model.is_locked)
            model.is_deleted = {"delete": True, "restore": False}.get(order, model.is_deleted)

        self._change(which, change)

    @precondition(lambda self: len(self.copies) < MOST_COPIES)
    @rule(which=PLACES, earlier=st.none() | PLACES, is_empty=st.integers(0, 4).map(lambda number: number == 0))
    def copy(self, which: int, earlier: int | None, is_empty: bool) -> None:
        """Make a copy of the present state or of an earlier version, or an empty one."""
        source_id, source = self._pick(which)
        if source.is_deleted:
            return
        title, version = f"Copy {len(self.copies)}", None if is_empty else source.version_at(earlier)
        opened = batch.build_copy(
            source_id, scope=self.tenant, actor=self.actor, title=title, version=version, is_empty=is_empty
        )
        with opened as context:
            model = ModelCopy(title) if is_empty else source.clone(title, version=version)
            model.copied_from = None if is_empty else (source_id, version or source.version)
            self.copies[context.copy.id] = model
            self._save(context, model, None)

    @rule(which=PLACES)
    def rename_by_job(self, which: int) -> None:
        """Rename a copy in a job of the same user: the mark of the last touch stays."""
        copy_id, model = self._pick(which)
        if model.is_deleted or model.is_locked:
            return
        job = replace(self.actor, source="job")
        with batch.find_and_lock(copy_id, scope=self.tenant, actor=job) as context:
            before, touched = model.state(), model.touched
            model.title = f"By a job {self.moment}"
            context.changeset.copy.rename(model.title)
            self._save(context, model, before)
            model.touched = touched

    @rule(which=PLACES)
    def save_stale(self, which: int) -> None:
        """Hold a copy while another save, which ignores the lock, comes first: the holder is refused."""
        copy_id, model = self._pick(which)
        if model.is_deleted or model.is_locked:
            return
        with self._opened(copy_id) as holder:
            holder.changeset.find_answer("kennel_name").apply("Too late")
            with patch.object(CopyLock, "acquire", lambda lock: None), self._opened(copy_id) as rival:
                before = model.state()
                rival.changeset.copy.rename(f"Overtaken {self.moment}")
                model.title = f"Overtaken {self.moment}"
                self._save(rival, model, before)
            try:
                holder.save()
            except errors.StaleChangeset:
                return
        raise AssertionError("a save from a version that was gone went through")

    @rule(which=PLACES)
    def repeat_under_a_key(self, which: int) -> None:
        """Send a request twice with one key: the second one gets the first one's response and does nothing."""
        copy_id, model = self._pick(which)
        if model.is_deleted or model.is_locked:
            return
        self.moment += 1
        key = IdempotencyKey("user:7", f"{self.form}:{self.moment}", b"request")
        given = StoredResponse(200, {}, str(self.moment).encode())
        with self._opened(copy_id, key) as context:
            before = model.state()
            model.title = f"Under a key {self.moment}"
            context.changeset.copy.rename(model.title)
            assert context.save(respond=lambda result: given).written is model.saved(before, self.moment)
        with self._opened(copy_id, key) as context:
            assert context.stored_response == given

    @invariant()
    def a_form_has_one_base_that_is_not_deleted(self) -> None:
        """One copy is the base, and it is not deleted."""
        assert [model.is_deleted for model in self.copies.values() if model.is_base] == [False]

    @invariant()
    def the_form_means_the_copy_touched_last(self) -> None:
        """A form's id is the first copy's; with that one deleted it means the copy last touched by a person."""
        living = {copy_id: model for copy_id, model in self.copies.items() if not model.is_deleted}
        if living:
            expected = self.form if self.form in living else max(living, key=lambda found: living[found].touched)
            assert batch.find(self.form, scope=self.tenant, actor=self.actor).copy.id == expected

    def teardown(self) -> None:
        """Compare all copies, at their last version and at every version before."""
        for copy_id, model in self.copies.items():
            self._compare(copy_id, model)
            with use_tenant(self.tenant):
                made = list(CopyRevision.objects.filter(copy_id=copy_id).order_by("version"))
                told = set(OutboxAction.objects.filter(copy_id=copy_id).values_list("version", flat=True))
            assert [revision.version for revision in made] == list(model.history)
            assert told == set(model.history)
            for version, picture in model.history.items():
                then = batch.find(copy_id, scope=self.tenant, actor=self.actor, archived=True, version=version)
                assert picture_of(then.read_only_changeset().document) == picture

    # Helpers of the rules above

    def _pick(self, which: int) -> tuple[UUID, ModelCopy]:
        return list(self.copies.items())[which % len(self.copies)]

    def _id_of(self, model: ModelCopy) -> UUID:
        return next(copy_id for copy_id, found in self.copies.items() if found is model)

    def _opened(self, copy_id: UUID, key: IdempotencyKey | None = None) -> Any:
        return batch.find_and_lock(copy_id, scope=self.tenant, actor=self.actor, archived=True, idempotency=key)

    def _change(self, which: int, change: Change) -> None:
        """Apply one change to the copy and to the model, and compare; a refused change alters neither."""
        copy_id, model = self._pick(which)
        trial = model.clone(model.title)
        trial.version, trial.history, trial.touched = model.version, dict(model.history), model.touched
        trial.is_locked, trial.is_deleted = model.is_locked, model.is_deleted
        trial.lock_reason, trial.is_base, trial.copied_from = model.lock_reason, model.is_base, model.copied_from
        before = trial.state()
        self.copies[copy_id] = trial
        try:
            with self._opened(copy_id) as context:
                change(context.changeset, trial)
                self._save(context, trial, before)
        except errors.CopyIsDeleted:
            assert model.is_deleted and trial.is_deleted
            self.copies[copy_id] = model
        except errors.CopyIsLocked:
            assert model.is_locked and trial.is_locked
            self.copies[copy_id] = model
        except errors.LastCopy:
            assert all(found.is_deleted for found in self.copies.values())
            self.copies[copy_id] = model
        except errors.BaseCopy:
            assert model.is_base and trial.is_deleted
            self.copies[copy_id] = model
        if self.copies[copy_id].is_base and not model.is_base:
            for other_id, other in self.copies.items():
                other.is_base = other_id == copy_id
        self._compare(copy_id, self.copies[copy_id])

    def _save(self, context: BatchContext, model: ModelCopy, before: tuple[Any, ...] | None) -> None:
        result = context.save()
        self.moment += 1
        assert result.written is model.saved(before, self.moment)
        assert result.version == model.version

    def _compare(self, copy_id: UUID, model: ModelCopy) -> None:
        context = batch.find(copy_id, scope=self.tenant, actor=self.actor, archived=True)
        fields = context.copy.fields
        assert picture_of(context.read_only_changeset().document) == model.picture
        flags = (
            fields.locked_at is not None,
            fields.lock_reason,
            fields.deleted_at is not None,
            context.loaded.is_base,
        )
        assert (fields.title, flags) == (
            model.title,
            (model.is_locked, model.lock_reason, model.is_deleted, model.is_base),
        )
        assert context.version == model.version
        copied_from = (context.copy.copied_from_id, context.copy.copied_from_version)
        assert copied_from == (model.copied_from or (None, None))


def _answer(changeset: Changeset, model: ModelCopy, given: list[tuple[str, Any]]) -> None:
    changeset.apply_answers(dict(given))
    for code, value in given:
        model.secrets_given += bool(code == "owner_ssn" and value)
        take(model.picture["answers"], code, value[-4:] if code == "owner_ssn" and value else value)
