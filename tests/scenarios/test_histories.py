"""Random scripts of edits, copies, clones, merges and reverts: nothing is lost, every version is restored byte for
byte, and the hash chain of every copy is whole.
"""

from __future__ import annotations

import os
from random import Random
from typing import Any
from uuid import UUID

import pytest

from batch import service as batch
from batch.context import BatchContext
from batch.errors import BatchError
from batch.idempotency import StoredResponse
from batch.revert import revert
from copies.document import Document, walk_answers
from copies.history import contents, find_version
from copies.stored_versions import Content
from copies.verification import verify
from scenarios.cloning import CloneOrder, clone_form
from scenarios.merge import carry_out, plan_merge, undo_merge
from scenarios.merge_errors import MergeRefused
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.kennel_catalogue import ANSWERS, HOUSES

pytestmark = pytest.mark.django_db
IN_FULL = int(os.environ.get("HISTORIES", "1000"))
STEPS = 9
#: More copies cost time and tell nothing new.
MOST_COPIES = 4
EDITS: dict[str, list[Any]] = {
    "kennel_name": ["Happy Tails", "Sad Tails", "Wagging Tails"],
    "state": ["TX", "OH"],
    "owner_ssn": ["987-65-4321", "987-65-4322", None],
    "owner_phone": ["614-555-0101", "614-555-0102", None],
    "has_cats": [True, False],
    "cat_count": [3, 60, 120, None],
}


class Script:
    """One form, its copies and clones, and what each version was when it was saved."""

    def __init__(self, seed: int, tenant: Tenant, actor: Actor) -> None:
        self.random = Random(seed)
        self.tenant, self.actor = tenant, actor
        self.saved: dict[UUID, list[Content]] = {}
        with batch.build_context(scope=tenant, actor=actor) as context:
            context.changeset.apply_answers(ANSWERS, {"houses": HOUSES})
            context.save()
            self.note(context)

    def run(self) -> None:
        steps = [
            self.edit,
            self.edit,
            self.edit,
            self.rows,
            self.copy,
            self.clone,
            self.merge,
            self.unmerge,
            self.revert,
        ]
        for _ in range(STEPS):
            step = self.random.choice(steps)
            if len(self.saved) < MOST_COPIES or step not in (self.copy, self.clone):
                step(self.random.choice(list(self.saved)))

    def note(self, context: BatchContext) -> None:
        """Remember what was saved, if the save wrote a version."""
        versions = self.saved.setdefault(context.copy.id, [])
        if len(versions) < context.version:
            versions.append(Content.of(context.copy.document, context.copy.evaluation))
        assert len(versions) == context.version

    def edit(self, copy_id: UUID) -> None:
        answers = {code: self.random.choice(values) for code, values in EDITS.items() if self.random.random() < 0.4}
        with batch.find_and_lock(copy_id, scope=self.tenant, actor=self.actor) as context:
            context.changeset.apply_answers(answers)
            context.save()
            for code, value in answers.items():
                found = context.changeset.document.answers.get(code)
                assert (found is not None and found.is_answered) == (value is not None), f"{code} was lost"
            self.note(context)

    def rows(self, copy_id: UUID) -> None:
        with batch.find_and_lock(copy_id, scope=self.tenant, actor=self.actor) as context:
            pool = context.changeset.find_pool("houses")
            if len(pool.rows) < 3 and self.random.random() < 0.6:
                pool.add(
                    answers={"house_name": f"House {self.random.randrange(5)}", "runs": self.random.randrange(1, 90)}
                )
            elif pool.rows:
                self.random.choice(list(pool.rows)).remove()
            context.save()
            self.note(context)

    def copy(self, copy_id: UUID) -> None:
        version = self.random.randrange(1, len(self.saved[copy_id]) + 1)
        with batch.build_copy(copy_id, scope=self.tenant, actor=self.actor, version=version) as context:
            context.save()
            self.note(context)
            assert self.values_at(context.copy.id) == self.values_at(copy_id, version)

    def clone(self, copy_id: UUID) -> None:
        order = CloneOrder(respond=lambda clone: StoredResponse(201, {}, b""))
        for part in clone_form(copy_id, order, scope=self.tenant, actor=self.actor).parts:
            self.note(part.context)
            source = part.source.copy
            assert sorted(self.values_at(part.context.copy.id).values(), key=str) == sorted(
                self.values_at(source.id, source.version).values(), key=str
            )

    def merge(self, copy_id: UUID) -> None:
        source = self.random.choice(list(self.saved))
        side = self.random.choice(["mine", "theirs"])
        try:
            with batch.find_and_lock(copy_id, scope=self.tenant, actor=self.actor) as context:
                plan = plan_merge(context.changeset, source, scope=self.tenant)
                picks = {difference.id: side for difference in plan.differences}
                carry_out(context.changeset, plan, plan.pick(picks))
                context.save()
                self.note(context)
        except (BatchError, MergeRefused):
            return  # the same copy, or a pool that is full: nothing was saved

    def unmerge(self, copy_id: UUID) -> None:
        try:
            with batch.find_and_lock(copy_id, scope=self.tenant, actor=self.actor) as context:
                undo_merge(context.changeset, scope=self.tenant)
                context.save()
                self.note(context)
        except BatchError:
            return

    def revert(self, copy_id: UUID) -> None:
        version = self.random.randrange(1, len(self.saved[copy_id]) + 1)
        with batch.find_and_lock(copy_id, scope=self.tenant, actor=self.actor) as context:
            assert revert(context, version) == []
            context.save()
            self.note(context)
            assert self.values_at(context.copy.id) == self.values_at(copy_id, version)

    def values_at(self, copy_id: UUID, version: int | None = None) -> dict[str, Any]:
        return values(batch.find(copy_id, scope=self.tenant, actor=self.actor, version=version))

    def check(self) -> None:
        """Compare every version with what was saved, in a row, and one of each copy alone."""
        with use_tenant(self.tenant):
            for copy_id, versions in self.saved.items():
                assert [content for _, content in contents(copy_id)] == versions
                at = self.random.randrange(1, len(versions) + 1)
                found = find_version(copy_id, scope=self.tenant, version=at)
                assert found is not None
                assert (found.document, found.evaluation) == versions[at - 1].stored()


def values(context: BatchContext) -> dict[str, Any]:
    """Return the values of people's answers by path, sealed ones opened."""
    changeset = context.read_only_changeset()
    document: Document = changeset.document
    return {
        path: changeset.sealing.reveal(path, answer) for path, answer in walk_answers(document) if answer.is_answered
    }


def run(scripts: int, tenant: Tenant, actor: Actor) -> None:
    versions = 0
    for seed in range(scripts):
        script = Script(seed, tenant, actor)
        script.run()
        script.check()
        versions += sum(len(saved) for saved in script.saved.values())
    verified = list(verify(tenant))
    assert [one for one in verified if one.findings] == []
    assert sum(one.versions for one in verified) == versions


def test_random_histories_replay_byte_for_byte(kennels: Tenant, agent: Actor) -> None:
    run(IN_FULL // 40, kennels, agent)


@pytest.mark.slow
def test_many_random_histories_replay_byte_for_byte(kennels: Tenant, agent: Actor) -> None:
    run(IN_FULL, kennels, agent)
