"""Saves under a later release: stored answers that it refuses, what it no longer asks, and what it renamed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from batch import service as batch
from batch.changes.records import SaveResult
from batch.errors import InvalidAnswers, UnknownPool, UnknownQuestion, UnknownRow
from copies.changes import Cause
from copies.document import Document, find_answer, walk_answers
from copies.history import changes_of, list_revisions
from rules.flow.evaluation import Evaluation
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.batch_asserts import assert_batch
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.later_releases import (
    publish_release,
    renamed,
    with_pool,
    with_question,
    without_question,
    without_sets,
)

SSN = "987-65-4321"


@pytest.fixture
def read(form_id: UUID, kennels: Tenant, agent: Actor) -> Callable[[], tuple[Document, Evaluation]]:
    """Return what reads the form as it is decided now."""

    def show() -> tuple[Document, Evaluation]:
        changeset, evaluation = batch.find(form_id, scope=kennels, actor=agent).current_view()
        return changeset.document, evaluation

    return show


@pytest.fixture
def save(form_id: UUID, kennels: Tenant, agent: Actor) -> Callable[..., SaveResult]:
    """Return what applies answers and rows to the form."""

    def apply(answers: dict[str, Any] | None = None, pools: dict[str, Any] | None = None) -> SaveResult:
        with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
            context.changeset.apply_answers(answers or {}, pools or {})
            return context.save()

    return apply


def errors(evaluation: Evaluation) -> dict[str, str]:
    return {message.path: message.code for message in evaluation.messages if message.kind == "error"}


def values(document: Document) -> dict[str, Any]:
    return {path: answer.mask or answer.value for path, answer in walk_answers(document) if answer.is_answered}


# Answers that the release refuses


def test_a_removed_choice_prices_nothing_and_stays_until_it_is_answered_anew(
    read: Callable[[], tuple[Document, Evaluation]], save: Callable[..., SaveResult]
) -> None:
    assert read()[1].eligibility["PA-CARE"].premium == 300
    publish_release(without_choice("states", "TX"))

    document, evaluation = read()

    assert document.answers["state"].value == "TX"
    assert errors(evaluation) == {"state": "unknown_choice"}
    assert evaluation.eligibility["PA-CARE"].outcome == "need_info"
    assert evaluation.eligibility["PA-CARE"].premium is None
    assert save({"has_cats": True}).evaluation.messages
    assert errors(save({"cat_count": 3}).evaluation) == {"state": "unknown_choice"}
    with pytest.raises(InvalidAnswers):
        save({"state": "TX"})
    assert save({"state": "OH"}).evaluation.eligibility["PA-CARE"].premium == 300


def without_choice(code: str, choice: str) -> Any:
    choices = {**KENNELS.choices, code: {key: KENNELS.choices[code][key] for key in KENNELS.choices[code]}}
    del choices[code][choice]
    products = tuple(replace_states(product, choice) for product in KENNELS.products)
    return replace(KENNELS, choices=choices, products=products)


def replace_states(product: Any, choice: str) -> Any:
    return replace(product, states=tuple(state for state in product.states or () if state != choice) or None)


def test_a_clone_under_a_later_release_judges_its_answers(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    publish_release(with_question("kennel_name", validate=("max:5",)))

    with batch.build_copy(form_id, scope=kennels, actor=agent) as context:
        result = context.save()

    assert errors(result.evaluation) == {"kennel_name": "max"}


def test_a_pool_with_too_many_rows_is_an_error_until_a_row_goes(
    form_id: UUID, read: Callable[[], tuple[Document, Evaluation]], save: Callable[..., SaveResult]
) -> None:
    save(pools={"houses": [{"answers": {"house_name": "South", "runs": 2}}]})
    publish_release(with_pool("houses", max=1))

    document, evaluation = read()

    assert errors(evaluation) == {"houses": "pool_full"}
    assert evaluation.eligibility["PA-CARE"].premium is None
    last = document.answer_pools["houses"][1].id
    after = save(pools={"houses": [{"id": last, "delete": True}]}).evaluation
    assert errors(after) == {}
    assert after.eligibility["PA-CARE"].premium == 300


# What the release no longer asks


def test_an_answer_that_is_no_longer_asked_can_be_cleared(
    read: Callable[[], tuple[Document, Evaluation]], save: Callable[..., SaveResult]
) -> None:
    save({"owner_phone": "614-555-0101"})
    publish_release(without_question("owner_phone"))
    with pytest.raises(InvalidAnswers, match="no question with this code"):
        save({"owner_phone": "614-555-0102"})

    result = save({"owner_phone": None})

    assert [(change.path, change.after) for change in result.changes if change.path == "owner_phone"] == [
        ("owner_phone", None)
    ]
    assert "owner_phone" not in read()[0].answers
    with pytest.raises(InvalidAnswers, match="no question with this code"):
        save({"owner_phone": None})


def test_rows_that_are_no_longer_asked_are_inactive_and_can_be_deleted(
    form_id: UUID,
    kennels: Tenant,
    agent: Actor,
    read: Callable[[], tuple[Document, Evaluation]],
    save: Callable[..., SaveResult],
) -> None:
    publish_release(without_sets("houses", "fences"))
    document, evaluation = read()
    (row,) = document.answer_pools["houses"]

    assert [(message.kind, message.path) for message in evaluation.messages] == [("warn", "houses")]
    assert not row.answers["runs"].active
    assert row.answers["runs"].required == ""
    for wrong in ([{"answers": {}}], [{"id": row.id, "answers": {"runs": 3}}], [{"id": row.id, "delete": 1}], None):
        with pytest.raises(InvalidAnswers, match="no longer part of the form"):
            save(pools={"houses": wrong})
    with pytest.raises(InvalidAnswers, match="There is no row"):
        save(pools={"houses": [{"id": "other", "delete": True}]})

    result = assert_batch(
        form_id,
        lambda changeset: changeset.apply_answers({}, {"houses": [{"id": row.id, "delete": True}]}),
        scope=kennels,
        actor=agent,
    )

    assert f"houses/{row.id}" in {change.path for change in result.changes if change.after is None}
    assert result.evaluation.messages == ()
    assert "houses" not in read()[0].answer_pools


def test_nested_rows_that_are_no_longer_asked_can_be_deleted_by_path(
    form_id: UUID, kennels: Tenant, agent: Actor, read: Callable[[], tuple[Document, Evaluation]]
) -> None:
    publish_release(with_pool("fences", parent=""))
    document, evaluation = read()
    (house,) = document.answer_pools["houses"]
    (fence,) = house.answer_pools["fences"]
    pool = f"houses/{house.id}/fences"
    assert [message.path for message in evaluation.messages if message.code == "no_longer_asked"] == [pool]

    for path, error in (
        (f"houses/{house.id}/runs", UnknownQuestion),
        (f"{pool}/other", UnknownRow),
        ("houses", UnknownQuestion),
        ("gone/x", UnknownRow),
        ("gone/x/fences/y", UnknownPool),
    ):
        with (
            batch.find_and_lock(form_id, scope=kennels, actor=agent) as context,
            pytest.raises(error),
        ):
            context.changeset.remove_orphan(path)
    for path in (f"{pool}/{fence.id}", pool):
        with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
            context.changeset.remove_orphan(path)
            assert context.changeset.document.answer_pools["houses"][0].answer_pools == {}
            assert len(context.preview().evaluation.messages) == 0


# What the release renamed


RENAMED = {"kennel_name": "trade_name", "owner_ssn": "holder_ssn", "houses": "buildings", "runs": "pens"}
RENAMED |= {"start": "beginning", "TX": "tx", "fence_feet": "fence_height"}


def test_answers_and_rows_follow_renames_with_the_release_as_cause(
    form_id: UUID, kennels: Tenant, agent: Actor, read: Callable[[], tuple[Document, Evaluation]], save: Any
) -> None:
    save({"owner_ssn": SSN})
    before, evaluation = read()
    house = before.answer_pools["houses"][0]
    release = publish_release(renamed(RENAMED))

    document, after = read()

    assert values(document) == {
        "trade_name": "Happy Tails",
        "lines": ["care"],
        "state": "tx",
        "trade": "812910",
        "holder_ssn": "•••• 4321",
        "has_cats": False,
        f"buildings/{house.id}/house_name": "North",
        f"buildings/{house.id}/pens": 20,
        f"buildings/{house.id}/fences/{house.answer_pools['fences'][0].id}/fence_height": 6,
    }
    assert [part.code for part in document.question_sets] == ["beginning", "buildings", "fences"]
    assert after.eligibility == evaluation.eligibility
    assert list_revisions_of(form_id, kennels)[0].version == 2  # reading has written nothing

    result = save({"has_cats": True})

    causes = {change.path: change.cause for change in result.changes}
    by_release = Cause("release", str(release.number))
    assert causes["kennel_name"] == causes["trade_name"] == causes[f"buildings/{house.id}"] == by_release
    assert causes[f"houses/{house.id}"] == causes["state"] == causes["holder_ssn"] == by_release
    assert causes["question_sets/start"] == causes["question_sets/beginning"] == by_release
    assert causes["has_cats"].type == "user"
    with use_tenant(kennels):
        (latest, *_) = list_revisions_of(form_id, kennels)
        assert {change.path for change in changes_of(latest)} == set(causes)
    assert revealed(form_id, kennels, agent, "holder_ssn") == SSN


def list_revisions_of(form_id: UUID, kennels: Tenant) -> list[Any]:
    with use_tenant(kennels):
        return list(list_revisions(form_id))


def revealed(form_id: UUID, kennels: Tenant, agent: Actor, path: str) -> Any:
    changeset = batch.find(form_id, scope=kennels, actor=agent).read_only_changeset()
    answer = find_answer(changeset.document, path)
    assert answer is not None and answer.sealed is not None
    return changeset.sealing.reveal(path, answer)


def test_every_save_under_a_rename_holds_what_saves_hold(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    publish_release(renamed(RENAMED))

    result = assert_batch(
        form_id,
        lambda changeset: changeset.find_answer("trade_name").apply("Wagging Tails"),
        scope=kennels,
        actor=agent,
    )

    causes = {change.path: (change.before, change.after, change.cause.type) for change in result.changes}
    assert causes["trade_name"] == (None, "Wagging Tails", "user")
    assert causes["kennel_name"] == ("Happy Tails", None, "release")


def test_an_earlier_version_has_the_earlier_codes(
    form_id: UUID, kennels: Tenant, agent: Actor, save: Callable[..., SaveResult]
) -> None:
    publish_release(renamed(RENAMED))
    save({"has_cats": True})

    past = batch.find(form_id, scope=kennels, actor=agent, version=1).read_only_changeset().document

    assert past.answers["kennel_name"].value == "Happy Tails"
    assert "trade_name" not in past.answers
    assert past.answers["state"].value == "TX"
    assert "houses" in past.answer_pools


def test_a_form_that_skipped_releases_follows_all_their_renames(
    form_id: UUID, kennels: Tenant, agent: Actor, read: Callable[[], tuple[Document, Evaluation]], save: Any
) -> None:
    save({"owner_ssn": SSN})
    second = renamed({"kennel_name": "trade_name", "TX": "tx", "houses": "buildings"})
    publish_release(second)
    third = renamed({"trade_name": "insured_name", "tx": "texas", "buildings": "blocks", "owner_ssn": "ssn1"}, second)
    publish_release(third)

    document, evaluation = read()

    assert document.answers["insured_name"].value == "Happy Tails"
    assert document.answers["state"].value == "texas"
    assert document.answers["ssn1"].mask == "•••• 4321"
    assert revealed(form_id, kennels, agent, "ssn1") == SSN
    assert list(document.answer_pools) == ["blocks"]
    assert evaluation.eligibility["PA-CARE"].premium == 300


def test_a_rename_that_was_taken_back_brings_the_answers_back(
    read: Callable[[], tuple[Document, Evaluation]], save: Callable[..., SaveResult]
) -> None:
    publish_release(renamed({"kennel_name": "trade_name"}))
    save({"has_cats": True})
    publish_release(with_question("kennel_name", was="trade_name"))

    assert read()[0].answers["kennel_name"].value == "Happy Tails"
    assert "trade_name" not in read()[0].answers


def test_a_renamed_answer_that_no_longer_fits_is_an_error(read: Callable[[], tuple[Document, Evaluation]]) -> None:
    definition = with_question("trade_name", renamed({"kennel_name": "trade_name"}), type="zip", validate=())

    publish_release(replace(definition, title_question="trade_name"))

    assert errors(read()[1]) == {"trade_name": "zip5"}


def test_pending_renames_are_no_unsaved_changes(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    publish_release(renamed(RENAMED))

    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        assert context.changeset.document.answers["trade_name"].value == "Happy Tails"
        with context.unlocked():
            pass
        assert context.changeset.own_changes() == []
        assert context.save().written


def test_a_row_of_an_earlier_release_comes_back_under_the_new_codes(
    form_id: UUID, kennels: Tenant, agent: Actor
) -> None:
    publish_release(renamed(RENAMED))

    then = batch.find(form_id, scope=kennels, actor=agent, version=1, under_current_release=True)
    (row,) = then.read_only_changeset().document.answer_pools["buildings"]

    assert row.answers["pens"].value == 20


def test_a_new_copy_of_a_form_of_an_earlier_release_follows_too(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        context.changeset.find_answer("owner_ssn").apply(SSN)
        context.save()
    publish_release(renamed(RENAMED))

    with batch.build_copy(form_id, scope=kennels, actor=agent) as context:
        copy_id = context.copy.id
        context.save()

    changeset = batch.find(copy_id, scope=kennels, actor=agent).read_only_changeset()
    assert changeset.document.answers["trade_name"].value == "Happy Tails"
    assert revealed(copy_id, kennels, agent, "holder_ssn") == SSN
