"""A save from load to commit: its writes, its result, and its refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from actions.models import OutboxAction
from batch import errors
from batch import service as batch
from batch.changes.mutators.quote_requests import QuoteRequestMutator
from batch.changes.records import SaveRows
from copies.changes import Cause
from copies.models import Copy, CopyIndex, CopyRevision
from forms.models import ApplicationForm, Declination
from tenants.access import Actor, system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.attached_records import only
from tests.harness.batch_asserts import assert_batch
from tests.harness.certain_text import certain
from tests.harness.kennel_catalogue import ANSWERS, HOUSES
from tests.harness.quotes import quote_of

pytestmark = pytest.mark.django_db

MakeForm = Callable[..., UUID]


def test_a_new_form_is_written_by_one_save(kennels: Tenant, agent: Actor) -> None:
    with batch.build_context(scope=kennels, actor=agent, title="Base") as context:
        context.changeset.apply_answers(ANSWERS, {"houses": HOUSES})
        result = context.save()

    assert result.version == 1
    assert result.evaluation.eligibility["PA-CARE"].outcome == "eligible"
    assert result.evaluation.eligibility["PA-CARE"].premium == 300
    assert result.evaluation.eligibility["WO-CARE"].outcome == "locked"
    with use_tenant(kennels):
        form, copy = ApplicationForm.objects.get(), Copy.objects.get()
        assert (form.id, form.catalogue, form.as_of) == (copy.id, "kennels", None)
        assert (copy.title, copy.version, copy.owner_id) == ("Base", 1, UUID(agent.id))
        assert copy.summary["insured"] == "Happy Tails"
        assert copy.summary["premiums"] == {"PA-CARE": 300}
        assert CopyRevision.objects.get().version == 1
        assert [action.payload.get("event_type") for action in OutboxAction.objects.filter(kind="publish_webhook")] == [
            "form.created",
            "answers.changed",
            *["question_set.completed"] * 3,
            "product.outcome_changed",
        ]
    assert CopyIndex.objects.get(copy_id=copy.id).tenant_id == kennels.id


def test_nothing_exists_of_a_form_that_was_not_saved(kennels: Tenant, agent: Actor) -> None:
    with batch.build_context(scope=kennels, actor=agent) as context:
        context.changeset.apply_answers(ANSWERS)

    with use_tenant(kennels):
        assert not ApplicationForm.objects.exists()
        assert not Copy.objects.exists()
    assert not CopyIndex.objects.exists()


def test_one_answer_changes_what_depends_on_it(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()

    result = assert_batch(
        form_id,
        lambda changeset: changeset.find_answer("has_cats").apply(True),
        scope=kennels,
        actor=agent,
        kinds=["index_form", "publish_webhook", "publish_webhook"],
    )

    told = {change.path: change for change in result.changes}
    assert (told["has_cats"].before, told["has_cats"].after, told["has_cats"].cause) == (
        False,
        True,
        Cause("user", agent.id),
    )
    assert (told["cat_count"].active, told["cat_count"].required) == (True, "quote")
    assert told["cat_count"].cause == Cause("rule", "cat_count")
    assert result.moved["PA-CARE"].outcome == "need_info"  # type: ignore[union-attr]
    assert result.moved["PA-CARE"].missing == ("cat_count",)  # type: ignore[union-attr]
    assert result.evaluation.needed.quote == ("cat_count",)


def test_rows_are_added_changed_and_removed(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()

    added = assert_batch(
        form_id,
        lambda changeset: changeset.find_pool("houses").add(answers={"house_name": "South", "runs": 60}),
        scope=kennels,
        actor=agent,
    )
    assert added.evaluation.eligibility["PA-CARE"].outcome == "refer"
    assert added.evaluation.eligibility["PA-CARE"].premium == 1000
    row_path = next(change.path for change in added.changes if change.path.count("/") == 1 and change.before is None)

    changed = assert_batch(
        form_id,
        lambda changeset: changeset.find_answer(f"{row_path}/runs").apply(30),
        scope=kennels,
        actor=agent,
    )
    assert [(change.path, change.before, change.after) for change in changed.changes] == [(f"{row_path}/runs", 60, 30)]

    removed = assert_batch(
        form_id,
        lambda changeset: changeset.find_pool("houses").find_row(row_path.rpartition("/")[2]).remove(),
        scope=kennels,
        actor=agent,
    )
    assert [(change.path, change.after) for change in removed.changes] == [(row_path, None)]
    assert removed.evaluation.eligibility["PA-CARE"].premium == 300


def test_a_line_removed_and_added_again_returns_its_answers(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()
    before = batch.find_changeset(form_id, scope=kennels, actor=agent).document

    assert_batch(
        form_id, lambda changeset: changeset.find_answer("lines").apply(["premises"]), scope=kennels, actor=agent
    )
    assert_batch(form_id, lambda changeset: changeset.find_answer("lines").apply(["care"]), scope=kennels, actor=agent)

    after = batch.find_changeset(form_id, scope=kennels, actor=agent).document
    assert after.answer_pools == before.answer_pools
    assert {code: answer.value for code, answer in after.answers.items()} == {
        code: answer.value for code, answer in before.answers.items()
    }


def test_the_same_value_again_writes_nothing(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()

    result = assert_batch(
        form_id,
        lambda changeset: changeset.apply_answers({**ANSWERS, "owner_ssn": None}),
        scope=kennels,
        actor=agent,
        kinds=[],
    )

    assert (result.written, result.version, result.changes) == (False, 1, [])


def test_a_wrong_value_is_refused_and_changes_nothing(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()

    with (
        pytest.raises(errors.InvalidAnswers) as refusal,
        batch.find_and_lock(form_id, scope=kennels, actor=agent) as context,
    ):
        context.changeset.apply_answers({"kennel_name": "x" * 41, "has_cats": True, "cat_count": 0})
        context.save()

    assert [(fault.path, fault.pointer) for fault in refusal.value.faults] == [
        ("kennel_name", "/answers/kennel_name"),
        ("cat_count", "/answers/cat_count"),
    ]
    assert batch.find(form_id, scope=kennels, actor=agent).version == 1


def test_a_dry_run_returns_the_result_and_writes_nothing(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()
    context = batch.find(form_id, scope=kennels, actor=agent)

    with use_tenant(kennels):
        context.changeset.apply_answers({"has_cats": True, "cat_count": 120})
        result = context.preview()

    assert result.evaluation.eligibility["PA-CARE"].outcome == "decline"
    assert result.evaluation.eligibility["WO-CARE"].outcome == "eligible"
    with use_tenant(kennels):
        assert Copy.objects.get().version == 1
        assert CopyRevision.objects.count() == 1
        assert not Declination.objects.exists()


MANY_CATS = {"has_cats": True, "cat_count": 120, "owner_ssn": "987-65-4321"}


def test_typing_records_no_declination(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()

    # On the way to Texas, as a list of states saves it: one state without the admitted product, then the right one.
    for answers in (MANY_CATS, {"cat_count": 12}, {"cat_count": 120}, {"state": "OH"}):
        assert_batch(
            form_id,
            lambda changeset, answers=answers: changeset.apply_answers(answers),
            scope=kennels,
            actor=agent,
        )

    with use_tenant(kennels):
        assert not Declination.objects.exists()


def test_acting_on_a_surplus_product_records_a_declination(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form(MANY_CATS, {"houses": [{"answers": {"house_name": "North", "runs": 90}}]})

    def act(change: Callable[[QuoteRequestMutator], object]) -> None:
        assert_batch(form_id, lambda changeset: change(only(changeset, "quote_requests")), scope=kennels, actor=agent)

    assert_batch(form_id, lambda changeset: changeset.quote_requests.request("WO-CARE"), scope=kennels, actor=agent)
    act(lambda request: request.queue())
    act(lambda request: request.submit(payload_hash="1"))
    act(lambda request: request.receive(quote_of(request, premium=900)))
    act(lambda request: request.select())

    with use_tenant(kennels):
        records = list(Declination.objects.order_by("version"))
    # Requested, queued for the carrier, and selected; the carrier's reply is no act of ours.
    assert [(record.product, record.line, record.version) for record in records] == [
        ("WO-CARE", "care", version) for version in (2, 3, 6)
    ]
    for record in records:
        # The rule that would only have referred is no reason of the decline.
        assert record.declines == {
            "PA-CARE": [{"rule": "P1", "text": "More than 100 cats", "effect": "decline", "paths": ["cat_count"]}]
        }
        assert record.inputs == {"cat_count": 120}


@pytest.mark.parametrize(("product", "answers"), [("PA-CARE", MANY_CATS), ("WO-CARE", {})])
def test_acting_on_another_product_records_nothing(
    product: str, answers: dict[str, object], make_form: MakeForm, kennels: Tenant, agent: Actor
) -> None:
    form_id = make_form(answers)

    assert_batch(form_id, lambda changeset: changeset.quote_requests.request(product), scope=kennels, actor=agent)

    with use_tenant(kennels):
        assert not Declination.objects.exists()


def test_sensitive_answers_are_stored_sealed(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()

    result = assert_batch(
        form_id, lambda changeset: changeset.find_answer("owner_ssn").apply("987-65-4321"), scope=kennels, actor=agent
    )

    assert [(change.path, change.before, change.after) for change in result.changes] == [
        ("owner_ssn", None, "•••• 4321")
    ]
    with use_tenant(kennels):
        outbox = "".join(str(action.payload) for action in OutboxAction.objects.all())
        answer = batch.find_changeset(form_id, scope=kennels, actor=agent).document.answers["owner_ssn"]
    assert answer.value is None
    assert answer.sealed is not None
    assert "4321" not in certain(outbox)


def test_a_copy_has_the_same_answers_under_a_key_of_its_own(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form({"owner_ssn": "987-65-4321"})

    with batch.build_copy(form_id, scope=kennels, actor=agent, title="What if") as context:
        context.save()
        copy_id = context.copy.id

    source = batch.find(form_id, scope=kennels, actor=agent)
    copy = batch.find(copy_id, scope=kennels, actor=agent)
    assert (copy.form.id, copy.copy.fields.title, copy.version) == (form_id, "What if", 1)
    assert copy.evaluation.eligibility == source.evaluation.eligibility
    assert source.copy.key is not None
    assert copy.copy.key is not None
    assert source.copy.key.wrapped != copy.copy.key.wrapped
    one, other = source.read_only_changeset(), copy.read_only_changeset()
    assert one.document.answer_pools == other.document.answer_pools
    sealed = other.document.answers["owner_ssn"]
    assert sealed.sealed != one.document.answers["owner_ssn"].sealed
    assert other.sealing.reveal("owner_ssn", sealed) == one.sealing.reveal(
        "owner_ssn", one.document.answers["owner_ssn"]
    )


def test_an_id_is_a_copys_then_a_forms(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()
    with batch.build_copy(form_id, scope=kennels, actor=agent) as context:
        context.save()
        copy_id = context.copy.id

    assert batch.find(form_id, scope=kennels, actor=agent).copy.id == form_id

    assert_batch(copy_id, lambda changeset: changeset.copy.make_base(), scope=kennels, actor=agent)
    assert_batch(form_id, lambda changeset: changeset.copy.delete(), scope=kennels, actor=agent)
    assert batch.find(form_id, scope=kennels, actor=agent).copy.id == copy_id
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        assert context.copy.id == copy_id


def test_jobs_never_move_the_mark_of_a_users_touch(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()
    touched = batch.find(form_id, scope=kennels, actor=agent).copy.last_touched_by_user_at

    for state, actor in (("OH", system_actor("recount")), ("TX", replace(agent, source="job"))):
        assert_batch(
            form_id,
            lambda changeset, to=state: changeset.find_answer("state").apply(to),
            scope=kennels,
            actor=actor,
        )

    assert batch.find(form_id, scope=kennels, actor=agent).copy.last_touched_by_user_at == touched


def test_another_tenants_id_is_not_found(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()
    stranger = Tenant.objects.create(code="stranger", name="Stranger", catalogue="kennels")

    for identity in (form_id, uuid4()):
        with pytest.raises(errors.NotFound):
            batch.find(identity, scope=stranger, actor=agent)
        with pytest.raises(errors.NotFound), batch.find_and_lock(identity, scope=stranger, actor=agent):
            pass


def test_another_version_is_refused(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()

    with (
        pytest.raises(errors.VersionMismatch, match="version 1, not 7"),
        batch.find_and_lock(form_id, scope=kennels, actor=agent, expected_version=7),
    ):
        pass


def test_a_save_after_another_one_is_stale_even_without_the_lock(
    make_form: MakeForm, kennels: Tenant, agent: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    form_id = make_form()

    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as slow:
        slow.changeset.find_answer("state").apply("OH")
        Copy.objects.filter(id=form_id).update(version=2)
        with pytest.raises(errors.StaleChangeset):
            slow.save()

        assert Copy.objects.get().version == 2
        assert CopyRevision.objects.count() == 1


def test_a_held_lock_is_not_waited_for_with_wait_0(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()

    with batch.find_and_lock(form_id, scope=kennels, actor=agent):
        with pytest.raises(errors.LockNotAcquired), batch.find_and_lock(form_id, scope=kennels, actor=agent, wait=0):
            pass
        with batch.find_and_lock(form_id, scope=kennels, actor=agent, wait=0, raise_on_failure=False) as none:
            assert none is None
    with batch.find_and_lock(form_id, scope=kennels, actor=agent, wait=0) as free:
        assert free.version == 1


def test_a_locked_or_deleted_copy_can_only_be_unlocked_or_restored(
    make_form: MakeForm, kennels: Tenant, agent: Actor
) -> None:
    with batch.build_copy(make_form(), scope=kennels, actor=agent) as context:
        context.save()
        form_id = context.copy.id
    for close, reopen, error in (
        ("lock", "unlock", errors.CopyIsLocked),
        ("delete", "restore", errors.CopyIsDeleted),
    ):
        assert_batch(form_id, lambda changeset, do=close: getattr(changeset.copy, do)(), scope=kennels, actor=agent)

        with (
            pytest.raises(error),
            batch.find_and_lock(form_id, scope=kennels, actor=agent, archived=True) as context,
        ):
            context.changeset.find_answer("state").apply("OH")
            context.save()

        assert_batch(form_id, lambda changeset, do=reopen: getattr(changeset.copy, do)(), scope=kennels, actor=agent)
    assert batch.find(form_id, scope=kennels, actor=agent).version == 5


def test_the_last_copy_of_a_form_stays(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()

    with pytest.raises(errors.LastCopy), batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        context.changeset.copy.delete()
        context.save()

    assert batch.find(form_id, scope=kennels, actor=agent).version == 1


def test_an_earlier_version_can_be_read(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()
    assert_batch(form_id, lambda changeset: changeset.find_answer("state").apply("OH"), scope=kennels, actor=agent)

    then = batch.find(form_id, scope=kennels, actor=agent, version=1)

    assert then.version == 1
    assert then.read_only_changeset().find_answer("state").value == "TX"
    with pytest.raises(errors.NotFound):
        batch.find(form_id, scope=kennels, actor=agent, version=3)


def test_every_row_that_a_save_writes_has_all_columns(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    made: list[SaveRows] = []
    with (
        pytest.MonkeyPatch.context() as patch,
        batch.build_context(scope=kennels, actor=agent) as context,
    ):
        patch.setattr(
            "batch.storage.write.write", lambda saves, keyed, **rest: made.extend(saves) or {saves[0].copy_id}
        )
        context.changeset.apply_answers({**ANSWERS, "has_cats": True, "cat_count": 120}, {"houses": HOUSES})
        context.changeset.quote_requests.request("WO-CARE")
        context.save()
    (save,) = made
    rows = {
        Copy: ({**save.copy, "document": b"", "evaluation": b"", "wrapped_key": None}, set()),
        CopyRevision: ({**save.revision, "document": b"", "evaluation": b"", "changes": b""}, {"id"}),
        ApplicationForm: (save.new_form, set()),
        # The columns of leases and failures are filled later.
        OutboxAction: (save.outbox[0], {"lease_token", "leased_until", "died_at"}),
        Declination: (save.declinations[0], set()),
    }

    for model, (row, made_there) in rows.items():
        assert row is not None
        assert set(row) == {field.attname for field in model._meta.concrete_fields} - made_there, model


def test_of_two_deletions_at_once_the_later_one_is_stale(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id, copies = make_form(), []
    for _ in range(2):
        with batch.build_copy(form_id, scope=kennels, actor=agent) as context:
            context.save()
            copies.append(context.copy.id)

    with (
        batch.find_and_lock(copies[0], scope=kennels, actor=agent) as one,
        batch.find_and_lock(copies[1], scope=kennels, actor=agent) as other,
    ):
        one.changeset.copy.delete()
        other.changeset.copy.delete()
        one.save()
        with pytest.raises(errors.StaleChangeset):
            other.save()


def test_an_excluded_product_is_not_evaluated(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    result = assert_batch(
        make_form(), lambda changeset: changeset.exclusions.force_exclude("PA-CARE"), scope=kennels, actor=agent
    )

    assert "PA-CARE" not in result.evaluation.eligibility
    assert result.moved["PA-CARE"] is None
