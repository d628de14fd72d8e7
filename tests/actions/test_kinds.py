"""Kinds of deferred actions: what they are done to, and how a save keeps one of each."""

import msgspec
import pytest

from actions.kinds import DeferredAction, IndexForm, PayloadTime, PublishWebhook, coalesce

INDEX = IndexForm(copy_id="1")
EVENT = PublishWebhook(
    event_type="answers.changed", copy_id="1", application_form_id="9", version=3, data={"changes": []}
)
KINDS: list[DeferredAction] = [INDEX, EVENT]


@pytest.mark.parametrize("action", KINDS, ids=lambda action: action.kind)
def test_a_payload_is_plain_json(action: DeferredAction) -> None:
    assert msgspec.json.decode(msgspec.json.encode(action.payload())) == action.payload()


def test_kinds_have_names_of_their_own() -> None:
    assert len({action.kind for action in KINDS}) == len(KINDS)


def test_an_event_keeps_what_was_true_at_the_save_and_an_index_reads_what_is_true_when_it_runs() -> None:
    assert EVENT.payload_time is PayloadTime.FROZEN
    assert INDEX.payload_time is PayloadTime.FRESH


def test_the_last_action_of_one_kind_and_target_stays_at_the_place_of_the_first() -> None:
    later = PublishWebhook(
        event_type="answers.changed", copy_id="1", application_form_id="9", version=3, data={"changes": [1]}
    )
    other = PublishWebhook(event_type="answers.changed", copy_id="2", application_form_id="9", version=3, data={})

    assert coalesce([EVENT, INDEX, other, later, INDEX]) == [later, INDEX, other]
