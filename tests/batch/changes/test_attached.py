"""Attached records: each kind is added and changed through its mutator, written with the save, published, loaded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection

from batch import errors, misuse
from batch import service as batch
from batch.changes.changeset import KINDS, Changeset
from batch.storage.tables import TABLES
from carriers.links.wire import SubjectivityKind, WireSubjectivity
from copies.models import Copy
from forms.models import ApplicationForm, Disposition, EligibilityResult, Event, Message, NaicsSearch, PaymentMethod
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.attached_records import Saved, only, other_events
from tests.harness.batch_asserts import assert_batch

SIGN = WireSubjectivity(code="S1", kind=SubjectivityKind.SIGN, text="Sign")

pytestmark = pytest.mark.django_db

MakeForm = Callable[..., UUID]


def test_every_struct_holds_the_columns_of_its_table() -> None:
    for table in TABLES:
        columns = {field.attname for field in table.model._meta.concrete_fields}
        assert set(table.fields) == columns - {"tenant_id", table.owner}, table.name
    assert [table.kind for table in TABLES] == list(KINDS)


def test_a_message_is_added_and_dismissed(saved: Saved, form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    added = saved(lambda changeset: changeset.messages.add("Call the owner", kind="answer", path="state"))

    with use_tenant(kennels):
        message = Message.objects.get()
    assert (message.text, message.kind, message.path, message.author_label) == (
        "Call the owner",
        "answer",
        "state",
        "Robin Agent",
    )
    (change,) = added.changes
    assert (change.path, change.before, change.after) == (f"copy.messages/{message.id}", None, "Call the owner")
    assert (added.version, other_events(added)) == (2, ["message.added"])

    dismissed = saved(lambda changeset: only(changeset, "messages").dismiss())

    assert other_events(dismissed) == ["message.dismissed"]
    assert not len(batch.find_changeset(form_id, scope=kennels, actor=agent).messages)


def test_an_event_is_stored_forever(saved: Saved, form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    result = saved(lambda changeset: changeset.events.add("external_transfer", details={"to": "elsewhere"}))

    with use_tenant(kennels):
        event = Event.objects.get()
    assert (event.kind, event.details, event.actor_id, event.source) == (
        "external_transfer",
        {"to": "elsewhere"},
        agent.id,
        "web",
    )
    assert other_events(result) == ["event.external_transfer"]
    assert batch.find(form_id, scope=kennels, actor=agent).attached == {}


def test_a_later_eligibility_result_replaces_an_earlier_one(saved: Saved, kennels: Tenant) -> None:
    saved(lambda changeset: changeset.eligibility_results.record("PA-CARE", outcome="refer", reasons=[("L1", "Large")]))
    saved(lambda changeset: changeset.eligibility_results.record("PA-CARE", outcome="eligible"))
    saved(lambda changeset: changeset.eligibility_results.record("PA-CARE", outcome="decline", question_set="houses"))

    with use_tenant(kennels):
        found = list(EligibilityResult.objects.values_list("product", "question_set", "outcome", "asked_version"))
    assert found == [("PA-CARE", "", "eligible", 2), ("PA-CARE", "houses", "decline", 3)]


def test_a_disposition_belongs_to_all_copies_of_the_form(
    saved: Saved, form_id: UUID, kennels: Tenant, agent: Actor
) -> None:
    with batch.build_copy(form_id, scope=kennels, actor=agent) as context:
        context.save()
        copy_id = context.copy.id

    given = saved(lambda changeset: changeset.dispositions.give("lost", reason="Another broker"))

    assert other_events(given) == ["disposition.given"]
    assert [item.row.code for item in batch.find_changeset(copy_id, scope=kennels, actor=agent).dispositions] == [
        "lost"
    ]
    assert_batch(copy_id, lambda changeset: only(changeset, "dispositions").take_back(), scope=kennels, actor=agent)
    assert not len(batch.find_changeset(form_id, scope=kennels, actor=agent).dispositions)
    with use_tenant(kennels):
        assert Disposition.objects.get().application_form_id == form_id


def test_one_payment_method_is_the_default(saved: Saved, kennels: Tenant) -> None:
    saved(lambda changeset: changeset.payment_methods.add("card", token="tok_1", label="Visa •••• 4242"))
    saved(lambda changeset: changeset.payment_methods.add("invoice", token="inv_1", label="Invoice"))
    saved(lambda changeset: list(changeset.payment_methods)[1].make_default())
    with use_tenant(kennels):
        assert list(PaymentMethod.objects.values_list("label", "is_default")) == [
            ("Visa •••• 4242", False),
            ("Invoice", True),
        ]

    saved(lambda changeset: list(changeset.payment_methods)[0].remove())

    with use_tenant(kennels):
        assert PaymentMethod.objects.get(kind="card").removed_at is not None


@pytest.mark.parametrize(("token", "label"), [("tok_1", "Visa 4242 4242 4242 4242"), ("4242424242424242", "Visa")])
def test_a_payment_method_never_holds_an_account_number(
    form_id: UUID, kennels: Tenant, agent: Actor, token: str, label: str
) -> None:
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        with pytest.raises(errors.LooksLikeAccountNumber, match="last four digits"):
            context.changeset.payment_methods.add("card", token=token, label=label)
        assert not context.save().written


def test_a_search_for_the_industry_is_stored(saved: Saved, kennels: Tenant) -> None:
    saved(
        lambda changeset: changeset.naics_searches.add(
            "dog boarding", zip_code="78701", employees=4, found=["812910", "112990"], chosen="812910"
        )
    )

    with use_tenant(kennels):
        search = NaicsSearch.objects.get()
    assert (search.query, search.employees, search.found, search.chosen) == (
        "dog boarding",
        4,
        ["812910", "112990"],
        "812910",
    )


def test_the_forms_own_fields(saved: Saved, form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    renamed = saved(lambda changeset: changeset.application_form.refer_as("HT-2026"))
    assert [(change.path, change.after) for change in renamed.changes] == [("application_form/reference", "HT-2026")]

    archived = saved(lambda changeset: changeset.application_form.archive())

    assert other_events(archived) == ["form.archived"]
    with pytest.raises(errors.NotFound):
        batch.find(form_id, scope=kennels, actor=agent)
    assert other_events(saved(lambda changeset: changeset.application_form.restore())) == ["form.restored"]
    with use_tenant(kennels):
        form = ApplicationForm.objects.get()
    assert (form.reference, form.deleted_at, form.version) == ("HT-2026", None, 4)


def test_of_two_changes_of_shared_fields_the_later_one_is_stale(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with batch.build_copy(form_id, scope=kennels, actor=agent) as context:
        context.save()
        copy_id = context.copy.id

    with (
        batch.find_and_lock(form_id, scope=kennels, actor=agent) as one,
        batch.find_and_lock(copy_id, scope=kennels, actor=agent) as other,
    ):
        one.changeset.application_form.refer_as("One")
        one.changeset.messages.add("With it")
        other.changeset.application_form.refer_as("Other")
        other.changeset.messages.add("Not without it")
        one.save()
        with pytest.raises(errors.StaleChangeset):
            other.save()

    with use_tenant(kennels):
        assert ApplicationForm.objects.get().reference == "One"
        assert [message.text for message in Message.objects.all()] == ["With it"]
    # Records that are only added to the form cause no conflict.
    with (
        batch.find_and_lock(form_id, scope=kennels, actor=agent) as one,
        batch.find_and_lock(copy_id, scope=kennels, actor=agent) as other,
    ):
        one.changeset.naics_searches.add("dogs")
        other.changeset.naics_searches.add("cats")
        assert (one.save().written, other.save().written) == (True, True)


def test_only_changed_records_are_written(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        for number in range(5):
            context.changeset.messages.add(f"Message {number}")
        context.save()

    with use_tenant(kennels), connection.cursor() as cursor:
        cursor.execute("SELECT id, xmin::text FROM forms_message")
        before = dict(cursor.fetchall())
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        list(context.changeset.messages)[2].dismiss()
        context.save()

    with use_tenant(kennels), connection.cursor() as cursor:
        cursor.execute("SELECT id, cmin::text, dismissed_at IS NOT NULL FROM forms_message ORDER BY created_at, id")
        rows = cursor.fetchall()
    assert [dismissed for _, _, dismissed in rows] == [False, False, True, False, False]
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        context.changeset.messages.add("x").dismiss()
        written = {name: accumulator.finalize() for name, accumulator in context.changeset.tracker.attached.items()}
    assert [len(rows) for name, rows in written.items() if rows] == [1]
    assert len(before) == 5


def test_the_same_again_is_no_change(saved: Saved) -> None:
    saved(lambda changeset: changeset.messages.add("Once"))
    saved(lambda changeset: only(changeset, "messages").dismiss())

    result = saved(lambda changeset: changeset.application_form.refer_as(""))

    assert not result.written


def test_wrong_values_are_refused_with_the_remedy(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        changeset = context.changeset
        wrong: list[tuple[Callable[[], object], type[errors.BatchError]]] = [
            (lambda: changeset.messages.add(" "), errors.WrongValue),
            (lambda: changeset.messages.add("x" * 2_001), errors.WrongValue),
            (lambda: changeset.messages.add("x", kind="rumour"), errors.WrongValue),  # type: ignore[arg-type]
            (lambda: changeset.messages.find(uuid4()), errors.UnknownRecord),
            (lambda: changeset.messages.find("no id"), errors.UnknownRecord),
            (lambda: changeset.messages.add("His number is 987-65-4321"), errors.LooksSensitive),
            (lambda: changeset.events.add("external_transfer", details={"n": "98-7654321"}), errors.LooksSensitive),
            (lambda: changeset.events.add("party"), errors.WrongValue),  # type: ignore[arg-type]
            (lambda: changeset.quote_requests.request("NOBODY"), errors.UnknownProduct),
            (lambda: changeset.eligibility_results.record("NOBODY", outcome="eligible"), errors.UnknownProduct),
            (lambda: changeset.eligibility_results.record("PA-CARE", outcome="maybe"), errors.WrongValue),
            (
                lambda: changeset.eligibility_results.record("PA-CARE", outcome="refer", question_set="none"),
                errors.UnknownQuestionSet,
            ),
            (lambda: changeset.processes.start(""), errors.WrongValue),
            (lambda: changeset.dispositions.give("won"), errors.WrongValue),  # type: ignore[arg-type]
            (lambda: changeset.dispositions.give("lost", reason="x" * 501), errors.WrongValue),
            (lambda: changeset.payment_methods.add("gold", token="t", label="l"), errors.WrongValue),  # type: ignore[arg-type]
            (lambda: changeset.payment_methods.add("card", token="", label="l"), errors.WrongValue),
            (lambda: changeset.naics_searches.add(""), errors.WrongValue),
            (lambda: changeset.naics_searches.add("x", employees=-1), errors.WrongValue),
            (lambda: changeset.guest_links.issue(valid_for=timedelta(days=91)), errors.WrongValue),
            (lambda: changeset.application_form.refer_as("x" * 201), errors.WrongValue),
        ]
        for act, error in wrong:
            with pytest.raises(error):
                act()
        assert not context.save().written


def test_every_kind_is_stale_after_the_save_and_read_only_when_read(
    form_id: UUID, kennels: Tenant, agent: Actor
) -> None:
    writes: list[Callable[[Changeset], object]] = [
        lambda changeset: changeset.messages.add("x"),
        lambda changeset: changeset.events.add("external_transfer"),
        lambda changeset: changeset.quote_requests.request("PA-CARE"),
        lambda changeset: changeset.bindings.of(UUID(int=1)),
        lambda changeset: changeset.subjectivities.receive(form_id, [SIGN], find_source=lambda field: None),
        lambda changeset: changeset.eligibility_results.record("PA-CARE", outcome="refer"),
        lambda changeset: changeset.processes.start("quoting"),
        lambda changeset: changeset.dispositions.give("lost"),
        lambda changeset: changeset.payment_methods.add("card", token="t", label="l"),
        lambda changeset: changeset.naics_searches.add("x"),
        lambda changeset: changeset.guest_links.issue(valid_for=timedelta(days=1)),
        lambda changeset: changeset.application_form.refer_as("x"),
    ]
    assert len(writes) == len(KINDS) + 1

    reading = batch.find_changeset(form_id, scope=kennels, actor=agent)
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        stale, message = context.changeset, context.changeset.messages.add("x")
        context.save()

    for write in writes:
        with pytest.raises(misuse.ReadOnlyChangeset, match="find_and_lock"):
            write(reading)
        with pytest.raises(misuse.StaleReference, match=r"context\.changeset"):
            write(stale)
    with pytest.raises(misuse.StaleReference):
        message.dismiss()
    with pytest.raises(misuse.StaleReference):
        len(stale.messages)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda changeset: changeset.copy.rename("x" * 201), "title"),
        (lambda changeset: changeset.copy.rename("a\0b"), "title"),
        (lambda changeset: changeset.application_form.refer_as("a\0b"), "reference"),
        (lambda changeset: changeset.messages.add("half a pair: \ud800"), "text"),
        (lambda changeset: changeset.messages.add("x", path="p" * 301), "path"),
        (lambda changeset: changeset.messages.add("x", metadata={"n": float("nan")}), "metadata"),
        (lambda changeset: changeset.messages.add("x", metadata={"a\0b": [1]}), "metadata"),
        (lambda changeset: changeset.processes.start("quoting", step="s" * 61), "step"),
        (lambda changeset: changeset.naics_searches.add("dogs", employees=2**31), "employees"),
        (
            lambda changeset: changeset.guest_links.issue(valid_for=timedelta(days=1), name="a" * 101),
            "name",
        ),
    ],
)
def test_a_value_that_the_database_would_refuse_is_refused_by_name(
    form_id: UUID, kennels: Tenant, agent: Actor, change: Callable[[Changeset], object], field: str
) -> None:
    with (
        pytest.raises(errors.WrongValue) as refusal,
        batch.find_and_lock(form_id, scope=kennels, actor=agent) as context,
    ):
        change(context.changeset)
        context.save()

    assert refusal.value.field == field
    assert batch.find(form_id, scope=kennels, actor=agent).version == 1


def test_a_new_copy_does_not_overwrite_later_changes_of_its_form(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with batch.build_copy(form_id, scope=kennels, actor=agent) as slow:
        with batch.find_and_lock(form_id, scope=kennels, actor=agent) as other:
            other.changeset.application_form.refer_as("One")
            other.save()
        slow.changeset.application_form.refer_as("Two")
        with pytest.raises(errors.StaleChangeset):
            slow.save()
    with batch.build_copy(form_id, scope=kennels, actor=agent) as late:
        with batch.find_and_lock(form_id, scope=kennels, actor=agent) as other:
            other.changeset.application_form.archive()
            other.save()
        with pytest.raises(errors.StaleChangeset):
            late.save()

    with use_tenant(kennels):
        form = ApplicationForm.objects.get()
        assert (form.reference, form.deleted_at is not None, Copy.objects.count()) == ("One", True, 1)


def test_of_two_first_payment_methods_one_is_the_default(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with batch.build_copy(form_id, scope=kennels, actor=agent) as context:
        context.save()
        copy_id = context.copy.id

    with (
        batch.find_and_lock(form_id, scope=kennels, actor=agent) as one,
        batch.find_and_lock(copy_id, scope=kennels, actor=agent) as other,
    ):
        one.changeset.payment_methods.add("invoice", token="a", label="A")
        other.changeset.payment_methods.add("invoice", token="b", label="B")
        one.save()
        with pytest.raises(errors.StaleChangeset):
            other.save()
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        method = only(context.changeset, "payment_methods")
        method.remove()
        with pytest.raises(errors.WrongState, match="removed"):
            method.make_default()
