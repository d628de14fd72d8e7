"""``manage.py seed_forms``: forms that are copied inside the database."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from actions.models import OutboxAction
from batch import service as batch
from catalogue import releases
from catalogue.demo import load_demo_catalogue
from copies.models import Copy, CopyIndex, CopyRevision
from forms.models import ApplicationForm
from forms.selectors import list_forms
from partner_engine import seeded_forms
from partner_engine.seeded_forms import seed_forms
from search.form_search import rank_forms
from tenants.access import system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

ACTOR = system_actor("tests")


@pytest.fixture
def agency(db: None) -> Tenant:
    """Return a tenant with the demo's catalogue."""
    code = load_demo_catalogue(actor_id="tests").catalogue.code
    return Tenant.objects.create(code="agency", name="Agency", catalogue=code)


@pytest.mark.django_db(transaction=True)
def test_seeded_forms_are_whole_and_can_be_worked_on(agency: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeded_forms, "PATTERNS", 2)
    monkeypatch.setattr(seeded_forms, "AT_ONCE", 3)

    assert list(seed_forms(7, tenant=agency, actor=ACTOR)) == [2, 5, 7]

    questions = releases.current(agency.catalogue).compiled.questions
    assert {code for code, known in questions.items() if known.question.sensitivity == "spi"} == seeded_forms.SECRET
    with use_tenant(agency):
        copies = list(Copy.objects.values_list("id", "application_form_id"))
        assert len(copies) == len({form for _, form in copies}) == ApplicationForm.objects.count() == 7
        assert [copy for copy, form in copies if copy != form] == []
        assert CopyRevision.objects.values("copy_id").distinct().count() == 7
        assert OutboxAction.objects.count() == 0
        assert not Copy.objects.filter(wrapped_key__isnull=False).exists()
        found = rank_forms(list_forms(), "Amber Anchor", personal=True, limit=10)
        assert len(found) == 4
    assert set(CopyIndex.objects.values_list("copy_id", flat=True)) == {copy for copy, _ in copies}
    said = io.StringIO()
    call_command("verify_history", tenant="agency", stdout=said)
    assert said.getvalue().strip() == "7 copies with 7 versions: nothing was altered."
    with batch.find_and_lock(max(copies)[0], scope=agency, actor=ACTOR) as context:
        context.changeset.find_answer("mqs_annual_revenue").apply(1_234_567)
        # Secret answers are sealed under the key of their own copy, so none was copied.
        context.changeset.apply_answers({"mqs_has_fein": True, "mqs_fein": "12-3456789"})
        assert context.save().version == 2


@pytest.mark.django_db
def test_the_command_reports_disk_use_and_runs_in_the_demo_alone(agency: Tenant, settings: Settings) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="set DEMO=1"):
        call_command("seed_forms", "agency")
    settings.DEMO = True
    with pytest.raises(CommandError, match="There is no tenant 'nobody'"):
        call_command("seed_forms", "nobody")
    with pytest.raises(CommandError, match="at least one form"):
        call_command("seed_forms", "agency", forms=0)
    with use_tenant(agency):
        assert ApplicationForm.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_the_command_adds_forms(agency: Tenant, settings: Settings) -> None:
    settings.DEMO = True
    said = io.StringIO()

    call_command("seed_forms", "agency", forms=3, stdout=said)

    assert "3 forms in " in said.getvalue()
    assert "kB of disk each." in said.getvalue()
    with use_tenant(agency):
        assert ApplicationForm.objects.count() == 3
