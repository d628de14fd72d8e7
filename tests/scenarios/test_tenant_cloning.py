"""A clone in another tenant has its key and database, what its catalogue asks, and no trace of where it comes from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.utils import timezone
from msgspec.structs import replace

from batch import service as batch
from batch.changes.proposals import ProposedValue, propose
from batch.errors import CopyIsHeld, NotFound
from batch.idempotency import IdempotencyKey
from batch.locks.holds import hold_copy
from catalogue.loader import load
from catalogue.releases import publish
from copies.codec import decode_document
from copies.index_repair import repair_copy_index
from copies.models import Copy, CopyIndex
from copies.sealed_answers import Sealer
from encryption.envelope import DecryptionFailed
from failpoints import FailpointReached, armed
from forms.models import ApplicationForm
from scenarios.cloning import Clone, CloneOrder
from scenarios.tenant_cloning import clone_to_tenant
from tenants.access import Actor, MissingRight, Right
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.cast import SECOND_DATABASE
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.later_releases import with_sensitivity
from tests.scenarios.test_cloning import respond

pytestmark = pytest.mark.django_db(databases=["default", SECOND_DATABASE])

SSN = "987-65-4321"
PHONE = "614-555-0123"


@pytest.fixture
def other(kennels: Tenant) -> Tenant:
    """Return a tenant with its own database, the same catalogue, and no link to the first."""
    return Tenant.objects.create(code="other", name="Other Brokers", catalogue="kennels", database=SECOND_DATABASE)


@pytest.fixture
def full(make_form: Callable[..., UUID]) -> UUID:
    """Return a form with public, personal and secret answers."""
    return make_form({"owner_ssn": SSN, "owner_phone": PHONE})


def moved(form_id: UUID, scope: Tenant, target: Tenant, actor: Actor, **order: Any) -> Clone:
    """Return the clone in the other tenant."""
    return clone_to_tenant(form_id, CloneOrder(respond=respond, **order), scope=scope, target=target, actor=actor)


def left_out(clone: Clone) -> dict[str, str]:
    """Return the codes of the findings by path."""
    return {finding.path: finding.code for part in clone.parts for finding in part.findings}


def other_catalogue(**changes: Any) -> None:
    """Publish a catalogue of the other tenant that lacks the phone, the fences and a state."""
    first, houses, _ = KENNELS.question_sets
    questions = tuple(
        replace(one, validate=("max:5",)) if one.code == "kennel_name" else one
        for one in first.questions
        if one.code != "owner_phone"
    )
    choices = {**KENNELS.choices, "states": {"OH": "Ohio"}, "lines": {"care": "Animals in care"}}
    definition = replace(
        KENNELS,
        code="yards",
        choices=choices,
        lines=KENNELS.lines[:1],
        question_sets=(replace(first, questions=questions), houses),
        **changes,
    )
    publish(load(definition), actor_id="test")


def test_the_copy_is_sealed_under_the_other_tenants_key_in_its_database(
    full: UUID, kennels: Tenant, other: Tenant, agent: Actor
) -> None:
    clone = moved(full, kennels, other, agent)

    context = batch.find(clone.form_id or "", scope=other, actor=agent)
    source = batch.find(full, scope=kennels, actor=agent)
    answer = decode_document(context.copy.document).answers["owner_ssn"]
    assert context.sealer.reveal("owner_ssn", answer) == SSN
    for tenant, key in ((kennels, context.copy.key), (other, source.copy.key), (kennels, source.copy.key)):
        with pytest.raises(DecryptionFailed):
            Sealer(tenant_id=tenant.id, copy_id=context.copy.id, key=key).reveal("owner_ssn", answer)
    assert left_out(clone) == {}
    assert context.evaluation.eligibility["PA-CARE"].premium == 300
    with use_tenant(kennels):
        assert not Copy.objects.filter(id=clone.form_id).exists()
    with use_tenant(other):
        assert set(Copy.objects.values_list("id", flat=True)) == {clone.form_id}


def test_nothing_stored_at_the_other_tenant_names_the_source_or_its_people(
    full: UUID, kennels: Tenant, other: Tenant, agent: Actor
) -> None:
    key = IdempotencyKey(f"user:{agent.id}", "k", b"f")
    clone = moved(full, kennels, other, agent, idempotency=key)

    source = batch.find(full, scope=kennels, actor=agent)
    (house,) = decode_document(source.copy.document).answer_pools["houses"]
    traces = [str(full), str(kennels.id), house.id, house.answer_pools["fences"][0].id, agent.id, agent.label]
    found = decode_document(batch.find(clone.form_id or "", scope=other, actor=agent).copy.document)
    text = str(found)
    with use_tenant(other), connections[SECOND_DATABASE].cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608 - names of our own tables
            text += "\n".join(row[0] or "" for row in cursor.fetchall())
    assert text.count(str(clone.form_id)) > 3
    assert [trace for trace in traces if trace in text] == []
    assert found.answer_pools["houses"][0].lineage is None
    assert found.answers["kennel_name"].answered_by.type == "import"  # type: ignore[union-attr]


def test_a_proposal_comes_along_without_its_author_and_its_document(
    full: UUID, kennels: Tenant, other: Tenant, agent: Actor
) -> None:
    value = ProposedValue(path="kennel_name", value="Quiet Tails", locator="page 7", confidence=0.5)
    with batch.find_and_lock(full, scope=kennels, actor=agent) as context:
        propose(context.changeset, [value], type_="document", name="jane-doe.pdf")
        context.save()

    clone = moved(full, kennels, other, agent)

    source, found = (
        decode_document(batch.find(form, scope=tenant, actor=agent).copy.document).answers["kennel_name"].proposed
        for form, tenant in ((full, kennels), (clone.form_id or "", other))
    )
    assert source is not None and found is not None and found.source is not None
    assert (found.value, found.source.type, found.source.confidence) == ("Quiet Tails", "document", 0.5)
    traces = (agent.id, source.id, "jane-doe", "page 7")
    assert source.id and [trace for trace in traces if trace in str(found)] == []


def test_what_the_other_catalogue_lacks_is_reported_and_left_out(
    kennels: Tenant, other: Tenant, agent: Actor, make_form: Callable[..., UUID]
) -> None:
    form_id = make_form({"owner_phone": PHONE, "lines": ["care", "premises"]})
    other_catalogue(products=(), form_rules=())
    other.catalogue = "yards"
    other.save()

    clone = moved(form_id, kennels, other, agent)

    source = decode_document(batch.find(form_id, scope=kennels, actor=agent).copy.document)
    house = source.answer_pools["houses"][0].id
    assert left_out(clone) == {
        "owner_phone": "unknown_question",
        "lines": "unknown_choice",
        "state": "unknown_choice",
        f"houses/{house}/fences": "unknown_pool",
        "question_sets/fences": "unknown_question_set",
    }
    found = decode_document(batch.find(clone.form_id or "", scope=other, actor=agent).copy.document)
    assert (found.answers["lines"].value, found.answers["trade"].value) == (["care"], "812910")
    # What only breaks a rule of the other catalogue is there, with its error.
    assert found.answers["kennel_name"].value == "Happy Tails"
    assert "state" in batch.find(clone.form_id or "", scope=other, actor=agent).evaluation.needed.quote


def test_a_question_that_is_secret_there_is_sealed(full: UUID, kennels: Tenant, other: Tenant, agent: Actor) -> None:
    first, *rest = KENNELS.question_sets
    secret = [
        replace(one, sensitivity="spi", indexed=False) if one.code == "owner_phone" else one for one in first.questions
    ]
    publish(
        load(replace(KENNELS, code="yards", question_sets=(replace(first, questions=tuple(secret)), *rest))),
        actor_id="t",
    )
    other.catalogue = "yards"
    other.save()

    clone = moved(full, kennels, other, agent)

    context = batch.find(clone.form_id or "", scope=other, actor=agent)
    answer = decode_document(context.copy.document).answers["owner_phone"]
    assert (answer.value, context.sealer.reveal("owner_phone", answer)) == (None, "+16145550123")


@pytest.mark.parametrize(
    ("lacks", "expected"),
    [
        ({Right.READ_PERSONAL}, {"owner_phone": "not_permitted"}),
        ({Right.REVEAL_SENSITIVE}, {"owner_ssn": "not_permitted"}),
        (
            {Right.READ_PERSONAL, Right.REVEAL_SENSITIVE},
            {"owner_phone": "not_permitted", "owner_ssn": "not_permitted"},
        ),
    ],
)
def test_nobody_hands_over_what_they_may_not_read(
    lacks: set[Right], expected: dict[str, str], full: UUID, kennels: Tenant, other: Tenant, agent: Actor
) -> None:
    actor = Actor(type="api_client", id="9", source="api", rights=agent.rights - lacks)

    clone = moved(full, kennels, other, actor)

    assert left_out(clone) == expected
    found = decode_document(batch.find(clone.form_id or "", scope=other, actor=agent).copy.document)
    assert all(not found.answers[code].is_answered for code in expected if code in found.answers)


def test_only_the_copy_asked_for_goes_and_only_with_the_right(
    full: UUID, kennels: Tenant, other: Tenant, agent: Actor
) -> None:
    with batch.build_copy(full, scope=kennels, actor=agent, title="Asked for") as context:
        context.save()
    without = Actor(type="user", id=agent.id, source="web", rights=agent.rights - {Right.CLONE_TO_TENANTS})

    with pytest.raises(MissingRight):
        moved(full, kennels, other, without)
    with pytest.raises(NotFound):
        moved(full, other, kennels, agent)
    clone = moved(context.copy.id, kennels, other, agent)

    assert [part.source.copy.id for part in clone.parts] == [context.copy.id]
    with use_tenant(other):
        assert [copy.title for copy in Copy.objects.all()] == ["Asked for"]


def test_a_held_copy_stays(full: UUID, kennels: Tenant, other: Tenant, agent: Actor) -> None:
    with batch.find_and_lock(full, scope=kennels, actor=agent) as context:
        process = context.changeset.processes.start("quoting")
        context.save()

    with hold_copy(process.id, copy_id=full, seconds=20, scope=kennels), pytest.raises(CopyIsHeld):
        moved(full, kennels, other, agent)

    with use_tenant(other):
        assert not ApplicationForm.objects.exists()


def test_a_repeated_request_with_its_key_makes_one_form(
    full: UUID, kennels: Tenant, other: Tenant, agent: Actor
) -> None:
    key = IdempotencyKey("user:7", "k", b"f")
    first, again = (moved(full, kennels, other, agent, idempotency=key) for _ in range(2))

    assert again.earlier is not None
    assert again.earlier.body == str(first.form_id).encode()
    with use_tenant(other):
        assert ApplicationForm.objects.count() == 1


@pytest.mark.parametrize("place", ["index_written", "write_sending", "assembled"])
def test_a_clone_that_stops_between_the_databases_leaves_only_an_entry_which_is_swept(
    place: str, full: UUID, kennels: Tenant, other: Tenant, agent: Actor
) -> None:
    with armed(place, action="raise"), pytest.raises(FailpointReached):
        moved(full, kennels, other, agent)

    CopyIndex.objects.filter(tenant_id=other.id).update(created_at=timezone.now() - timedelta(hours=2))
    repair_copy_index(dry_run=False)
    assert not CopyIndex.objects.filter(tenant_id=other.id).exists()
    with use_tenant(other):
        assert not ApplicationForm.objects.exists()
        assert not Copy.objects.exists()
    assert CopyIndex.objects.filter(copy_id=full).exists()


def test_what_became_more_sensitive_here_arrives_as_sensitive_there(
    full: UUID, kennels: Tenant, other: Tenant, agent: Actor
) -> None:
    publish(load(replace(KENNELS, code="yards")), actor_id="test")
    other.catalogue = "yards"
    stricter = with_sensitivity(owner_phone="spi", kennel_name="pii")
    publish(load(stricter), actor_id="test")

    clone = moved(full, kennels, other, agent)

    context = batch.find(clone.form_id or "", scope=other, actor=agent)
    answers = decode_document(context.copy.document).answers
    assert left_out(clone) == {}
    assert (answers["owner_phone"].value, context.sealer.reveal("owner_phone", answers["owner_phone"])) == (
        None,
        "+16145550123",
    )
    assert answers["kennel_name"].tag == "pii"
