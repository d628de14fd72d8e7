"""Revealing a sensitive answer needs the right and a reason, and is recorded."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from uuid import UUID

import pytest

from batch import errors
from batch.reveal import RevealReason, reveal
from copies.models import SensitiveReveal
from tenants.access import Actor, MissingRight, Right
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

pytestmark = pytest.mark.django_db
SSN = "987-65-4321"
REASON = RevealReason(purpose="carrier", text="Carrier asks by phone")


def test_the_value_is_returned_and_the_reveal_recorded(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor
) -> None:
    form_id = make_form({"owner_ssn": SSN})

    value = reveal(
        form_id,
        "owner_ssn",
        scope=kennels,
        actor=agent,
        reason=RevealReason.checked(purpose="carrier", text=" Carrier asks by phone "),
    )

    assert str(value).replace("-", "") == SSN.replace("-", "")
    with use_tenant(kennels):
        proof = SensitiveReveal.objects.get()
    assert (proof.copy_id, proof.path, proof.reason) == (form_id, "owner_ssn", "Carrier asks by phone")
    assert (proof.actor_id, proof.source, proof.version) == (agent.id, "web", 1)


def test_without_right_or_reason_nothing_is_revealed(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor
) -> None:
    form_id = make_form({"owner_ssn": SSN})
    without = dataclasses.replace(agent, rights=agent.rights - {Right.REVEAL_SENSITIVE})

    with pytest.raises(MissingRight):
        reveal(form_id, "owner_ssn", scope=kennels, actor=without, reason=REASON)
    for text in ("", "   ", "nine char", "x" * 501, "..........", "aaaaaaaaaaaaaaa"):
        with pytest.raises(errors.NoReason):
            RevealReason.checked(purpose="carrier", text=text)
    with pytest.raises(errors.UnknownPurpose, match="insured"):
        RevealReason.checked(purpose="curiosity", text="Carrier asks by phone")
    for path in ("state", "nope", "houses/none/runs"):
        with pytest.raises(errors.NothingToReveal):
            reveal(form_id, path, scope=kennels, actor=agent, reason=REASON)

    with use_tenant(kennels):
        assert not SensitiveReveal.objects.exists()
