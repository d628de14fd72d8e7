"""A revert takes a copy back to an earlier version, as a new one."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from batch import service as batch
from batch.errors import CopyIsLocked, UnknownVersion
from batch.key_erasure import erase_keys
from batch.revert import revert
from copies.document import Document
from copies.history import cause_of, contents, list_revisions
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.later_releases import publish_release, with_sensitivity

pytestmark = pytest.mark.django_db
MakeForm = Callable[..., UUID]


def document_of(copy_id: UUID, tenant: Tenant, agent: Actor, version: int | None = None) -> Document:
    return batch.find(copy_id, scope=tenant, actor=agent, version=version).read_only_changeset().document


def answer(copy_id: UUID, tenant: Tenant, actor: Actor, answers: dict[str, object], **pools: object) -> None:
    with batch.find_and_lock(copy_id, scope=tenant, actor=actor) as context:
        context.changeset.apply_answers(answers, pools)
        context.save()


def take_back(copy_id: UUID, tenant: Tenant, actor: Actor, version: int) -> list[str]:
    with batch.find_and_lock(copy_id, scope=tenant, actor=actor) as context:
        left = revert(context, version)
        context.save()
        return left


def test_a_revert_is_a_new_version_with_the_answers_and_rows_of_then(
    form_id: UUID, kennels: Tenant, agent: Actor
) -> None:
    other = Actor(type="user", id="9", source="web", label="Sam Other", rights=agent.rights)
    then = document_of(form_id, kennels, agent)
    (row,) = then.answer_pools["houses"]
    answer(form_id, kennels, other, {"kennel_name": "Sad Tails"}, houses=[{"id": row.id, "delete": True}])
    answer(form_id, kennels, other, {"has_cats": True, "cat_count": 3})

    assert take_back(form_id, kennels, other, 1) == []

    now = document_of(form_id, kennels, agent)
    assert now == then
    assert now.answers["kennel_name"].answered_by is not None
    assert now.answers["kennel_name"].answered_by.id == agent.id
    context = batch.find(form_id, scope=kennels, actor=agent)
    assert context.version == 4
    assert (
        context.evaluation.eligibility
        == batch.find(form_id, scope=kennels, actor=agent, version=1).evaluation.eligibility
    )
    with use_tenant(kennels):
        revision = list_revisions(form_id)[0]
    assert (cause_of(revision).type, cause_of(revision).id, revision.actor_label) == ("revert", "1", "Sam Other")


def test_a_revert_is_undone_by_another_one(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    answer(form_id, kennels, agent, {"kennel_name": "Sad Tails", "has_cats": True, "cat_count": 3})
    changed = document_of(form_id, kennels, agent)

    take_back(form_id, kennels, agent, 1)
    take_back(form_id, kennels, agent, 2)

    assert document_of(form_id, kennels, agent) == changed
    with use_tenant(kennels):
        versions = dict(contents(form_id))
    assert versions[2].document == versions[4].document


def test_all_that_holds_on_every_save_holds_on_a_revert(
    form_id: UUID, kennels: Tenant, agent: Actor, saved: Callable[..., object]
) -> None:
    saved(lambda changeset: changeset.find_answer("has_cats").apply(True))
    earlier = document_of(form_id, kennels, agent, 1)

    saved(lambda changeset: changeset.tracker.replace_document(earlier))


def test_a_revert_to_the_present_version_writes_nothing(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        revert(context, 1)
        assert not context.save().written


def test_an_unknown_version_and_a_locked_copy_are_refused(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    answer(form_id, kennels, agent, {"kennel_name": "Sad Tails"})
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context, pytest.raises(UnknownVersion):
        revert(context, 3)
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        context.changeset.copy.lock()
        context.save()

    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        revert(context, 1)
        with pytest.raises(CopyIsLocked):
            context.save()

    assert document_of(form_id, kennels, agent).answers["kennel_name"].value == "Sad Tails"


def test_sealed_answers_open_after_a_revert(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    publish_release(with_sensitivity(KENNELS, owner_phone="spi"))
    form_id = make_form({"owner_phone": "614-555-0101"})
    answer(form_id, kennels, agent, {"owner_phone": "614-555-0102"})

    assert take_back(form_id, kennels, agent, 1) == []

    changeset = batch.find_changeset(form_id, scope=kennels, actor=agent)
    sealed = changeset.document.answers["owner_phone"]
    assert (sealed.value, changeset.sealing.reveal("owner_phone", sealed)) == (None, "+16145550101")


def test_an_open_value_is_sealed_if_its_question_is_secret_by_now(
    make_form: MakeForm, kennels: Tenant, agent: Actor
) -> None:
    form_id = make_form({"owner_phone": "614-555-0101"})
    publish_release(with_sensitivity(KENNELS, owner_phone="spi"))
    answer(form_id, kennels, agent, {"owner_phone": "614-555-0102"})

    take_back(form_id, kennels, agent, 1)

    changeset = batch.find_changeset(form_id, scope=kennels, actor=agent)
    sealed = changeset.document.answers["owner_phone"]
    assert (sealed.value, changeset.sealing.reveal("owner_phone", sealed)) == (None, "+16145550101")
    with use_tenant(kennels):
        assert b"6145550101" not in list(contents(form_id))[-1][1].document


def test_an_answer_whose_key_was_erased_remains_as_it_is(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    publish_release(with_sensitivity(KENNELS, owner_phone="spi"))
    form_id = make_form({"owner_phone": "614-555-0101"})
    erase_keys(form_id, scope=kennels, actor=agent, reason="for the test of reverts")

    assert take_back(form_id, kennels, agent, 1) == ["owner_phone"]

    assert not document_of(form_id, kennels, agent).answers["owner_phone"].is_answered
