"""The state of a copy, and lists of forms by state."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from batch import service as batch
from forms.selectors import in_state, list_copies, list_forms, state_of_copy
from forms.states import State, standing_of, state_of, state_of_form
from search.form_search import search_forms
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.kennel_forms import agent, kennels, make_form  # noqa: F401 - fixtures of the batch


@pytest.mark.parametrize(
    ("needed", "outcomes", "standing"),
    [
        (0, [], "incomplete"),
        (0, ["eligible"], "ready"),
        (0, ["refer", "decline"], "ready"),
        (2, ["eligible"], "incomplete"),
        (0, ["need_info", "decline"], "incomplete"),
        (0, ["decline", "locked"], "declined"),
        (3, ["decline"], "declined"),
    ],
)
def test_state_by_evaluation(needed: int, outcomes: list[str], standing: str) -> None:
    assert standing_of(needed=needed, outcomes=outcomes) == standing


def test_deletion_and_lock_come_before_the_evaluation() -> None:
    assert state_of(deleted=True, locked=True, standing="ready") == "deleted"
    assert state_of(deleted=False, locked=True, standing="ready") == "locked"
    assert state_of(deleted=False, locked=False, standing="ready") == "ready"


@pytest.mark.parametrize(
    ("copies", "state"),
    [
        (["ready", "locked", "declined"], "ready"),
        (["declined", "incomplete"], "incomplete"),
        (["declined", "locked", "deleted"], "declined"),
        (["locked", "deleted", "locked"], "locked"),
        (["deleted"], "deleted"),
        ([], "deleted"),
    ],
)
def test_the_state_of_a_form_follows_from_its_copies(copies: list[State], state: State) -> None:
    assert state_of_form(copies) == state
    assert state_of_form(copies, archived=True) == "deleted"


@pytest.mark.django_db
def test_lists_by_state_match_the_state_of_each_row(
    make_form: Callable[..., UUID],  # noqa: F811
    kennels: Tenant,  # noqa: F811
    agent: Actor,  # noqa: F811
) -> None:
    ready = make_form()
    incomplete = make_form({"state": None})
    declined = make_form({"has_cats": True, "cat_count": 120, "trade": None})
    with batch.find_and_lock(ready, scope=kennels, actor=agent) as context:
        context.changeset.copy.lock()
        context.save()

    with use_tenant(kennels):
        for state in ("ready", "incomplete", "declined", "locked", "deleted"):
            listed = list(in_state(list_forms(deleted=state == "deleted"), state))  # type: ignore[arg-type]
            assert all(state_of_copy(copy) == state for copy in listed)
        everything = {copy.id: state_of_copy(copy) for copy in list_forms()}
    assert everything[ready] == "locked"
    assert everything[incomplete] == "incomplete"
    assert set(everything) == {ready, incomplete, declined}


@pytest.mark.django_db
def test_a_form_is_listed_once_by_the_copy_touched_last(
    make_form: Callable[..., UUID],  # noqa: F811
    kennels: Tenant,  # noqa: F811
    agent: Actor,  # noqa: F811
) -> None:
    form_id = make_form()
    with batch.build_copy(form_id, scope=kennels, actor=agent, title="What if") as context:
        context.save()
        copy_id = context.copy.id

    with use_tenant(kennels):
        listed = list_forms().get()
        assert (listed.id, listed.application_form_id, listed.catalogue) == (copy_id, form_id, "kennels")
        assert [copy.id for copy in list_copies(form_id)] == [form_id, copy_id]
        assert [copy.id for copy in search_forms(list_forms(), "happy tails", personal=False)] == [copy_id]
        assert [copy.id for copy in search_forms(list_forms(), str(form_id)[:13], personal=False)] == [copy_id]
        assert not search_forms(list_forms(), "happy nobody", personal=True).exists()


@pytest.mark.django_db
def test_another_tenants_form_is_not_listed(
    make_form: Callable[..., UUID],  # noqa: F811
    kennels: Tenant,  # noqa: F811
) -> None:
    form_id = make_form()
    stranger = Tenant.objects.create(code="stranger", name="Stranger")

    with use_tenant(stranger):
        assert not list_forms().exists()
        assert not list_copies(form_id).exists()
