"""Erased keys: no version of a form's sensitive answers opens again, and the form asks for them anew."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command

from batch import service as batch
from batch.errors import NoReason, NothingToReveal
from batch.key_erasure import Erased, erase_keys
from batch.reveal import RevealReason, reveal
from copies.history import changes_of
from copies.models import Copy, CopyRevision
from decisions.waiting import list_waiting
from encryption.envelope import DecryptionFailed
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

pytestmark = pytest.mark.django_db
MakeForm = Callable[..., UUID]
SSN = "987-65-4321"
REASON = "The owner asked for erasure"


@pytest.fixture
def form(make_form: MakeForm, kennels: Tenant, agent: Actor) -> UUID:
    """Return a form with a sensitive answer in two copies, one of them deleted and one locked."""
    form_id = make_form({"owner_ssn": SSN})
    with batch.build_copy(form_id, scope=kennels, actor=agent) as context:
        context.save()
        copy_id = context.copy.id
    with batch.find_and_lock(copy_id, scope=kennels, actor=agent) as context:
        context.changeset.copy.delete()
        context.save()
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        context.changeset.copy.lock()
        context.save()
    return form_id


def copies_of(form: UUID, tenant: Tenant) -> list[UUID]:
    with use_tenant(tenant):
        return list(Copy.objects.filter(application_form_id=form).values_list("pk", flat=True))


def test_no_version_of_any_copy_opens_again(form: UUID, kennels: Tenant, agent: Actor) -> None:
    before = {
        copy: batch.find(copy, scope=kennels, actor=agent, archived=True).version for copy in copies_of(form, kennels)
    }

    assert erase_keys(form, scope=kennels, actor=agent, reason=REASON) == Erased(copies=2, answers=2)

    for copy, version in before.items():
        with use_tenant(kennels):
            row = Copy.objects.get(pk=copy)
            change = changes_of(CopyRevision.objects.get(copy_id=copy, version=version + 1))
        assert (row.wrapped_key, row.key_id, row.version) == (None, "", version + 1)
        assert [(one.path, one.before, one.after, one.tag) for one in change] == [
            ("owner_ssn", "•••• 4321", None, "spi")
        ]
        assert change[0].cause.id == agent.id
        with pytest.raises(NothingToReveal):
            reveal(copy, "owner_ssn", scope=kennels, actor=agent, reason=RevealReason(purpose="audit", text=REASON))
        for past in range(1, version + 1):
            changeset = batch.find(copy, scope=kennels, actor=agent, archived=True, version=past).read_only_changeset()
            with pytest.raises(DecryptionFailed):
                changeset.sealing.reveal("owner_ssn", changeset.document.answers["owner_ssn"])


def test_a_new_answer_gets_a_new_key_and_opens(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form({"owner_ssn": SSN})
    erase_keys(form_id, scope=kennels, actor=agent, reason=REASON)
    with use_tenant(kennels):
        assert list_waiting([kennels], alias=kennels.database_alias)

    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        context.changeset.find_answer("owner_ssn").apply("987-65-4329")
        context.save()

    value = reveal(form_id, "owner_ssn", scope=kennels, actor=agent, reason=RevealReason(purpose="audit", text=REASON))
    assert str(value).replace("-", "") == "987654329"
    old = batch.find(form_id, scope=kennels, actor=agent, version=1).read_only_changeset().document
    with pytest.raises(DecryptionFailed):
        batch.find(form_id, scope=kennels, actor=agent).sealer.reveal("owner_ssn", old.answers["owner_ssn"])


def test_nothing_is_erased_twice_or_without_a_reason(form: UUID, kennels: Tenant, agent: Actor) -> None:
    for reason in ("", "short", "x" * 501, "----------"):
        with pytest.raises(NoReason):
            erase_keys(form, scope=kennels, actor=agent, reason=reason)
    erase_keys(form, scope=kennels, actor=agent, reason=REASON)

    assert erase_keys(form, scope=kennels, actor=agent, reason=REASON) == Erased(copies=0, answers=0)


def test_the_command_needs_a_confirmation(form: UUID, kennels: Tenant) -> None:
    with pytest.raises(CommandError, match="--confirm"):
        call_command("erase_keys", str(form), reason=REASON)
    with pytest.raises(CommandError, match="No form"):
        call_command("erase_keys", str(uuid4()), reason=REASON)
    with pytest.raises(CommandError, match="reason"):
        call_command("erase_keys", str(form), reason="no", confirm=form)
    out = StringIO()

    call_command("erase_keys", str(form), reason=REASON, confirm=form, stdout=out)

    assert "2 copies, with 2 sensitive answers" in out.getvalue()
    call_command("verify_history", all=True, stdout=out, stderr=out)
