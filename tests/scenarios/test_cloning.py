"""A clone has all copies of a form under new ids, decided anew, and shares no key, row id or record with its source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError

from actions.outbox import outbox_rows
from batch import service as batch
from batch.changes.changeset import Changeset
from batch.changes.records import Loaded
from batch.errors import CopyIsHeld, NotFound, VersionMismatch
from batch.idempotency import StoredResponse
from batch.locks.holds import hold_copy
from batch.storage.tables import TABLES
from copies.codec import decode_document
from copies.document import Document, PoolRow, row_lineage, walk_answers
from copies.models import Copy, CopyIndex, CopyRevision
from copies.paths import with_row_ids
from copies.row_matching import match_rows
from copies.sealed_answers import Sealer
from encryption.envelope import DecryptionFailed
from forms.models import ApplicationForm, QuoteRequest
from scenarios.cloning import Clone, CloneOrder, clone_form
from tenants.access import Actor, system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

SSN = "987-65-4321"


def respond(clone: Clone) -> StoredResponse:
    """Return a response that names the clone."""
    return StoredResponse(201, {}, str(clone.form_id).encode())


def cloned(form_id: UUID, scope: Tenant, actor: Actor, **order: Any) -> Clone:
    """Return the clone of the form."""
    return clone_form(form_id, CloneOrder(respond=respond, **order), scope=scope, actor=actor)


def loaded(copy_id: UUID | None, scope: Tenant, actor: Actor) -> Loaded:
    """Return a stored copy."""
    assert copy_id is not None
    return batch.find(copy_id, scope=scope, actor=actor).loaded


def document_of(copy_id: UUID | None, scope: Tenant, actor: Actor) -> Document:
    """Return the document of a stored copy."""
    return decode_document(loaded(copy_id, scope, actor).copy.document)


def change(copy_id: UUID, apply: Callable[[Changeset], object], scope: Tenant, actor: Actor) -> None:
    """Save a change of the copy."""
    with batch.find_and_lock(copy_id, scope=scope, actor=actor) as context:
        apply(context.changeset)
        context.save()


@pytest.fixture
def what_if(form_id: UUID, kennels: Tenant, agent: Actor) -> UUID:
    """Return a second copy of the form, with a secret answer."""
    with batch.build_copy(form_id, scope=kennels, actor=agent, title="What if") as context:
        context.changeset.apply_answers({"owner_ssn": SSN, "state": "OH"})
        context.save()
        return context.copy.id


def test_all_copies_are_cloned_with_new_ids_and_the_same_answers(
    form_id: UUID, what_if: UUID, kennels: Tenant, agent: Actor
) -> None:
    clone = cloned(form_id, kennels, agent)

    assert clone.form_id is not None
    new = [part.context.copy.id for part in clone.parts]
    assert new[0] == clone.form_id
    assert len({*new, form_id, what_if}) == 4
    for source_id, copy_id in zip((form_id, what_if), new, strict=True):
        source, copy = loaded(source_id, kennels, agent), loaded(copy_id, kennels, agent)
        assert (copy.copy.version, copy.copy.fields.title) == (1, source.copy.fields.title)
        assert copy.form.id == clone.form_id
        assert_same_answers(decode_document(source.copy.document), decode_document(copy.copy.document))
        before = batch.find(source_id, scope=kennels, actor=agent).evaluation
        after = batch.find(copy_id, scope=kennels, actor=agent).evaluation
        assert {code: (found.outcome, found.premium) for code, found in after.eligibility.items()} == {
            code: (found.outcome, found.premium) for code, found in before.eligibility.items()
        }
    with use_tenant(kennels):
        assert set(CopyIndex.objects.values_list("copy_id", flat=True)) >= set(new)


def test_rows_get_new_ids_which_are_equal_in_all_copies_and_keep_their_lineage(
    form_id: UUID, what_if: UUID, kennels: Tenant, agent: Actor
) -> None:
    (house,) = document_of(form_id, kennels, agent).answer_pools["houses"]
    clone = cloned(form_id, kennels, agent)
    again = cloned(clone.parts[0].context.form.id, kennels, agent)

    rows = [document_of(part.context.copy.id, kennels, agent).answer_pools["houses"] for part in clone.parts]
    (twice,) = document_of(again.form_id, kennels, agent).answer_pools["houses"]
    assert rows[0][0].id == rows[1][0].id
    assert len({house.id, rows[0][0].id, twice.id}) == 3
    assert {row_lineage(row) for row in (rows[0][0], rows[1][0], twice)} == {house.id}
    assert rows[0][0].answer_pools["fences"][0].lineage == house.answer_pools["fences"][0].id
    assert match_rows([house], [twice], ()) == [(house, twice)]


def test_sensitive_answers_are_sealed_under_a_key_of_each_clone_and_open_nowhere_else(
    what_if: UUID, kennels: Tenant, agent: Actor
) -> None:
    source = loaded(what_if, kennels, agent)
    clones = [cloned(what_if, kennels, agent) for _ in range(2)]
    copies = [loaded(clone.parts[1].context.copy.id, kennels, agent) for clone in clones]
    holders = [source, *copies]

    for number, holder in enumerate(holders):
        sealer = Sealer(tenant_id=kennels.id, copy_id=holder.copy.id, key=holder.copy.key)
        for other, of in enumerate(holders):
            answer = decode_document(of.copy.document).answers["owner_ssn"]
            if other == number:
                assert sealer.reveal("owner_ssn", answer) == SSN
                with pytest.raises(DecryptionFailed):
                    sealer.reveal("kennel_name", answer)
            else:
                with pytest.raises(DecryptionFailed):
                    sealer.reveal("owner_ssn", answer)
    assert len({one.copy.key.wrapped for one in holders if one.copy.key}) == 3


def test_the_source_is_unchanged(form_id: UUID, what_if: UUID, kennels: Tenant, agent: Actor) -> None:
    def rows() -> list[object]:
        with use_tenant(kennels):
            forms = ApplicationForm.objects.filter(id=form_id).values()
            copies = Copy.objects.filter(application_form_id=form_id).order_by("id").values()
            return [*forms, *copies, *CopyRevision.objects.filter(copy_id__in=(form_id, what_if)).values()]

    before = rows()
    cloned(form_id, kennels, agent)

    assert rows() == before


def test_the_id_of_the_clone_means_the_clone_of_the_copy_touched_last(
    form_id: UUID, what_if: UUID, kennels: Tenant, agent: Actor
) -> None:
    clone = cloned(form_id, kennels, agent)
    change(form_id, lambda changeset: changeset.find_answer("state").apply("OH"), kennels, agent)
    by_job = cloned(form_id, kennels, system_actor("renewals"))

    def meant(form: UUID | None) -> UUID:
        assert form is not None
        with use_tenant(kennels):
            copies = Copy.objects.filter(application_form_id=form)
            return copies.order_by("-last_touched_by_user_at").values_list("id", flat=True)[0]

    assert meant(clone.form_id) == clone.parts[1].context.copy.id
    assert meant(by_job.form_id) == by_job.parts[0].context.copy.id == by_job.form_id


def test_the_base_and_the_origins_of_copies_follow(form_id: UUID, what_if: UUID, kennels: Tenant, agent: Actor) -> None:
    change(what_if, lambda changeset: changeset.copy.make_base(), kennels, agent)
    clone = cloned(form_id, kennels, agent)
    change(form_id, lambda changeset: changeset.find_answer("state").apply("OH"), kennels, agent)
    later = cloned(form_id, kennels, agent)

    first, second = [loaded(part.context.copy.id, kennels, agent) for part in clone.parts]
    assert (first.is_base, second.is_base) == (False, True)
    assert (first.copy.copied_from_id, first.copy.copied_from_version) == (form_id, 1)
    assert (second.copy.copied_from_id, second.copy.copied_from_version) == (first.copy.id, 1)
    # The default copy has changed since: its clone is no longer what the other one was made from.
    second = loaded(later.parts[1].context.copy.id, kennels, agent)
    assert (second.copy.copied_from_id, second.copy.copied_from_version) == (what_if, 2)


def test_locks_and_dispositions_stay_and_deleted_copies_are_left_out(
    form_id: UUID, what_if: UUID, kennels: Tenant, agent: Actor
) -> None:
    change(what_if, lambda changeset: changeset.copy.delete(), kennels, agent)
    change(form_id, lambda changeset: changeset.dispositions.give("bound"), kennels, agent)
    change(form_id, lambda changeset: changeset.copy.lock(), kennels, agent)

    clone = cloned(form_id, kennels, agent)

    (copy,) = [loaded(part.context.copy.id, kennels, agent) for part in clone.parts]
    assert (copy.copy.fields.locked_at, copy.is_bound, copy.keeps_decision) == (None, False, False)
    with pytest.raises(NotFound):
        cloned(what_if, kennels, agent)


def test_each_kind_of_attached_record_says_what_is_cloned(
    form_id: UUID, what_if: UUID, kennels: Tenant, agent: Actor
) -> None:
    def attach(changeset: Changeset) -> None:
        house = changeset.find_pool("houses").rows[0]
        changeset.messages.add("Call them", kind="answer", path=f"{house.path}/runs")
        changeset.messages.add("The carrier asks", kind="quote_request")
        changeset.messages.add("Done with").dismiss()
        changeset.payment_methods.add("card", token="tok_x", label="Visa •••• 4242")
        request = changeset.quote_requests.request("PA-CARE")
        request.queue()
        changeset.quote_requests.request("PA-CARE").withdraw()
        changeset.eligibility_results.record("PA-CARE", outcome="eligible")

    change(what_if, attach, kennels, agent)
    change(form_id, attach, kennels, agent)

    clone = cloned(form_id, kennels, agent)

    first, second = [loaded(part.context.copy.id, kennels, agent) for part in clone.parts]
    with use_tenant(kennels):
        assert QuoteRequest.objects.get(copy_id=first.copy.id).state == "draft"
    (request,) = first.attached["quote_requests"]
    assert (request.asked_version, request.premium) == (None, None)  # type: ignore[attr-defined]
    (message,) = first.attached["messages"]
    house = decode_document(first.copy.document).answer_pools["houses"][0]
    assert message.path == f"houses/{house.id}/runs"  # type: ignore[attr-defined]
    assert set(first.attached) == {"quote_requests", "messages"}
    assert set(second.attached) == {"messages"}
    assert {table.kind.name for table in TABLES if table.kind.cloned.__name__ != "stays"} == set(first.attached)


def test_a_held_copy_is_not_cloned(form_id: UUID, what_if: UUID, kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock(what_if, scope=kennels, actor=agent) as context:
        process = context.changeset.processes.start("quoting")
        context.save()

    with hold_copy(process.id, copy_id=what_if, seconds=20, scope=kennels), pytest.raises(CopyIsHeld) as refused:
        cloned(form_id, kennels, agent)

    assert "quoting" in str(refused.value)
    assert refused.value.until is not None
    with use_tenant(kennels):
        assert ApplicationForm.objects.count() == 1
    assert len(cloned(form_id, kennels, agent).parts) == 2


def test_the_expected_version_is_that_of_the_copy_that_the_id_means(
    form_id: UUID, kennels: Tenant, agent: Actor
) -> None:
    with pytest.raises(VersionMismatch):
        cloned(form_id, kennels, agent, expected_version=2)
    assert len(cloned(form_id, kennels, agent, expected_version=1).parts) == 1


def test_a_clone_that_the_database_refuses_in_part_is_not_there_at_all(
    form_id: UUID, what_if: UUID, kennels: Tenant, agent: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sabotage: with each save written alone after a refusal, the first copy would be left over."""
    with use_tenant(kennels):
        before = set(Copy.objects.values_list("id", flat=True))
    monkeypatch.setattr("batch.storage.rows.outbox_rows", _bad_rows_of_the_second())

    with pytest.raises(IntegrityError):
        cloned(form_id, kennels, agent)

    with use_tenant(kennels):
        assert set(Copy.objects.values_list("id", flat=True)) == before
        assert ApplicationForm.objects.count() == 1


def assert_same_answers(source: Document, clone: Document) -> None:
    """Check that two documents have the same answers, with the clone's ids for rows."""
    ids = {row.lineage: row.id for row in _rows(clone) if row.lineage}
    expected = {with_row_ids(path, ids): answer for path, answer in walk_answers(source)}
    found = dict(walk_answers(clone))
    assert list(found) == list(expected)
    for path, answer in expected.items():
        for name in ("value", "mask", "active", "required", "answered_by", "updated_at", "confirmed"):
            assert getattr(found[path], name) == getattr(answer, name), (path, name)


def _rows(container: Document | PoolRow) -> list[PoolRow]:
    rows = [row for pool in container.answer_pools.values() for row in pool]
    return rows + [inner for row in rows for inner in _rows(row)]


def _bad_rows_of_the_second() -> Callable[..., list[dict[str, Any]]]:
    calls: list[int] = []

    def build(actions: Any, **known: Any) -> list[dict[str, Any]]:
        calls.append(1)
        rows = outbox_rows(actions, **known)
        return [{**rows[0], "kind": None}] if len(calls) == 2 else rows

    return build
