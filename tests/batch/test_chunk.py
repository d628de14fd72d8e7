"""Many copies at once: one round trip each to load and save, and a bad copy does not affect the others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, OperationalError, connections
from django.test.utils import CaptureQueriesContext
from msgspec.structs import replace

from actions.models import OutboxAction
from actions.outbox import outbox_rows
from batch import errors, misuse
from batch import service as batch
from batch.changes.changeset import Changeset
from batch.chunk import MOST_COPIES, Chunk, ItemResult
from batch.storage.load import load
from batch.storage.load_many import load_many
from batch.storage.write import write
from copies.codec import UnreadableDocument
from copies.models import Copy, CopyRevision
from forms.models import ApplicationForm, Message
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def forms(make_form: Callable[..., UUID]) -> list[UUID]:
    return [make_form({"kennel_name": f"Kennel {number}"}) for number in range(5)]


def to_ohio(changeset: Changeset) -> None:
    changeset.find_answer("state").apply("OH")
    changeset.messages.add("Moved")


def states(forms: list[UUID], scope: Tenant, actor: Actor) -> list[Any]:
    return [batch.find_changeset(form_id, scope=scope, actor=actor).find_answer("state").value for form_id in forms]


def test_a_chunk_is_loaded_and_saved_with_one_statement_each(forms: list[UUID], kennels: Tenant, agent: Actor) -> None:
    with CaptureQueriesContext(connections["default"]) as queries:
        with batch.find_and_lock_many(forms, scope=kennels, actor=agent) as chunk:
            chunk.apply(to_ohio)
            outcomes = chunk.save()

    sent = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert [("AS w (id)" in text, "WITH content" in text) for text in sent if "copies_copy" in text] == [
        (True, False),
        (False, True),
    ]
    assert [outcome.id for outcome in outcomes] == forms
    assert [outcome.result.version for outcome in outcomes if outcome.result] == [2] * 5
    assert states(forms, kennels, agent) == ["OH"] * 5
    with use_tenant(kennels):
        assert Message.objects.count() == 5
        assert sorted(CopyRevision.objects.filter(version=2).values_list("copy_id", flat=True)) == sorted(forms)
        assert set(OutboxAction.objects.filter(version=2).values_list("copy_id", flat=True)) == set(forms)


def test_statements_do_not_grow_with_the_chunk(forms: list[UUID], kennels: Tenant, agent: Actor) -> None:
    counts = set()
    for size in (1, 2, 5):
        with CaptureQueriesContext(connections["default"]) as queries:
            with batch.find_and_lock_many(forms[:size], scope=kennels, actor=agent) as chunk:
                chunk.apply(lambda changeset: changeset.messages.add("Again"))
                chunk.save()
        counts.add(sum(1 for query in queries if "copies_copy" in query["sql"]))

    assert counts == {2}


def test_a_fault_of_one_copy_is_reported_and_affects_no_other(forms: list[UUID], kennels: Tenant, agent: Actor) -> None:
    refused, stale, locked, held = forms[:4]
    unknown = uuid4()
    with batch.find_and_lock(locked, scope=kennels, actor=agent) as context:
        context.changeset.copy.lock()
        context.save()

    def change(changeset: Changeset) -> None:
        if changeset.document.answers["kennel_name"].value == "Kennel 0":
            changeset.find_answer("nothing_of_the_kind").apply(1)
        to_ohio(changeset)

    with (
        batch.find_and_lock(held, scope=kennels, actor=agent),
        batch.find_and_lock_many([*forms, unknown], scope=kennels, actor=agent, wait=0) as chunk,
    ):
        chunk.apply(change)
        Copy.objects.filter(id=stale).update(version=7)
        outcomes = {outcome.id: outcome for outcome in chunk.save()}

    found = {identity: type(outcome.error) for identity, outcome in outcomes.items() if outcome.error}
    assert found == {
        refused: errors.UnknownQuestion,
        stale: errors.StaleChangeset,
        locked: errors.CopyIsLocked,
        held: errors.LockNotAcquired,
        unknown: errors.NotFound,
    }
    assert outcomes[forms[4]].result is not None
    assert states(forms, kennels, agent) == ["TX", "TX", "TX", "TX", "OH"]
    with use_tenant(kennels):
        assert [message.copy_id for message in Message.objects.all()] == [forms[4]]
    with batch.find_and_lock_many(forms, scope=kennels, actor=agent, wait=0) as again:
        assert again.errors == {}


def test_only_the_copy_that_the_database_refuses_is_left_out(
    forms: list[UUID], kennels: Tenant, agent: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows(actions: Any, **known: Any) -> list[dict[str, Any]]:
        made = outbox_rows(actions, **known)
        return [{**row, "kind": None if known["copy_id"] == forms[1] else row["kind"]} for row in made]

    monkeypatch.setattr("batch.storage.rows.outbox_rows", rows)

    with batch.find_and_lock_many(forms, scope=kennels, actor=agent) as chunk:
        chunk.apply(to_ohio)
        outcomes = chunk.save()

    assert [isinstance(outcome.error, DatabaseError) for outcome in outcomes] == [False, True, False, False, False]
    assert states(forms, kennels, agent) == ["OH", "TX", "OH", "OH", "OH"]


def test_ids_of_forms_mean_their_copy_and_each_copy_counts_once(
    forms: list[UUID], kennels: Tenant, agent: Actor
) -> None:
    form_id = forms[0]
    with batch.build_copy(form_id, scope=kennels, actor=agent) as context:
        context.changeset.copy.make_base()
        context.save()
        copy_id = context.copy.id
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        context.changeset.copy.delete()
        context.save()

    with batch.find_and_lock_many([copy_id, form_id, forms[1]], scope=kennels, actor=agent, wait=0) as chunk:
        chunk.apply(to_ohio)
        outcomes = chunk.save()

    assert [type(outcome.error) for outcome in outcomes] == [type(None), errors.TwiceInChunk, type(None)]
    with batch.find_and_lock_many([form_id], scope=kennels, actor=agent, wait=0) as chunk:
        (context,) = chunk
        assert context.copy.id == copy_id


def test_without_changes_nothing_is_written(forms: list[UUID], kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock_many(forms, scope=kennels, actor=agent) as chunk:
        outcomes: list[ItemResult] = chunk.save()

    assert [outcome.result.written for outcome in outcomes if outcome.result] == [False] * 5


def test_two_copies_of_a_form_in_one_chunk(forms: list[UUID], kennels: Tenant, agent: Actor) -> None:
    with batch.build_copy(forms[0], scope=kennels, actor=agent) as context:
        context.save()
        copy_id = context.copy.id

    with batch.find_and_lock_many([forms[0], copy_id], scope=kennels, actor=agent) as chunk:
        for context in chunk:
            context.changeset.application_form.refer_as(str(context.copy.id))
        outcomes = chunk.save()

    assert [type(outcome.error) for outcome in outcomes] == [type(None), errors.StaleChangeset]
    with use_tenant(kennels):
        assert ApplicationForm.objects.get(id=forms[0]).reference == str(forms[0])


def test_a_chunk_has_its_bounds(kennels: Tenant, agent: Actor) -> None:
    with (
        pytest.raises(misuse.ChunkTooLarge, match=f"at most {MOST_COPIES}"),
        batch.find_and_lock_many([uuid4() for _ in range(MOST_COPIES + 1)], scope=kennels, actor=agent),
    ):
        pass
    with batch.find_and_lock_many([], scope=kennels, actor=agent) as chunk:
        assert isinstance(chunk, Chunk)
        assert chunk.save() == []


def test_every_copy_is_evaluated_on_its_own_day(make_form: Callable[..., UUID], kennels: Tenant, agent: Actor) -> None:
    with batch.build_context(scope=kennels, actor=agent, as_of=date(2020, 1, 1)) as context:
        context.save()
        dated = context.form.id
    other = make_form()

    with batch.find_and_lock_many([dated, other], scope=kennels, actor=agent) as chunk:
        chunk.apply(to_ohio)
        chunk.save()

    found = [batch.find(form_id, scope=kennels, actor=agent) for form_id in (dated, other)]
    assert found[0].evaluation.as_of == date(2020, 1, 1)
    assert found[1].evaluation.as_of > date(2020, 1, 1)
    assert all(context.is_evaluation_current for context in found)


def test_an_unknown_result_is_not_reported_as_a_refusal(
    forms: list[UUID], kennels: Tenant, agent: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []

    def lost(saves: list[Any], keyed: None, *, scope: Tenant, companion: None) -> set[UUID]:
        written.append(len(saves))
        write(saves, keyed, scope=scope)
        raise OperationalError("the connection is lost")

    monkeypatch.setattr("batch.storage.write.write", lost)

    with (
        pytest.raises(OperationalError),
        batch.find_and_lock_many(forms, scope=kennels, actor=agent) as chunk,
    ):
        chunk.apply(to_ohio)
        chunk.save()

    assert written == [5]


def test_an_unreadable_copy_affects_no_other(forms: list[UUID], kennels: Tenant, agent: Actor) -> None:
    with use_tenant(kennels):
        Copy.objects.filter(id=forms[0]).update(document=b"\x01nothing")

    with batch.find_and_lock_many(forms, scope=kennels, actor=agent) as chunk:
        chunk.apply(to_ohio)
        outcomes = chunk.save()

    assert [type(outcome.error) for outcome in outcomes] == [UnreadableDocument, *[type(None)] * 4]


def test_an_unstorable_value_affects_no_other_copy(forms: list[UUID], kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock_many(forms, scope=kennels, actor=agent) as chunk:
        for number, context in enumerate(chunk):
            context.changeset.naics_searches.add("half a pair: \ud800" if number == 1 else "whole")
        outcomes = chunk.save()

    assert [type(outcome.error) for outcome in outcomes] == [
        type(None),
        errors.WrongValue,
        *[type(None)] * 3,
    ]
    assert [outcome.result is None for outcome in outcomes] == [False, True, False, False, False]


def test_a_copy_held_by_another_save_affects_no_other(
    forms: list[UUID], kennels: Tenant, agent: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(saves: list[Any], keyed: None, *, scope: Tenant, companion: None) -> set[UUID]:
        if any(save.copy_id == forms[1] for save in saves):
            raise errors.LockNotAcquired(holder=None)
        return write(saves, keyed, scope=scope)

    monkeypatch.setattr("batch.storage.write.write", busy)

    with batch.find_and_lock_many(forms, scope=kennels, actor=agent) as chunk:
        chunk.apply(to_ohio)
        outcomes = chunk.save()

    assert [type(outcome.error) for outcome in outcomes] == [
        type(None),
        errors.LockNotAcquired,
        *[type(None)] * 3,
    ]
    assert [outcome.result is None for outcome in outcomes] == [False, True, False, False, False]
    assert states(forms, kennels, agent) == ["OH", "TX", "OH", "OH", "OH"]


def test_a_misuse_is_the_callers_bug_and_no_outcome(forms: list[UUID], kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock_many(forms, scope=kennels, actor=agent) as chunk:
        stale = next(iter(chunk)).changeset
        chunk.save()
        with pytest.raises(misuse.StaleReference):
            chunk.apply(lambda changeset: stale.messages.add("late"))


def test_what_a_companion_writes_is_stored_with_the_saves_or_not_at_all(
    forms: list[UUID], kennels: Tenant, agent: Actor
) -> None:
    written: list[dict[UUID, int]] = []

    def note(saved: Any) -> None:
        written.append({identity: result.version for identity, result in saved.items()})
        Copy.objects.filter(id=forms[4]).update(release_id=None)
        if len(written) > 1:
            raise InterruptedError

    with batch.find_and_lock_many(forms[:2], scope=kennels, actor=agent) as chunk:
        chunk.apply(to_ohio)
        chunk.save(companion=note)
    with batch.find_and_lock_many(forms[2:4], scope=kennels, actor=agent) as chunk:
        chunk.apply(to_ohio)
        with pytest.raises(InterruptedError):
            chunk.save(companion=note)

    assert written == [dict.fromkeys(forms[:2], 2), dict.fromkeys(forms[2:4], 2)]
    assert states(forms, kennels, agent) == ["OH", "OH", "TX", "TX", "TX"]


def test_a_companion_is_not_called_where_nothing_is_written(forms: list[UUID], kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock_many(forms, scope=kennels, actor=agent) as chunk:
        results = chunk.save(companion=lambda saved: pytest.fail("nothing was saved"))

    assert not any(result.result and result.result.written for result in results)


def test_a_chunk_loads_what_single_loads_do(forms: list[UUID], kennels: Tenant, agent: Actor) -> None:
    def note(changeset: Changeset) -> None:
        changeset.messages.add("First")
        changeset.messages.add("Second")
        changeset.dispositions.give("lost")

    for form_id in forms[1:3]:
        with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
            note(context.changeset)
            context.save()
    with batch.build_copy(forms[2], scope=kennels, actor=agent, title="Other") as context:
        context.changeset.copy.lock(reason="Signed")
        other = context.save() and context.copy.id

    with use_tenant(kennels):
        alone = {identity: load(identity, scope=kennels) for identity in (*forms, other)}
        together = load_many([*forms, other, uuid4()], scope=kennels)

    assert {identity: replace(one, now=None) for identity, one in together.items()} == {
        identity: replace(one, now=None) for identity, one in alone.items()
    }
    assert [len(together[identity].attached.get("messages", ())) for identity in (*forms, other)] == [0, 2, 2, 0, 0, 0]
    assert [len(together[identity].attached.get("dispositions", ())) for identity in (forms[0], forms[1], other)] == [
        0,
        1,
        1,
    ]
    assert [sibling.title for sibling in together[forms[2]].busy_siblings] == ["Other"]
