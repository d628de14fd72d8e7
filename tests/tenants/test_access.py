"""Rights of roles, actors and API clients, and the constraints of users in the database."""

from __future__ import annotations

import dataclasses

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from tenants.access import RIGHT_TEXTS, ROLE_RIGHTS, Actor, MissingRight, Right, Role, system_actor
from tenants.models import ApiClient, Tenant, User

AGENT = {Right.READ_FORMS, Right.WRITE_FORMS, Right.READ_PERSONAL, Right.READ_CATALOGUE, Right.BIND_QUOTES}


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        (Role.AGENT, AGENT),
        (
            Role.TENANT_ADMIN,
            AGENT | {Right.REVEAL_SENSITIVE, Right.SET_AS_OF, Right.MANAGE_WEBHOOKS, Right.MANAGE_AGENCY},
        ),
        (Role.STAFF, {Right.READ_FORMS, Right.READ_CATALOGUE}),
    ],
)
def test_rights_of_roles(role: Role, rights: set[Right]) -> None:
    assert ROLE_RIGHTS[role] == rights


def test_every_role_and_right_is_described() -> None:
    assert set(ROLE_RIGHTS) == set(Role)
    assert set(RIGHT_TEXTS) == set(Right)


def test_a_missing_right_is_named() -> None:
    actor = Actor(type="user", id="1", source="web", rights=frozenset({Right.READ_FORMS}))

    actor.require(Right.READ_FORMS)
    with pytest.raises(MissingRight, match="'forms:write'") as refusal:
        actor.require(Right.WRITE_FORMS)

    assert refusal.value.right is Right.WRITE_FORMS
    assert (actor.may(Right.READ_FORMS), actor.may(Right.WRITE_FORMS)) == (True, False)


def test_an_actor_cannot_get_more_rights() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        system_actor("sweep").rights = frozenset()  # type: ignore[misc]


def test_people_act_with_their_own_kind(owner: User, staff: User) -> None:
    assert owner.as_actor(source="web") == Actor(
        type="user", id=str(owner.id), source="web", label="Ona Owner", rights=ROLE_RIGHTS[Role.AGENT]
    )
    assert (staff.as_actor(source="admin").type, staff.rights) == ("staff", ROLE_RIGHTS[Role.STAFF])
    assert owner.id.version == 7


def test_a_client_has_the_rights_of_both_its_token_and_itself(harbor_client: ApiClient) -> None:
    harbor_client.allowed_scopes = [Right.READ_FORMS, Right.READ_CATALOGUE]

    actor = harbor_client.as_actor(scopes=["forms:read", "forms:write", "unheard:of"])

    assert (actor.type, actor.source, actor.rights) == ("api_client", "api", {Right.READ_FORMS})


def test_a_client_starts_with_the_least_scopes_and_keeps_its_secret_hashed(harbor: Tenant) -> None:
    client = ApiClient.objects.create(client_id="new", client_secret="new-secret", name="New", tenant=harbor)

    client.refresh_from_db()

    assert client.allowed_scopes == ["forms:read", "catalogue:read"]
    assert "new-secret" not in client.client_secret


def test_an_address_is_taken_in_any_case(owner: User) -> None:
    with pytest.raises(IntegrityError, match="user_email_once"), transaction.atomic():
        User(email="OWNER@Harbor.Example", role=Role.AGENT, tenant=owner.tenant).save()

    assert User.objects.get_by_natural_key("Owner@HARBOR.example") == owner


@pytest.mark.django_db
@pytest.mark.parametrize("role", list(Role))
def test_only_staff_are_without_a_tenant(role: Role) -> None:
    user = User(email="somebody@partner-engine.example", role=role)
    if role is Role.STAFF:
        user.save()
        user.tenant = Tenant.objects.create(code="any", name="Any")

    with pytest.raises(IntegrityError, match="user_has_tenant_unless_staff"), transaction.atomic():
        user.save()


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("time_zone", "Mars/Olympus", "is not a time zone"),
        ("time_zone", "../etc/passwd", "is not a time zone"),
        ("database", "elsewhere", "Set TENANT_DATABASE_ELSEWHERE and restart"),
    ],
)
def test_a_tenant_is_checked_where_it_is_entered(harbor: Tenant, field: str, value: str, told: str) -> None:
    harbor.full_clean()
    setattr(harbor, field, value)

    with pytest.raises(ValidationError) as refusal:
        harbor.full_clean()

    assert list(refusal.value.message_dict) == [field]
    assert told in refusal.value.message_dict[field][0]
