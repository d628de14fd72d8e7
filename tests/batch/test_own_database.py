"""A tenant with its own database: a save is one transaction there, and the shared one gets only the index entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.db import DEFAULT_DB_ALIAS

from batch import service as batch
from batch.errors import NotFound
from batch.reveal import RevealReason, reveal
from copies.models import Copy, CopyIndex, CopyRevision, SensitiveReveal
from tenants.access import Actor
from tenants.current_tenant import across_tenants, use_tenant
from tenants.managers import TenantModel
from tenants.models import Tenant
from tests.harness.batch_asserts import assert_batch
from tests.harness.cast import SECOND_DATABASE

pytestmark = pytest.mark.django_db(databases=["default", SECOND_DATABASE])


@pytest.fixture
def apart(kennels: Tenant) -> Tenant:
    """Return the tenant, moved to the second database before its first form."""
    kennels.database = SECOND_DATABASE
    kennels.save()
    return kennels


def test_all_of_a_form_is_in_its_tenants_database(
    apart: Tenant, agent: Actor, make_form: Callable[[dict[str, Any]], UUID]
) -> None:
    form_id = make_form({"owner_ssn": "987-65-4321"})
    assert_batch(form_id, lambda changeset: changeset.find_answer("state").apply("OH"), scope=apart, actor=agent)
    with batch.build_copy(form_id, scope=apart, actor=agent, title="What if") as context:
        context.save()
        copy_id = context.copy.id
    reveal(
        form_id,
        "owner_ssn",
        scope=apart,
        actor=agent,
        reason=RevealReason(purpose="insured", text="A call from the owner"),
    )

    with across_tenants(using=DEFAULT_DB_ALIAS):
        left = {model.__name__: model.objects.count() for model in apps.get_models() if issubclass(model, TenantModel)}
    with use_tenant(apart):
        assert set(Copy.objects.values_list("id", flat=True)) == {form_id, copy_id}
        assert CopyRevision.objects.filter(copy_id=form_id).count() == 2
        assert SensitiveReveal.objects.get().path == "owner_ssn"
    assert set(left.values()) == {0}, left
    assert set(CopyIndex.objects.values_list("copy_id", "tenant_id")) == {(form_id, apart.id), (copy_id, apart.id)}


def test_a_tenant_of_the_shared_database_does_not_find_it(
    apart: Tenant, agent: Actor, make_form: Callable[[], UUID], harbor: Tenant
) -> None:
    form_id = make_form()

    with pytest.raises(NotFound):
        batch.find(form_id, scope=harbor, actor=agent)
