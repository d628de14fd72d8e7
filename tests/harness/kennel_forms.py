"""The batch's own fixtures: a tenant with the kennel catalogue, people who act, and a form to work on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from batch import service as batch
from batch.changes.changeset import Changeset
from tenants.access import Actor, Right
from tenants.models import Tenant
from tests.harness.batch_asserts import assert_batch
from tests.harness.first_releases import publish_first
from tests.harness.kennel_catalogue import ANSWERS, HOUSES, KENNELS

AGENT = Actor(type="user", id=str(UUID(int=7)), source="web", label="Robin Agent", rights=frozenset(Right))


@pytest.fixture
def kennels(db: None) -> Tenant:
    """Return a tenant whose forms are asked by the kennel catalogue, which has no draft."""
    publish_first(KENNELS)
    return Tenant.objects.create(code="kennels", name="Kennel Brokers", catalogue="kennels")


@pytest.fixture
def agent() -> Actor:
    """Return a person who works at the tenant."""
    return AGENT


@pytest.fixture
def make_form(kennels: Tenant, agent: Actor) -> Callable[..., UUID]:
    """Return a maker of forms: answers go on top of those with which PA-CARE is eligible; returns the form's id."""

    def make(answers: dict[str, Any] | None = None, answer_pools: dict[str, Any] | None = None) -> UUID:
        with batch.build_context(scope=kennels, actor=agent, title="Base") as context:
            context.changeset.apply_answers({**ANSWERS, **(answers or {})}, answer_pools or {"houses": HOUSES})
            context.save()
            return context.form.id

    return make


@pytest.fixture
def form_id(make_form: Callable[..., UUID]) -> UUID:
    """Return a saved form."""
    return make_form()


@pytest.fixture
def saved(form_id: UUID, kennels: Tenant, agent: Actor) -> Callable[..., Any]:
    """Return what carries a change out on the form and checks everything that holds on every save."""

    def save(change: Callable[[Changeset], object]) -> Any:
        return assert_batch(form_id, change, scope=kennels, actor=agent)

    return save
