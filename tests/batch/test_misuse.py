"""Each wrong use of the batch raises its own error, with the remedy in its text."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from uuid import UUID

import pytest
from django.db import transaction

from batch import errors, misuse
from batch import service as batch
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.idempotency import IdempotencyKey, StoredResponse
from tenants.access import Actor
from tenants.models import Tenant

pytestmark = pytest.mark.django_db

MakeForm = Callable[..., UUID]


def test_mutators_are_stale_after_the_save(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock(make_form(), scope=kennels, actor=agent) as context:
        changeset = context.changeset
        answer = changeset.find_answer("state")
        answer.apply("OH")
        context.save()

        with pytest.raises(misuse.StaleReference, match=r"context\.changeset"):
            answer.apply("TX")
        with pytest.raises(misuse.StaleReference):
            changeset.find_answer("state")
        context.changeset.find_answer("state").apply("TX")
        assert context.save().version == 3


def test_a_save_inside_a_save(
    make_form: MakeForm, kennels: Tenant, agent: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        pytest.raises(misuse.NestedSave, match="inside save"),
        batch.find_and_lock(make_form(), scope=kennels, actor=agent, idempotency=None) as context,
    ):
        context.changeset.find_answer("state").apply("OH")
        monkeypatch.setattr("batch.save.decide", lambda changeset, before: context.save())
        context.save()


def test_a_closed_context(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock(make_form(), scope=kennels, actor=agent) as context:
        pass

    with pytest.raises(misuse.ContextClosed, match="find_and_lock"):
        context.save()


def test_a_context_without_lock(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    context = batch.find(make_form(), scope=kennels, actor=agent)

    with pytest.raises(misuse.ContextWithoutLock, match="preview"):
        context.save()


def test_a_read_only_changeset(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    changeset = batch.find_changeset(make_form(), scope=kennels, actor=agent)
    writes: list[Callable[[], object]] = [
        lambda: changeset.find_answer("state").apply("OH"),
        lambda: changeset.find_pool("houses").add(),
        lambda: changeset.find_pool("houses").rows[0].remove(),
        lambda: changeset.apply_answers({"state": "OH"}),
        lambda: changeset.find_question_set("start").complete(),
        lambda: changeset.exclusions.force_exclude("PA-CARE"),
        lambda: changeset.copy.rename("x"),
    ]

    for write in writes:
        with pytest.raises(misuse.ReadOnlyChangeset, match="find_and_lock"):
            write()


def test_another_thread(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    found: list[BaseException] = []

    with batch.find_and_lock(make_form(), scope=kennels, actor=agent) as context:

        def use() -> None:
            try:
                context.changeset.find_answer("state")
            except misuse.WrongThread as error:
                found.append(error)

        thread = threading.Thread(target=use)
        thread.start()
        thread.join()

    assert len(found) == 1


def test_an_answer_that_is_made_from_a_save_changes_nothing(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    def respond(result: SaveResult) -> StoredResponse:
        context.changeset.find_answer("kennel_name").apply("Sneaked in")
        raise AssertionError

    with (
        pytest.raises(misuse.ReadOnlyChangeset),
        batch.find_and_lock(make_form(), scope=kennels, actor=agent) as context,
    ):
        context.changeset.find_answer("state").apply("OH")
        context.save(respond=respond)


def test_an_answered_request_is_not_saved_again(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id, key = make_form(), IdempotencyKey("user:7", "once", b"request")
    with batch.find_and_lock(form_id, scope=kennels, actor=agent, idempotency=key) as context:
        context.save(respond=lambda result: StoredResponse(200, {}, b""))

    doors: list[AbstractContextManager[BatchContext]] = [
        batch.find_and_lock(form_id, scope=kennels, actor=agent, idempotency=key),
        batch.build_copy(form_id, scope=kennels, actor=agent, idempotency=key),
        batch.build_context(scope=kennels, actor=agent, idempotency=key),
    ]
    for door in doors:
        with door as context, pytest.raises(misuse.AlreadyAnswered, match="stored_response"):
            context.save()


def test_what_was_removed_takes_no_changes(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock(make_form(), scope=kennels, actor=agent) as context:
        changeset = context.changeset
        (row,) = changeset.find_pool("houses").rows
        answer, question_set = row.find_answer("runs"), changeset.find_question_set("start")
        row.remove()
        question_set.remove()

        for write in (
            row.remove,
            lambda: answer.apply(3),
            lambda: row.find_answer("house_name").apply("Ghost"),
            lambda: row.find_pool("fences").add(),
        ):
            with pytest.raises(errors.UnknownRow):
                write()
        for mark in (question_set.complete, question_set.remove):
            with pytest.raises(errors.UnknownQuestionSet):
                mark()


@pytest.mark.django_db(transaction=True)
def test_a_save_inside_a_transaction(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form()
    with (
        pytest.raises(misuse.SaveInsideTransaction, match="owns its transaction"),
        batch.find_and_lock(form_id, scope=kennels, actor=agent) as context,
        transaction.atomic(),
    ):
        context.changeset.find_answer("state").apply("OH")
        context.save()
    assert batch.find(form_id, scope=kennels, actor=agent).version == 1
