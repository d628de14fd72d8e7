"""Values that were stored before their question became secret: the first save, the sealing run, and reveals until
then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from io import StringIO
from uuid import UUID

import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from batch import sealing_run
from batch import service as batch
from batch.errors import NothingToReveal, StaleChangeset
from batch.reveal import RevealReason, reveal
from batch.sealing_run import count_open_forms, seal_tenant
from catalogue.releases import forget_compiled_releases
from copies.codec import decode, decode_document
from copies.document import Answer, find_answer
from copies.history import contents
from copies.models import Copy, CopyRevision
from redis_locks.job_mutex import JobMutex
from rules.definition.catalogue import CatalogueDefinition
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.cast import SECOND_DATABASE
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.later_releases import publish_release, with_sensitivity

pytestmark = pytest.mark.django_db
REASON = RevealReason(purpose="audit", text="For the test of sealing")
MakeForm = Callable[..., UUID]
#: Later questions: the name is secret, and so is a question of the rows.
LATER = with_sensitivity(KENNELS, kennel_name="spi", house_name="spi", owner_phone="spi")


@pytest.fixture(autouse=True)
def fresh_releases() -> Iterator[None]:
    forget_compiled_releases()
    yield
    forget_compiled_releases()


def stored_answers(copy_id: UUID, tenant: Tenant, code: str) -> list[Answer]:
    """Return an answer in the copy and in each of its versions, as they are stored."""
    with use_tenant(tenant):
        present = bytes(Copy.objects.get(pk=copy_id).document)
        stored = [present, *(content.stored()[0] for _, content in contents(copy_id))]
    documents = [decode_document(found) for found in stored]
    paths = [f"houses/{document.answer_pools['houses'][0].id}/{code}" for document in documents]
    found = [
        find_answer(document, path if code == "house_name" else code)
        for document, path in zip(documents, paths, strict=True)
    ]
    return [answer for answer in found if answer is not None]


def test_the_first_save_under_the_later_release_seals(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form({"owner_phone": "614-555-0101"})
    publish_release(LATER)

    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        context.changeset.find_answer("has_cats").apply(True)
        result = context.save()

    assert "Happy Tails" not in str(result.changes)
    for code, value in (("kennel_name", "Happy Tails"), ("house_name", "North"), ("owner_phone", "+16145550101")):
        now, first, second = stored_answers(form_id, kennels, code)
        assert (now.value, now.sealed is not None, second.value) == (None, True, None)
        assert (first.value, first.sealed) == (value, None)
    changeset = batch.find_changeset(form_id, scope=kennels, actor=agent)
    answer = changeset.document.answers["kennel_name"]
    assert changeset.sealing.reveal("kennel_name", answer) == "Happy Tails"
    assert answer.answered_by is not None and answer.answered_by.id == agent.id


def test_a_save_that_changes_nothing_writes_nothing(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()
    publish_release(LATER)

    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        assert context.save().written is False


def test_a_copy_of_a_copy_is_sealed(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()
    publish_release(LATER)

    with batch.build_copy(form_id, scope=kennels, actor=agent) as context:
        context.save()

    now, first = stored_answers(context.copy.id, kennels, "kennel_name")
    assert (now.value, first.value) == (None, None)


def test_a_row_that_is_put_back_is_sealed(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        (row,) = context.changeset.find_pool("houses").rows
        row.remove()
        context.save()
    publish_release(LATER)
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        context.changeset.find_answer("has_cats").apply(True)
        context.save()
    before = batch.find(form_id, scope=kennels, actor=agent, version=1).read_only_changeset()

    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        context.changeset.find_pool("houses").put_back(before.document.answer_pools["houses"][0], position=0)
        context.save()

    with use_tenant(kennels):
        document = decode_document(bytes(Copy.objects.get(pk=form_id).document))
    assert document.answer_pools["houses"][0].answers["house_name"].value is None


def test_an_open_value_can_be_revealed(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()
    with pytest.raises(NothingToReveal):
        reveal(form_id, "kennel_name", scope=kennels, actor=agent, reason=REASON)
    publish_release(LATER)

    value = reveal(form_id, "kennel_name", scope=kennels, actor=agent, reason=REASON)

    assert value == "Happy Tails"


def test_publishing_counts_the_forms_and_the_run_seals_them(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    copies = [make_form({"kennel_name": f"Kennel number {number}"}) for number in range(3)]
    with batch.find_and_lock(copies[0], scope=kennels, actor=agent) as context:
        context.changeset.copy.lock()
        context.save()
    with batch.build_copy(copies[1], scope=kennels, actor=agent) as context:
        context.changeset.copy.make_base()
        context.save()
    with batch.find_and_lock(copies[1], scope=kennels, actor=agent) as context:
        context.changeset.copy.delete()
        context.save()

    release = publish_release(LATER)
    (notice,) = release.notices
    assert notice.startswith("3 forms hold values of questions that are secret (spi) by now")
    assert count_open_forms("kennels") == 3

    out = StringIO()
    call_command("seal_answers", "--dry-run", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {
        "tenant": "kennels", "looked_at": 4, "copies": 4, "values": 8, "revisions": 6, "events": 0, "left": 0,
        "dry_run": True,
    }  # fmt: skip
    assert count_open_forms("kennels") == 3
    call_command("seal_answers")
    assert count_open_forms("kennels") == 0
    for number, copy_id in enumerate(copies):
        assert {answer.value for answer in stored_answers(copy_id, kennels, "kennel_name")} == {None}
        changeset = batch.find_changeset(copy_id, scope=kennels, actor=agent, archived=True)
        answer = changeset.document.answers["kennel_name"]
        assert changeset.sealing.reveal("kennel_name", answer) == f"Kennel number {number}"
        for version in (1, 2):
            then = batch.find(copy_id, scope=kennels, actor=agent, version=version, archived=True).read_only_changeset()
            assert then.sealing.reveal("kennel_name", then.document.answers["kennel_name"]) == f"Kennel number {number}"
    again = StringIO()
    call_command("seal_answers", "--json", stdout=again)
    assert json.loads(again.getvalue())["copies"] == 0


def renamed() -> CatalogueDefinition:
    """Return the kennels whose phone and name of a house have new codes and are secret."""
    new = {"owner_phone": "owner_call", "runs": "run_count"}
    later = with_sensitivity(KENNELS, owner_phone="spi", runs="spi")
    sets = tuple(
        msgspec.structs.replace(
            part,
            questions=tuple(
                msgspec.structs.replace(question, code=new[question.code], was=question.code)
                if question.code in new
                else question
                for question in part.questions
            ),
        )
        for part in later.question_sets
    )
    return msgspec.structs.replace(later, question_sets=sets, products=(), lines=(), carriers=())


def test_a_question_that_is_renamed_and_secret(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    saved, left = make_form({"owner_phone": "614-555-0101"}), make_form({"owner_phone": "614-555-0102"})

    release = publish_release(renamed())
    assert release.notices[0].startswith("2 forms hold")
    with batch.find_and_lock(saved, scope=kennels, actor=agent) as context:
        context.changeset.find_answer("has_cats").apply(True)
        context.save()
    call_command("seal_answers")

    with use_tenant(kennels):
        rows = list(CopyRevision.objects.order_by("copy_id", "version"))
        stored = [content.stored()[0] for copy_id in sorted({saved, left}) for _, content in contents(copy_id)]
    assert len(rows) == 5  # the last is the version that vouches for the sealing of the first
    for row, found in zip(rows, stored, strict=True):
        document = decode_document(found)
        phones = [answer for code, answer in document.answers.items() if code in ("owner_phone", "owner_call")]
        assert [(answer.value, answer.sealed is not None) for answer in phones] == [(None, True)]
        assert not any(
            phone in f"{decode(bytes(row.changes), list)}{document}" for phone in ("6145550101", "6145550102")
        )
    for copy_id, phone in ((saved, "+16145550101"), (left, "+16145550102")):
        changeset = batch.find(copy_id, scope=kennels, actor=agent).read_only_changeset()
        assert changeset.sealing.reveal("owner_call", changeset.document.answers["owner_call"]) == phone
        then = batch.find(copy_id, scope=kennels, actor=agent, version=1).read_only_changeset()
        assert then.sealing.reveal("owner_phone", then.document.answers["owner_phone"]) == phone


def test_a_run_that_stopped_goes_on(
    make_form: MakeForm, kennels: Tenant, agent: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = [make_form() for _ in range(4)]
    publish_release(LATER)
    monkeypatch.setattr(sealing_run, "CHUNK", 2)

    progress = seal_tenant(kennels)
    assert next(progress).looked_at == 2
    progress.close()
    assert count_open_forms("kennels") == 2
    *_, done = seal_tenant(kennels)

    assert (done.looked_at, done.copies, count_open_forms("kennels")) == (4, 2, 0)
    assert all(stored_answers(copy_id, kennels, "kennel_name")[0].value is None for copy_id in copies)


def test_a_save_that_was_loaded_before_the_run_is_stale(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()
    publish_release(LATER)
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        context.changeset.find_answer("has_cats").apply(True)
        # As if Redis were away: nobody waits for anybody.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                sealing_run.service, "find_and_lock", lambda copy_id, **options: _without_lock(copy_id, kennels)
            )
            list(seal_tenant(kennels))
        with pytest.raises(StaleChangeset):
            context.save()

    assert {answer.value for answer in stored_answers(form_id, kennels, "kennel_name")} == {None}


class _without_lock:  # noqa: N801 - stands in for a function
    def __init__(self, copy_id: UUID, tenant: Tenant) -> None:
        self._context = batch.find(copy_id, scope=tenant, actor=sealing_run._ACTOR)

    def __enter__(self) -> object:
        return self._context

    def __exit__(self, *error: object) -> None:
        self._context.close()


@pytest.mark.django_db(databases=["default", SECOND_DATABASE])
def test_a_tenants_own_database(kennels: Tenant, agent: Actor) -> None:
    apart = Tenant.objects.create(code="apart", name="Apart", catalogue="kennels", database=SECOND_DATABASE)
    with batch.build_context(scope=apart, actor=agent) as context:
        context.changeset.apply_answers({"kennel_name": "Far Away"})
        context.save()
    release = publish_release(LATER)
    assert release.notices[0].startswith("1 form holds")

    call_command("seal_answers", "--tenant", "apart")

    with use_tenant(apart):
        assert decode_document(bytes(Copy.objects.get().document)).answers["kennel_name"].value is None
    assert SECOND_DATABASE in connections


def test_two_runs_at_once_and_an_unknown_tenant_are_refused(kennels: Tenant) -> None:
    with JobMutex("seal_answers"), pytest.raises(CommandError, match="in progress"):
        call_command("seal_answers")
    with pytest.raises(CommandError, match="no tenant"):
        call_command("seal_answers", "--tenant", "nowhere")
