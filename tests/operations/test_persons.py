"""A person's data is found, exported and erased: no trace is left, and what stays is on a record."""

from __future__ import annotations

import io
import json
import stat
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import models
from django.utils import timezone

from actions.models import OutboxAction
from batch import service as batch
from batch.changes.changeset import Changeset
from batch.models import IdempotencyRecord
from catalogue import releases
from copies.codec import decode_document
from copies.document import Answer
from copies.models import Copy, CopyRevision
from copies.verification import verify
from forms.models import ApplicationForm, GuestLink
from operations.engine.pace import Pace
from operations.engine.worker import drain
from operations.erasure import form_rows
from operations.erasure.certificates import ErasureUnderWay
from operations.erasure.form_erasure import form_parameters
from operations.erasure.legal_holds import hold_form
from operations.models import Erasure
from operations.persons import erased_content, person_erasure, search, version_rewriting
from operations.persons.form_columns import erase_mentions
from operations.persons.identity import Person, UnclearPerson
from operations.persons.needles import ERASED, Needles
from operations.persons.person_erasure import erase_person, plan_erasure
from operations.persons.search import find_forms
from operations.submission.order import NewOperation
from operations.submission.submit import submit
from redis_locks.job_mutex import JobMutex
from search.indexer import index_copies
from tenants.access import Actor, system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tenants.tables import tenant_tables
from tests.harness.canaries import in_database, in_redis
from tests.harness.guests import issue
from tests.harness.tenant_rows import fill_tables

pytestmark = pytest.mark.django_db
PHONE, SSN = "(614) 555-0187", "987-65-4321"
PERSON = Person(phone=PHONE)
ACTOR = system_actor("person")
#: The person's values, in the spellings that the oracle knows.
VALUES = {"phone": "6145550187", "as typed": PHONE, "before": "6145550199", "ssn": SSN, "later ssn": "987-65-4329"}


class TestPerson:
    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({}, "Give an email"),
            ({"email": "nobody"}, "no email address"),
            ({"phone": "555 01"}, "at least 7 digits"),
            ({"name": "Jane Doe"}, "name alone"),
            ({"born": date(1980, 3, 4)}, "name alone"),
        ],
    )
    def test_an_unclear_one_is_refused(self, fields: dict[str, Any], says: str) -> None:
        with pytest.raises(UnclearPerson, match=says):
            Person(**fields)

    @pytest.mark.parametrize(
        ("person", "values", "found"),
        [
            (Person(email="Jane@Doe.example"), {"a": " jane@doe.EXAMPLE "}, {"email": {"a"}}),
            (Person(email="jane@doe.example"), {"a": "mary.jane@doe.example"}, {}),
            (Person(phone="+1 614 555 0187"), {"a": "6145550187", "b": "6145550188"}, {"phone": {"a"}}),
            (Person(phone="614-555-0187"), {"a": "no 6145550187", "b": 6145550187}, {}),
            (Person(name="Jane Doe", born=date(1980, 3, 4)), {"n": "DOE,  Jane", "d": "1980-03-04"}, {"d", "n"}),
            (Person(name="Jane M. Doe", born=date(1980, 3, 4)), {"f": "jane m", "l": "Doe", "d": "1980-03-04"},
             {"d", "f", "l"}),
            (Person(name="Jane Doe", born=date(1980, 3, 4)), {"n": "Jane Doe", "d": "1980-03-05"}, {}),
            (Person(name="Jane Doe", born=date(1980, 3, 4)), {"n": "Jane Doe Smith", "d": "1980-03-04"}, {}),
        ],
    )  # fmt: skip
    def test_it_matches_exactly_after_normalising(self, person: Person, values: dict[str, Any], found: Any) -> None:
        expected = {"name and date of birth": found} if isinstance(found, set) else found

        assert {how: set(codes) for how, codes in person.matches(values).items()} == expected


@pytest.mark.parametrize(
    ("values", "before", "after"),
    [
        (["6145550187"], "Call (614) 555-0187 or +1 614-555-0187.", "Call (erased) or (erased)."),
        (["6145550187"], "No 16145550187 9 and 61455501870", "No (erased) 9 and 61455501870"),
        (["1980-03-04"], "Born 3/4/1980, March 4, 1980, 1980-03-04.", "Born (erased), (erased), (erased)."),
        (["Will"], "Will says that it will WILL.", "(erased) says that it will (erased)."),
        (["Jane Doe"], "jane  doe, Jane Doering", "(erased), Jane Doering"),
        (["Al", ""], "Al's hotel", "Al's hotel"),
        (["jane@doe.example"], '{"to":"Jane@doe.example","n":[1,null,true]}', '{"to":"(erased)","n":[1,null,true]}'),
    ],
)
def test_needles_know_the_spellings_of_a_value(values: list[str], before: str, after: str) -> None:
    needles = Needles(values)

    assert needles.in_text(before) == after
    assert needles.in_text(after) == after


@pytest.fixture
def change(kennels: Tenant, agent: Actor) -> Callable[[UUID, Callable[[Changeset], object]], None]:
    """Return what carries out and saves a change of a form."""

    def save(form_id: UUID, order: Callable[[Changeset], object]) -> None:
        with batch.find_and_lock(form_id, scope=kennels, actor=agent, archived=True) as context:
            order(context.changeset)
            context.save()

    return save


@pytest.fixture
def form(kennels: Tenant, agent: Actor, make_form: Callable[..., UUID], change: Callable[..., None]) -> UUID:
    """Return a form of the person with all that the product stores of them: two copies, versions by them as a guest,
    messages, events, responses, operations, search words, logs and mails.
    """
    form_id = make_form({"owner_phone": PHONE, "owner_ssn": SSN, "kennel_name": f"Kennel {PHONE}"})
    with batch.build_copy(form_id, scope=kennels, actor=agent, title=f"For {PHONE}") as context:
        context.save()
    change(form_id, lambda changeset: changeset.apply_answers({"owner_phone": "614 555 0199"}, {}))
    link_id, _ = issue(kennels, form_id, name=f"{PHONE}")
    with use_tenant(kennels):
        guest = GuestLink.objects.get(pk=link_id).as_actor(source="web")
    with batch.find_and_lock(form_id, scope=kennels, actor=guest) as context:
        context.changeset.apply_answers({"owner_phone": PHONE, "has_cats": True, "cat_count": 60}, {})
        context.save()
    change(form_id, lambda changeset: changeset.apply_answers({"owner_ssn": "987-65-4329"}, {}))
    _leave_traces(form_id, kennels)
    return form_id


def _leave_traces(form_id: UUID, tenant: Tenant) -> None:
    """Leave what the product stores outside of saves."""
    now, staff = timezone.now(), User.objects.create_superuser("staff@example.com", "x")
    order = NewOperation(
        kind="set_answers", title=f"Of {PHONE}", items=[{"id": str(form_id)}],
        arguments={"answers": {"owner_phone": PHONE}},
    )  # fmt: skip
    submit(order, tenant=tenant, actor=ACTOR)
    drain("default", pace=Pace(seconds=1e9))
    with use_tenant(tenant):
        IdempotencyRecord.objects.create(
            tenant_id=tenant.pk, client="x", key="k", fingerprint=b"f", status=200, created_at=now,
            body=json.dumps({"id": str(form_id), "phone": "+16145550187"}).encode(),
        )  # fmt: skip
    index_copies([form_id], tenant=tenant)
    LogEntry.objects.create(
        user=staff, content_type=ContentType.objects.get_for_model(Copy), object_id=str(form_id),
        object_repr=f"For {PHONE}", action_flag=2,
    )  # fmt: skip


def bind(form_id: UUID, change: Callable[..., None]) -> None:
    change(form_id, lambda changeset: changeset.dispositions.give("bound"))


def left() -> set[tuple[str, str]]:
    """Return where the database and Redis still contain something of the person."""
    return in_database(VALUES) | in_redis(VALUES)


def order(tenant: Tenant, person: Person = PERSON, **options: Any) -> Any:
    """Find and erase the person."""
    planned = plan_erasure(find_forms(person, tenant=tenant, actor=ACTOR), **options)
    return erase_person(person, planned, tenant=tenant, actor=ACTOR)


def test_it_is_found_in_earlier_versions_and_sealed_answers(
    kennels: Tenant, harbor: Tenant, form: UUID, make_form: Callable[..., UUID]
) -> None:
    make_form({"owner_phone": "614 555 0188"})

    def found(person: Person, tenant: Tenant = kennels) -> list[UUID]:
        return [one.id for one in find_forms(person, tenant=tenant, actor=ACTOR)]

    assert found(PERSON) == found(Person(phone="614-555-0199")) == [form]
    # The number of another kind of question cannot be tried out.
    assert found(Person(phone="987-65-43-21")) == []
    assert found(PERSON, harbor) == found(Person(email="nobody@example.com")) == []


def test_a_whole_form_is_erased_without_a_trace(
    kennels: Tenant, form: UUID, make_form: Callable[..., UUID], capfd: pytest.CaptureFixture[str]
) -> None:
    other = make_form({"owner_phone": "614 555 0188"})
    assert len(left()) > 10

    outcome = order(kennels)

    assert left() == set()
    with use_tenant(kennels):
        assert list(ApplicationForm.objects.values_list("pk", flat=True)) == [other]
    record = Erasure.objects.get(subject="person")
    assert record.finished_at is not None and record == outcome.certificate
    assert record.counts["forms erased"] == 1 and record.counts["copies_copy"] == 2 and record.stays == []
    assert not any(value in "".join(capfd.readouterr()) for value in VALUES.values())


def test_a_bound_form_stays_without_the_person(
    kennels: Tenant, form: UUID, change: Callable[..., None], capfd: pytest.CaptureFixture[str]
) -> None:
    bind(form, change)
    with use_tenant(kennels):
        before = Copy.objects.get(pk=form)

    order(kennels)

    assert left() == set()
    with use_tenant(kennels):
        after = Copy.objects.get(pk=form)
        document = decode_document(bytes(after.document))
    assert (document.answers["owner_phone"].value, document.answers["owner_phone"].mask) == (None, ERASED)
    assert document.answers["owner_ssn"].sealed is None and document.answers["state"].value == "TX"
    assert document.answers["kennel_name"].value == f"Kennel {ERASED}"
    assert (after.version, after.decided_release_id) == (before.version + 1, before.decided_release_id)
    assert [one.findings for one in verify(kennels)] == [[], []]
    record = Erasure.objects.get()
    assert record.stays == [{"form": str(form), "why": person_erasure.BOUND}]
    assert record.counts["forms without the person"] == 1 and record.counts["versions"] >= 6
    assert not any(value in "".join(capfd.readouterr()) for value in VALUES.values())
    assert find_forms(PERSON, tenant=kennels, actor=ACTOR) == []


def test_every_text_of_every_table_is_searched(kennels: Tenant, make_form: Callable[..., UUID]) -> None:
    form_id = make_form()
    text = "+16145550187"
    texts: dict[str, list[int]] = {}
    for table in tenant_tables():
        for field in table.model._meta.concrete_fields:
            is_text = isinstance(field, models.CharField | models.TextField) and not field.choices
            is_content = is_text or isinstance(field, models.JSONField) or field.attname == "body"
            texts.setdefault(field.attname, []).append((field.max_length or 300) if is_content else 0)
    # By name: where another table has JSON or bytes of this name, the harness makes JSON of bytes.
    mixed = {
        field.attname
        for table in tenant_tables()
        for field in table.model._meta.concrete_fields
        if isinstance(field, models.JSONField | models.BinaryField)
    }
    columns: dict[str, Any] = {
        name: text.encode() if name in mixed else text for name, lengths in texts.items() if min(lengths) > len(text)
    }
    # A stored response is found by the ids in it.
    columns["body"] = f'["{form_id}", "{text}"]'.encode()
    made = fill_tables(kennels, rows=1, columns={**columns, "copy_id": form_id, "application_form_id": form_id})
    with use_tenant(kennels):
        CopyRevision.objects.filter(pk__in=made["copies_copyrevision"]).delete()
        # The row of a form is one of another form: this one gets its texts.
        ApplicationForm.objects.filter(pk__in=made["forms_applicationform"]).delete()
        ApplicationForm.objects.filter(pk=form_id).update(external_id=text, metadata={"said": text})
    found = {place.partition(".")[0] for place, _ in in_database(VALUES)}
    assert {"webhooks_webhookpayload", "forms_event", "carriers_carriercall", "forms_message"} <= found

    with use_tenant(kennels):
        counts = erase_mentions(form_parameters(form_id, kennels), Needles([PHONE]), tenant=kennels)

    tables = {place.partition(".")[0] for place, _ in in_database(VALUES)}
    assert len(counts) > 15
    # The versions are rewritten by the batch, search entries by the index; the others say nothing of a form.
    assert tables <= {
        "copies_copyrevision", "search_searchentry", "search_searchword", "search_searchspelling",
        *form_rows.WITHOUT_FORMS,
    }  # fmt: skip


def slow(*sabotage: Any) -> Any:
    """Return a sabotage that only the full tier tries."""
    return pytest.param(sabotage, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    "sabotage",
    [
        (version_rewriting, "rewrite_versions", lambda *_, **__: []),
        slow(version_rewriting, "relabel_versions", lambda *_, **__: []),
        slow(version_rewriting, "erase_from_changes", lambda changes, *_: list(changes)),
        slow(erased_content, "_erase", lambda answer: None),
        slow(person_erasure, "erase_mentions", lambda *_, **__: {}),
        slow(person_erasure, "index_copies", lambda *_, **__: 0),
        slow(person_erasure, "_erase_elsewhere", lambda *_: {}),
    ],
    ids=lambda sabotage: sabotage[1],
)
def test_the_oracle_finds_what_a_variant_forgets(
    kennels: Tenant,
    form: UUID,
    change: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    sabotage: tuple[Any, str, Any],
) -> None:
    bind(form, change)
    monkeypatch.setattr(*sabotage)
    if sabotage[1] == "index_copies":
        monkeypatch.setattr(person_erasure, "remove_entries", lambda *_, **__: 0)

    order(kennels)

    assert left() != set() or any(one.findings for one in verify(kennels))


def test_a_held_form_stays_as_it_is(kennels: Tenant, form: UUID, change: Callable[..., None]) -> None:
    hold_form(form, tenant=kennels, actor=ACTOR, reason="Case 12")
    before = left()

    order(kennels)

    assert left() == before - {place for place in before if place[0].startswith("operations_batchoperation")} - {
        place for place in before if place[0].startswith("django_admin_log")
    }
    assert Erasure.objects.get().stays == [{"form": str(form), "why": person_erasure.HELD}]
    with pytest.raises(CommandError, match="legal hold"):
        call_command("erase_form", str(form), confirm=form)
    call_command("legal_hold", str(form), release=True, stdout=io.StringIO())
    order(kennels)
    assert left() == set()


def test_a_form_that_is_bound_or_held_after_the_search_is_left(
    kennels: Tenant, form: UUID, change: Callable[..., None]
) -> None:
    planned = plan_erasure(find_forms(PERSON, tenant=kennels, actor=ACTOR))
    bind(form, change)

    outcome = erase_person(PERSON, planned, tenant=kennels, actor=ACTOR)

    assert list(outcome.left) == [form] and outcome.certificate.finished_at is None
    planned = plan_erasure(find_forms(PERSON, tenant=kennels, actor=ACTOR))
    assert [one.reason for one in planned] == [person_erasure.BOUND]
    hold_form(form, tenant=kennels, actor=ACTOR, reason="Case 12")

    outcome = erase_person(PERSON, planned, tenant=kennels, actor=ACTOR)

    assert list(outcome.left) == [form]
    (found,) = find_forms(PERSON, tenant=kennels, actor=ACTOR)
    assert found.is_held


def test_the_admins_log_loses_the_words_of_the_person_alone(kennels: Tenant) -> None:
    staff = User.objects.create_superuser("staff@example.com", "x")
    LogEntry.objects.create(
        user=staff, content_type=ContentType.objects.get_for_model(Copy), object_id="1", action_flag=2,
        object_repr="Joann Lee's kennel", change_message="Changed for Ann Lee on 1960-05-04.",
    )  # fmt: skip

    erase_person(Person(name="Ann Lee", born=date(1960, 5, 4)), [], tenant=kennels, actor=ACTOR)

    entry = LogEntry.objects.get()
    assert (entry.object_repr, entry.change_message) == (
        "Joann Lee's kennel", f"Changed for {ERASED} on 1960-05-04."
    )  # fmt: skip


def test_two_erasures_of_a_person_never_run_at_once(kennels: Tenant, form: UUID, harbor: Tenant) -> None:
    planned = plan_erasure(find_forms(PERSON, tenant=kennels, actor=ACTOR))
    before = left()

    with JobMutex(f"erase person {person_erasure._working_id(PERSON, kennels)}"):
        with pytest.raises(ErasureUnderWay):
            erase_person(PERSON, planned, tenant=kennels, actor=ACTOR)
        assert left() == before and Erasure.objects.count() == 0
        erase_person(Person(phone="614 555 0101"), [], tenant=kennels, actor=ACTOR)
        erase_person(PERSON, [], tenant=harbor, actor=ACTOR)

    assert erase_person(PERSON, planned, tenant=kennels, actor=ACTOR).certificate.counts["forms erased"] == 1
    # A plan that was made before that erasure leaves nothing open.
    late = erase_person(PERSON, planned, tenant=kennels, actor=ACTOR)
    assert (late.left, late.certificate.counts.get("forms erased", 0)) == ({}, 0)
    assert late.certificate.finished_at is not None and left() == set()


def test_a_search_without_sealed_answers_opens_none(
    kennels: Tenant, make_form: Callable[..., UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_may_be_phone", lambda *_: True)
    form_id = make_form({"owner_phone": PHONE, "owner_ssn": SSN})

    def found(phone: str, **options: Any) -> list[UUID]:
        return [one.id for one in find_forms(Person(phone=phone), tenant=kennels, actor=ACTOR, **options)]

    assert found(SSN) == found(PHONE) == found(PHONE, opens_sealed=False) == [form_id]
    assert found(SSN, opens_sealed=False) == []


@pytest.mark.parametrize(
    ("question", "sealed", "may_be"),
    [("owner_phone", b"x", True), ("owner_phone", None, True), ("owner_ssn", b"x", False), ("kennel_name", None, False),
     ("of_old", None, True), ("of_old", b"x", False)],
)  # fmt: skip
def test_a_phone_is_searched_where_one_may_be(
    kennels: Tenant, question: str, sealed: bytes | None, may_be: bool
) -> None:
    catalogue = releases.current("kennels", tenant_id=kennels.pk).compiled

    assert search._may_be_phone(question, Answer(sealed=sealed), catalogue) is may_be


@pytest.mark.parametrize("reason", [" ", "x" * 301])
def test_a_hold_without_a_reason_that_can_be_stored_is_refused(kennels: Tenant, form: UUID, reason: str) -> None:
    with pytest.raises(CommandError, match="1 to 300 characters"):
        call_command("legal_hold", str(form), reason=reason)
    order(kennels)
    assert left() == set()


def test_a_form_in_use_is_left_and_the_same_order_goes_on(
    kennels: Tenant, form: UUID, make_form: Callable[..., UUID]
) -> None:
    make_form({"owner_phone": PHONE})
    with use_tenant(kennels):
        OutboxAction.objects.filter(copy_id=form).update(leased_until=timezone.now() + timedelta(minutes=1))

    begun = order(kennels)

    assert list(begun.left) == [form] and "in use" in begun.left[form]
    assert begun.certificate.finished_at is None and Erasure.objects.filter(subject="form").count() == 1
    with use_tenant(kennels):
        OutboxAction.objects.update(leased_until=None)
    ended = order(kennels)
    assert left() == set() and not ended.left
    assert (ended.certificate.pk, ended.certificate.counts["forms erased"]) == (begun.certificate.pk, 2)
    assert ended.certificate.subject_id != begun.certificate.subject_id


class TestCommand:
    def run(self, *arguments: object, **options: Any) -> str:
        shown = io.StringIO()
        call_command("person", "kennels", *map(str, arguments), phone=PHONE, stdout=shown, **options)
        return shown.getvalue()

    def test_without_a_confirmation_it_lists_and_changes_nothing(self, kennels: Tenant, form: UUID) -> None:
        before = left()

        assert f"{form}  phone: will be erased" in self.run()
        shown = self.run("--answers-only")
        assert f"{form}  phone: only the person's answers will be erased (kept on request)" in shown
        with pytest.raises(CommandError, match="must be 1"):
            self.run("--confirm", 2)
        assert "0 forms" in self.run("--keep", form)
        assert left() == before and Erasure.objects.count() == 0

    def test_it_erases_and_prints_the_certificate(self, kennels: Tenant, form: UUID) -> None:
        shown = self.run("--confirm", 1)

        assert left() == set() and f"Certificate {Erasure.objects.get(subject='person').pk}" in shown

    def test_the_export_has_every_answer_and_mention(self, kennels: Tenant, form: UUID, tmp_path: Path) -> None:
        self.run("--export", tmp_path / "out")

        exported = json.loads((tmp_path / "out" / "person.json").read_bytes())
        text = (tmp_path / "out" / "person.txt").read_text()
        answers = [(one["path"], one["value"]) for one in exported["forms"][0]["answers"]]
        for expected in [("owner_phone", "+16145550187"), ("owner_phone", "+16145550199"), ("owner_ssn", "987654321")]:
            assert any(path == expected[0] and _digits(value) == _digits(expected[1]) for path, value in answers)
        assert any(one["record"] == "guest link" for one in exported["forms"][0]["mentions"])
        assert "Phone: " in text and "Owner's SSN: " in text and f"For {PHONE}" in text
        assert stat.S_IMODE((tmp_path / "out" / "person.json").stat().st_mode) == 0o600
        with pytest.raises(CommandError, match="could not be written"):
            self.run("--export", tmp_path / "out")

    @pytest.mark.parametrize("options", [{}, {"name": "Jane Doe"}])
    def test_it_names_what_is_missing(self, kennels: Tenant, options: dict[str, Any]) -> None:
        with pytest.raises(CommandError, match="Give an email|name alone"):
            call_command("person", "kennels", **options)
        with pytest.raises(CommandError, match="no tenant"):
            call_command("person", "nowhere", phone=PHONE)


def _digits(value: Any) -> str:
    digits = "".join(letter for letter in str(value) if letter.isdigit())
    return digits[-10:]


def test_in_a_row_of_another_ones_form_only_the_row_is_erased(kennels: Tenant, make_form: Callable[..., UUID]) -> None:
    houses = [
        {"answers": {"house_name": "jane@doe.example", "runs": 20}},
        {"answers": {"house_name": "South", "runs": 10}},
    ]
    form_id = make_form({"owner_phone": "614 555 0188"}, {"houses": houses})

    outcome = order(kennels, Person(email="Jane@Doe.example"))

    assert outcome.certificate.stays == [{"form": str(form_id), "why": person_erasure.OTHERS}]
    assert in_database({"email": "jane@doe.example"}) == set()
    with use_tenant(kennels):
        document = decode_document(bytes(Copy.objects.get(pk=form_id).document))
    assert [row.answers["house_name"].value for row in document.answer_pools["houses"]] == [None, "South"]
    assert document.answers["owner_phone"].is_answered
    assert all(not one.findings for one in verify(kennels))
