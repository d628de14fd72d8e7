"""Question sets that are added and removed by hand, against the result of the rules."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from batch import service as batch
from batch.changes.changeset import Changeset
from batch.errors import QuestionSetIsAskedFor, UnknownQuestionSet
from copies.models import CopyRevision
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.batch_asserts import assert_batch

pytestmark = pytest.mark.django_db
MakeForm = Callable[..., UUID]


def codes(form_id: UUID, tenant: Tenant, actor: Actor) -> list[str]:
    return [found.code for found in batch.find_changeset(form_id, scope=tenant, actor=actor).document.question_sets]


def test_a_kept_set_stays_without_its_condition(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form({"lines": ["premises"]})
    assert "houses" not in codes(form_id, kennels, agent)

    def put_on(changeset: Changeset) -> None:
        changeset.add_question_set("houses").keep_if_ineligible()

    assert_batch(form_id, put_on, scope=kennels, actor=agent)
    assert_batch(form_id, lambda changeset: changeset.copy.rename("Other"), scope=kennels, actor=agent)
    assert "houses" in codes(form_id, kennels, agent)

    assert_batch(form_id, lambda changeset: changeset.find_question_set("houses").remove(), scope=kennels, actor=agent)
    assert "houses" not in codes(form_id, kennels, agent)


def test_a_set_that_is_not_kept_is_removed_at_once(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form({"lines": ["premises"]})

    result = assert_batch(form_id, lambda changeset: changeset.add_question_set("houses"), scope=kennels, actor=agent)

    assert not result.written


@pytest.mark.parametrize("is_kept", [False, True])
def test_a_set_that_the_rules_require_cannot_be_removed(
    make_form: MakeForm, kennels: Tenant, agent: Actor, is_kept: bool
) -> None:
    form_id = make_form()
    before = codes(form_id, kennels, agent)

    with (
        pytest.raises(QuestionSetIsAskedFor, match="'set:houses'"),
        batch.find_and_lock(form_id, scope=kennels, actor=agent) as context,
    ):
        found = context.changeset.find_question_set("houses")
        if is_kept:
            found.keep_if_ineligible()
        found.remove()
        context.changeset.copy.rename("Not either")
        context.save()

    assert codes(form_id, kennels, agent) == before
    with use_tenant(kennels):
        assert CopyRevision.objects.filter(copy_id=form_id).count() == 1


def test_a_set_is_removed_with_the_change_that_ends_its_condition(
    make_form: MakeForm, kennels: Tenant, agent: Actor
) -> None:
    form_id = make_form()

    def change(changeset: Changeset) -> None:
        changeset.find_question_set("houses").remove()
        changeset.find_answer("lines").apply(["premises"])

    assert_batch(form_id, change, scope=kennels, actor=agent)

    assert "houses" not in codes(form_id, kennels, agent)


def test_an_unknown_set_is_refused(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock(make_form(), scope=kennels, actor=agent) as context:
        with pytest.raises(UnknownQuestionSet):
            context.changeset.add_question_set("none")
        with pytest.raises(UnknownQuestionSet):
            context.changeset.find_question_set("none")
