"""A mask that is sent back means "unchanged", any other text that begins like one is refused: at every entry point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import msgspec
import pytest

from batch import service as batch
from batch.changes.changeset import Changeset
from batch.errors import InvalidAnswers
from catalogue.releases import forget_compiled_releases
from rules.definition.catalogue import Question
from tenants.access import GUEST_RIGHTS, Actor, Right
from tenants.models import Tenant
from tests.harness.first_releases import publish_first
from tests.harness.guests import issue
from tests.harness.kennel_catalogue import ANSWERS, HOUSES, KENNELS
from tests.harness.later_releases import publish_release, with_sensitivity

pytestmark = pytest.mark.django_db

LICENCE: Final = "D1234567"
MASK: Final = "•••• 567"
DOTS: Final = "••••"


def definition() -> Any:
    """Return the kennels with a secret and a personal text at the top, in rows and in nested rows."""

    def texts(prefix: str) -> tuple[Question, ...]:
        return (
            Question(code=f"{prefix}_licence", label="Licence", type="text", sensitivity="spi"),
            Question(code=f"{prefix}_keeper", label="Keeper", type="text", sensitivity="pii"),
            Question(code=f"{prefix}_plain", label="Remark", type="text"),
        )

    start, houses, fences = KENNELS.question_sets
    sets = tuple(
        msgspec.structs.replace(part, questions=(*part.questions, *texts(prefix)))
        for part, prefix in ((start, "top"), (houses, "house"), (fences, "fence"))
    )
    return msgspec.structs.replace(KENNELS, question_sets=sets)


def answers(prefix: str) -> dict[str, str]:
    return {f"{prefix}_licence": LICENCE, f"{prefix}_keeper": "Robin Keeper", f"{prefix}_plain": "Remark"}


@pytest.fixture
def kennels(db: None) -> Tenant:
    """Return a tenant whose forms have these texts."""
    forget_compiled_releases()
    publish_first(definition())
    return Tenant.objects.create(code="kennels", name="Kennel Brokers", catalogue="kennels")


@pytest.fixture
def form_id(kennels: Tenant, agent: Actor) -> Iterator[UUID]:
    fence = {"answers": {"fence_feet": 6, **answers("fence")}}
    house = {"answers": {**HOUSES[0]["answers"], **answers("house")}, "answer_pools": {"fences": [fence]}}
    with batch.build_context(scope=kennels, actor=agent, catalogue="kennels") as context:
        context.changeset.apply_answers({**ANSWERS, **answers("top")}, {"houses": [house]})
        context.save()
    LINK["id"] = str(issue(kennels, context.form.id)[0])
    yield context.form.id
    forget_compiled_releases()


def places(changeset: Changeset) -> dict[str, str]:
    """Return the paths of the answers by the prefix of their codes."""
    (house,) = changeset.find_pool("houses").rows
    (fence,) = house.find_pool("fences").rows
    return {"top": "", "house": f"{house.path}/", "fence": f"{fence.path}/"}


def in_api_shape(changeset: Changeset, prefix: str, given: dict[str, object]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return ``given`` as the arguments of ``apply_answers``."""
    if prefix == "top":
        return given, {}
    (house,) = changeset.find_pool("houses").rows
    if prefix == "house":
        return {}, {"houses": [{"id": house.id, "answers": given}]}
    (fence,) = house.find_pool("fences").rows
    return {}, {"houses": [{"id": house.id, "answer_pools": {"fences": [{"id": fence.id, "answers": given}]}}]}


def by_request(changeset: Changeset, prefix: str, code: str, value: object) -> None:
    changeset.apply_answers(*in_api_shape(changeset, prefix, {f"{prefix}_{code}": value}))


def by_field(changeset: Changeset, prefix: str, code: str, value: object) -> None:
    changeset.find_answer(f"{places(changeset)[prefix]}{prefix}_{code}").apply(value)


WAYS: Final = [by_request, by_field]
PREFIXES: Final = ["top", "house", "fence"]


#: The id of the link of the guest, to the whole copy; each form has its own.
LINK: Final = {"id": ""}


def guest(actor: Actor) -> Actor:
    return replace(actor, type="guest", id=LINK["id"], rights=GUEST_RIGHTS)


def without_personal(actor: Actor) -> Actor:
    return replace(actor, rights=actor.rights - {Right.READ_PERSONAL})


def write_only(actor: Actor) -> Actor:
    return replace(actor, rights=frozenset({Right.WRITE_FORMS, Right.READ_PERSONAL}))


def everything(actor: Actor) -> Actor:
    return replace(actor, rights=frozenset(Right))


#: Reader, question, submitted text, and whether it is what that reader is shown.
TABLE: Final = [
    (everything, "licence", MASK, True),
    (everything, "licence", f" {MASK} ", True),
    (everything, "licence", DOTS, False),
    (everything, "licence", "•••• 568", False),
    (everything, "licence", f"{MASK} and more", False),
    (everything, "keeper", DOTS, False),
    (everything, "plain", DOTS, False),
    (everything, "plain", "•••• mark", False),
    (everything, "plain", "\u200b•••• mark", False),
    (without_personal, "licence", MASK, True),
    (without_personal, "keeper", DOTS, True),
    (without_personal, "keeper", "•••• eper", False),
    (guest, "licence", MASK, True),
    (guest, "keeper", DOTS, True),
    (guest, "keeper", "•••• eper", False),
    (write_only, "licence", MASK, False),
    (write_only, "keeper", DOTS, False),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(("reader", "code", "submitted", "is_shown"), TABLE)
def test_masks(
    form_id: UUID,
    kennels: Tenant,
    agent: Actor,
    reader: Callable[[Actor], Actor],
    code: str,
    submitted: str,
    is_shown: bool,
    prefix: str,
    way: Callable[[Changeset, str, str, object], None],
) -> None:
    with batch.find_and_lock(form_id, scope=kennels, actor=reader(agent)) as context:
        if is_shown:
            way(context.changeset, prefix, code, submitted)
            assert context.save().written is False
        else:
            with pytest.raises(InvalidAnswers) as refused:
                way(context.changeset, prefix, code, submitted)
            (fault,) = refused.value.faults
            expected = f"{places(context.changeset)[prefix]}{prefix}_{code}"
            assert fault.path == expected
            assert fault.code == "masked_value"
            assert context.changeset.changes() == []


def test_a_new_row_has_no_mask_to_send_back(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        with pytest.raises(InvalidAnswers) as refused:
            context.changeset.apply_answers({}, {"houses": [{"answers": {"house_licence": MASK}}]})
        assert [(fault.code, fault.pointer) for fault in refused.value.faults] == [
            ("masked_value", "/answer_pools/houses/0/answers/house_licence")
        ]


def test_a_form_made_from_a_read_one_names_every_mask(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with batch.build_context(scope=kennels, actor=agent, catalogue="kennels") as context:
        with pytest.raises(InvalidAnswers) as refused:
            context.changeset.apply_answers(
                {**ANSWERS, "top_licence": MASK, "owner_ssn": "•••• 4321"},
                {"houses": [{"answers": {"house_keeper": DOTS}}]},
            )
        assert {(fault.path, fault.code) for fault in refused.value.faults} == {
            ("top_licence", "masked_value"),
            ("owner_ssn", "masked_value"),
            ("houses/new/house_keeper", "masked_value"),
        }


def test_a_sealed_answer_keeps_its_mask_when_its_question_is_plain_by_now(
    form_id: UUID, kennels: Tenant, agent: Actor
) -> None:
    publish_release(with_sensitivity(definition(), top_licence=""))
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        shown = context.changeset.find_answer("top_licence").value

        context.changeset.apply_answers({"top_licence": shown})
        assert (shown, context.save().written) == (MASK, False)

        answer = context.changeset.document.answers["top_licence"]
        assert context.changeset.sealing.reveal("top_licence", answer) == LICENCE
        with pytest.raises(InvalidAnswers):
            context.changeset.apply_answers({"top_licence": "•••• 999"})
        context.changeset.apply_answers({"top_licence": "Open by now"})
        context.save()
        assert context.changeset.find_answer("top_licence").value == "Open by now"


def test_an_answer_that_may_not_be_read_is_always_changed(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    def submit(actor: Actor, code: str, value: str) -> list[tuple[object, object]]:
        with batch.find_and_lock(form_id, scope=kennels, actor=actor) as context:
            context.changeset.apply_answers({code: value})
            result = context.save()
            assert result.written is bool(result.changes)
            return [(change.before, change.after) for change in result.changes]

    assert submit(everything(agent), "top_licence", LICENCE) == [(MASK, MASK)]
    assert submit(everything(agent), "top_keeper", "Robin Keeper") == []
    assert submit(without_personal(agent), "top_keeper", "Robin Keeper") == [("Robin Keeper", "Robin Keeper")]
    assert submit(guest(agent), "top_keeper", "Robin Keeper") == [("Robin Keeper", "Robin Keeper")]
    assert submit(guest(agent), "top_keeper", "Robin Keeper") == []  # given by this guest, who may read it
    assert submit(write_only(agent), "top_plain", "Remark") == [("Remark", "Remark")]
