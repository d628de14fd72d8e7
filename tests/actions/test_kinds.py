"""Kinds of deferred actions: their targets, and how a save stores one action per target."""

from dataclasses import replace

import msgspec
import pytest

from actions import kinds
from actions.kinds import DeferredAction, IndexForm, PayloadTime, PublishWebhook, coalesce

INDEX = IndexForm(copy_id="1")
EVENT = PublishWebhook(
    event_type="answers.changed", copy_id="1", application_form_id="9", version=3, data={"changes": []}
)
KINDS: list[DeferredAction] = [
    INDEX,
    EVENT,
    kinds.MarkQuotesStale(copy_id="1", carrier="acme"),
    kinds.SendGuestCompletionMail(copy_id="1"),
    kinds.SendBindAssistanceMail(copy_id="1", product="QM-BOP", asked_by="Robin"),
    kinds.SendAccountChangedMail(user_id="1" * 36, change="Your password was changed", changed_at="2026-03-01T12:00"),
    kinds.SendWebhookGivenUpMail(
        endpoint_id="1", url="https://hooks.example.com", reason="it is gone", given_up_at="2026-03-01"
    ),
    kinds.StartProcess(copy_id="1", process_kind="quoting", details={"products": ["QM-BOP"]}),
    kinds.ResumeProcess(copy_id="1", process_id="2"),
    kinds.RecountActiveUsers(tenant_id="1"),
    kinds.DecideAnew(tenant_id="1" * 36, cause="release", release_id=7, run_id="2" * 36, part="12", failed=["3"]),
    kinds.GuardRelease(tenant_id="1" * 36, roll_out_id=3, part="3.12"),
    kinds.RecordShadowRules(tenant_id="1" * 36, part="12"),
    kinds.Purge(what="dead letters"),
]


@pytest.mark.parametrize("action", KINDS, ids=lambda action: action.kind)
def test_a_payload_is_plain_json(action: DeferredAction) -> None:
    assert msgspec.json.decode(msgspec.json.encode(action.payload())) == action.payload()


def test_kinds_have_distinct_names() -> None:
    assert len({action.kind for action in KINDS}) == len(KINDS)


@pytest.mark.parametrize("action", KINDS, ids=lambda action: action.kind)
def test_a_target_fits_its_column(action: DeferredAction) -> None:
    longest = {name: "x" * 64 for name in ("carrier", "product", "process_kind")} | {"copy_id": "1" * 36}
    known = {name: value for name, value in longest.items() if hasattr(action, name)}

    assert 0 < len(replace(action, **known).target) <= 200


def test_an_event_keeps_what_was_true_at_the_save_and_an_index_reads_what_is_true_when_it_runs() -> None:
    assert EVENT.payload_time is PayloadTime.FROZEN
    assert INDEX.payload_time is PayloadTime.FRESH


def test_the_last_action_of_one_kind_and_target_stays_at_the_place_of_the_first() -> None:
    later = PublishWebhook(
        event_type="answers.changed", copy_id="1", application_form_id="9", version=3, data={"changes": [1]}
    )
    other = PublishWebhook(event_type="answers.changed", copy_id="2", application_form_id="9", version=3, data={})

    assert coalesce([EVENT, INDEX, other, later, INDEX]) == [later, INDEX, other]


def test_events_of_one_save_about_several_subjects_stay_separate() -> None:
    one, two = (
        PublishWebhook(
            event_type="message.added", copy_id="1", application_form_id="9", version=3, data={}, subject=subject
        )
        for subject in ("1", "2")
    )

    assert coalesce([one, two]) == [one, two]
