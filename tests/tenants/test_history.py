"""The history of edited rows: who, before and after; no secret; nothing for what changes by itself."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models

from tenants.access import Actor, system_actor
from tenants.current_actor import current_actor, use_actor
from tenants.current_tenant import use_tenant
from tenants.history import History
from tenants.managers import TenantModel
from tenants.models import ApiClient, Flag, OwnRateLimit, RateLimit, Tenant, User
from tests.harness.cast import PASSWORD, SECOND_DATABASE
from webhooks import endpoints
from webhooks.models import WebhookEndpoint

#: Parts of names of columns that hold secrets; ``tenant_id`` and the like hold none.
SECRETIVE = ("secret", "password", "token", "hash", "key_id", "wrapped")
ROBIN = Actor(type="user", id="robin", source="web", label="Robin Hale")


def test_every_edited_table_is_tracked() -> None:
    assert {model.__name__ for model in History.trackers} == {
        "ApiClient", "CarrierLink", "CompanySignIn", "Flag", "OwnRateLimit", "RateLimit", "Tenant", "User",
        "WebhookEndpoint",
    }  # fmt: skip


def test_no_history_has_a_column_for_a_secret() -> None:
    for model in History.trackers:
        columns = model.history.model._meta.concrete_fields  # type: ignore[attr-defined]
        names = [field.name for field in columns]
        assert not [name for name in names for part in SECRETIVE if part in name], model
        assert not [field.name for field in columns if isinstance(field, models.BinaryField)], model
        assert issubclass(model.history.model, TenantModel) is issubclass(model, TenantModel)  # type: ignore[attr-defined]


def test_the_product_itself_acts_outside_of_any_actor() -> None:
    with use_actor(ROBIN):
        assert current_actor() == ROBIN
        with use_actor(None):
            assert current_actor() == system_actor("system")
    assert current_actor() == system_actor("system")


@pytest.mark.django_db
def test_each_change_has_its_author_and_the_values(harbor: Tenant) -> None:
    before = harbor.history.count()

    with use_actor(ROBIN):
        harbor.name = "Harbor and Sons"
        harbor.save(update_fields=["name"])

    newest, older = harbor.history.all()[:2]
    assert harbor.history.count() == before + 1
    assert (newest.name, older.name) == ("Harbor and Sons", "Harbor Insurance Partners")
    assert (newest.history_type, newest.actor_label, newest.actor_type, newest.source) == (
        "~", "Robin Hale", "user", "web",
    )  # fmt: skip
    assert newest.history_user_id == "robin"


@pytest.mark.django_db
def test_what_changes_by_itself_is_not_in_the_history(owner: User, harbor: Tenant) -> None:
    before = owner.history.count()

    owner.save(update_fields=["last_login"])
    owner.refuse_older_sessions()

    assert owner.history.count() == before


@pytest.mark.django_db
def test_a_replaced_secret_is_noted_and_not_stored(owner: User) -> None:
    owner.set_password(f"{PASSWORD}-new")
    owner.save(update_fields=["password"])

    newest = owner.history.first()
    assert newest is not None
    assert newest.history_change_reason == "Replaced: password."
    assert owner.password not in str(vars(newest))


@pytest.mark.django_db
def test_a_deleted_row_keeps_its_history(harbor: Tenant) -> None:
    limit = OwnRateLimit.objects.create(scope="api", tenant=harbor, amount=5, window=60)
    key = limit.pk

    limit.delete()

    kept = OwnRateLimit.history.filter(id=key)
    assert [(row.history_type, row.amount) for row in kept] == [("-", 5), ("+", 5)]
    others: list[Any] = [
        ApiClient.objects.create(name="Bridge", tenant=harbor),
        Flag.objects.create(name="copies"),
        RateLimit.objects.create(scope="nothing", amount=5, window=60),
    ]
    for row in others:
        own = {row._meta.pk.name: row.pk}
        row.delete()
        assert [old.history_type for old in type(row).history.filter(**own)] == ["-", "+"], row


@pytest.mark.django_db(databases=["default", SECOND_DATABASE])
@pytest.mark.parametrize("where", ["harbor", "summit_apart"])
def test_the_history_of_an_endpoint_is_in_its_tenants_database(where: str, request: pytest.FixtureRequest) -> None:
    tenant: Tenant = request.getfixturevalue(where)
    actor = system_actor("test")
    with use_tenant(tenant), use_actor(ROBIN):
        endpoint, _ = endpoints.add(
            "https://hooks.example.com/in", tenant=tenant, actor=actor, event_types=["*"], description="Ours"
        )
        endpoints.change(endpoint, actor=actor, description="Theirs")
        endpoints.rotate_secret(endpoint, actor=actor)
        endpoints.remove(endpoint, actor=actor)
        rows = list(WebhookEndpoint.history.filter(id=endpoint.id))

    assert [row.history_type for row in rows] == ["-", "~", "~", "+"]
    assert [row.description for row in rows] == ["Theirs", "Theirs", "Theirs", "Ours"]
    assert rows[1].history_change_reason == "Replaced: previous secret, secret."
    assert {(row._state.db, row.tenant_id) for row in rows} == {(tenant.database_alias, tenant.id)}
