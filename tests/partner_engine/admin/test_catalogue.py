"""The catalogue in the admin: faults are shown at their field; checking, publishing, export and import."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from carriers.models import CarrierProduct, ProductRule
from catalogue.drafts import read_draft
from catalogue.files import read_catalogue
from catalogue.models import Catalogue, DerivedValue, FormRule, Question, QuestionSet, Release
from catalogue.releases import current
from redis_locks.job_mutex import JobMutex
from rules.definition.catalogue import RequiredWhen
from tenants.models import User
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.limits import limit


def form_rule(catalogue: Catalogue, **other: str) -> dict[str, str]:
    rule = {
        "catalogue": str(catalogue.pk),
        "position": "9",
        "code": "K-02",
        "then": "warn",
        "at": "cat_count",
        "say": "Look",
    }
    return {**rule, "when": "cat_count > 10", **other}


def inline_data(client: Client, address: str) -> dict[str, Any]:
    """Return the values of the page's forms, as a browser would send them back."""
    context = client.get(address).context
    forms = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.initial_forms]
    data: dict[str, Any] = {}
    for form in forms:
        for field in form:
            value = field.value()
            if value is True:
                data[field.html_name] = "on"
            elif value is not None and value is not False:
                data[field.html_name] = value
    return data


def test_a_rule_is_added(admin: Client, kennels: Catalogue) -> None:
    answer = admin.post(reverse("admin:catalogue_formrule_add"), form_rule(kennels))

    assert answer.status_code == 302
    assert FormRule.objects.get(code="K-02").when == "cat_count > 10"


@pytest.mark.parametrize(
    ("condition", "said"),
    [("cat_count > ", "Column"), ("dogs > 3", "dogs"), ('cat_count > "many"', "_&gt;_"), ("cat_count + 1", "bool")],
)
def test_a_faulty_condition_is_reported_at_its_field(
    condition: str, said: str, admin: Client, kennels: Catalogue
) -> None:
    answer = admin.post(reverse("admin:catalogue_formrule_add"), form_rule(kennels, when=condition))

    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == ["when"]
    assert not FormRule.objects.filter(code="K-02").exists()


def test_a_question_set_is_edited_with_its_questions(admin: Client, kennels: Catalogue) -> None:
    question_set = QuestionSet.objects.get(code="houses")
    address = reverse("admin:catalogue_questionset_change", args=(question_set.pk,))
    data = inline_data(admin, address)

    saved = admin.post(address, {**data, "title": "Houses", "questions-1-label": "Runs for dogs"})
    refused = admin.post(address, {**data, "questions-1-when": "house_name > 3"})

    assert saved.status_code == 302, saved.context["errors"]
    question_set.refresh_from_db()
    assert question_set.title == "Houses"
    assert Question.objects.get(code="runs").label == "Runs for dogs"
    assert refused.status_code == 200
    assert [list(errors) for errors in refused.context["inline_admin_formsets"][0].formset.errors if errors] == [
        ["when"]
    ]


def test_a_product_is_edited_with_its_rates_and_rules(admin: Client, kennels: Catalogue) -> None:
    product = CarrierProduct.objects.get(code="PA-CARE")
    address = reverse("admin:carriers_carrierproduct_change", args=(product.pk,))
    data = inline_data(admin, address)

    saved = admin.post(address, {**data, "terms-0-rate": "13.25", "rules-0-why": "Too many cats"})
    refused = admin.post(address, {**data, "terms-0-of": "kennel_name", "line": "aviation"})

    assert saved.status_code == 302, saved.context["errors"]
    assert str(product.terms.get().rate) == "13.250000"
    assert ProductRule.objects.get(code="P1").why == "Too many cats"
    assert refused.status_code == 200
    assert list(refused.context["adminform"].form.errors) == ["line"]
    faulty = [formset.formset.errors for formset in refused.context["inline_admin_formsets"]]
    assert [list(errors) for formset in faulty for errors in formset if errors] == [["of"]]


def test_the_check_lists_every_fault_with_its_place(admin: Client, kennels: Catalogue) -> None:
    DerivedValue.objects.create(catalogue=kennels, code="d_wrong", value="dogs + 1")
    FormRule.objects.filter(code="K-01").update(at="nowhere")

    answer = admin.get(reverse("admin:catalogue_catalogue_check_draft", args=(kennels.pk,)))

    assert answer.status_code == 200
    text = answer.content.decode()
    assert "derived[d_wrong].value" in text
    assert "form_rules[K-01].at" in text
    assert f"{reverse('admin:catalogue_derivedvalue_changelist')}?q=d_wrong" in text
    assert "Publish for all forms" not in text


def test_publishing_shows_what_changes_and_makes_it_current(admin: Client, kennels: Catalogue) -> None:
    address = reverse("admin:catalogue_catalogue_publish", args=(kennels.pk,))
    Question.objects.filter(code="cat_count").update(label="How many cats?")

    preview = admin.get(address).content.decode()
    answer = admin.post(address, {"notes": "Clearer"})

    assert "question_sets[start].questions[cat_count].label" in preview
    assert "How many cats?" in preview
    assert answer.status_code == 302
    release = Release.objects.get(number=2)
    assert release.notes == "Clearer"
    assert current("kennels").id == release.pk


def test_warnings_are_shown_and_hinder_nothing(admin: Client, kennels: Catalogue) -> None:
    DerivedValue.objects.create(catalogue=kennels, code="d_cats", value="cat_count + 1")
    address = reverse("admin:catalogue_catalogue_publish", args=(kennels.pk,))

    checked = admin.get(reverse("admin:catalogue_catalogue_check_draft", args=(kennels.pk,))).content.decode()
    preview = admin.get(address).content.decode()
    file = admin.get(reverse("admin:catalogue_catalogue_export", args=(kennels.pk,))).content
    imported = admin.post(reverse("admin:catalogue_catalogue_import_file"), {"file": BytesIO(file)}).content.decode()
    published = admin.post(address, {})

    for text in (checked, preview, imported):
        assert '<h2 id="staff-warnings">Warnings</h2>' in text
        assert "Nothing reads &#x27;d_cats&#x27;, and it is not shown." in text
    assert "Publish for all forms" in preview
    assert "Load the file" in imported
    assert published.status_code == 302


def test_a_literal_that_no_answer_can_equal_is_a_fault_at_its_field(admin: Client, kennels: Catalogue) -> None:
    answer = admin.post(reverse("admin:catalogue_formrule_add"), form_rule(kennels, when='state == "TXX"'))

    assert answer.status_code == 200
    [error] = answer.context["adminform"].form.errors["when"]
    assert error == "Column 10: 'TXX' is not a choice of 'state'. Did you mean 'TX'?"


def test_a_requirement_has_conditions_or_is_fixed(admin: Client, kennels: Catalogue) -> None:
    question = Question.objects.get(code="owner_phone")
    address = reverse("admin:catalogue_question_change", args=(question.pk,))
    data = inline_data(admin, address)

    both = admin.post(address, {**data, "required": "quote", "quote_when": "has_cats"})
    faulty = admin.post(address, {**data, "required": "optional", "quote_when": "cats"})
    saved = admin.post(address, {**data, "required": "optional", "quote_when": "has_cats"})

    assert list(both.context["adminform"].form.errors) == ["required"]
    assert list(faulty.context["adminform"].form.errors) == ["quote_when"]
    assert saved.status_code == 302
    assert read_draft(kennels).question_sets[0].questions[5].required == RequiredWhen(quote="has_cats")


def test_a_faulty_draft_is_not_published(admin: Client, kennels: Catalogue) -> None:
    DerivedValue.objects.create(catalogue=kennels, code="d_wrong", value="dogs + 1")

    answer = admin.post(reverse("admin:catalogue_catalogue_publish", args=(kennels.pk,)))

    assert answer.status_code == 200
    assert b"d_wrong" in answer.content
    assert Release.objects.count() == 1


def test_publishing_without_changes_makes_no_release(admin: Client, kennels: Catalogue) -> None:
    admin.post(reverse("admin:catalogue_catalogue_publish", args=(kennels.pk,)))

    assert Release.objects.count() == 1


def test_a_release_is_read_only(admin: Client, kennels: Catalogue) -> None:
    release = Release.objects.get()
    address = reverse("admin:catalogue_release_change", args=(release.pk,))

    assert b"3 question sets" in admin.get(address).content
    assert admin.post(address, {"notes": "Other"}).status_code == 403
    assert admin.post(reverse("admin:catalogue_release_delete", args=(release.pk,)), {"post": "yes"}).status_code == 403


def test_the_exported_file_equals_the_draft(admin: Client, kennels: Catalogue) -> None:
    answer = admin.get(reverse("admin:catalogue_catalogue_export", args=(kennels.pk,)))

    assert answer.headers["Content-Disposition"] == 'attachment; filename="kennels.yaml"'
    assert read_catalogue(answer.content.decode()) == KENNELS


def test_a_file_is_imported_after_a_preview_of_its_changes(admin: Client, kennels: Catalogue) -> None:
    address = reverse("admin:catalogue_catalogue_import_file")
    text = admin.get(reverse("admin:catalogue_catalogue_export", args=(kennels.pk,))).content.decode()
    changed = text.replace("Cats at most", "Number of cats")

    preview = admin.post(address, {"file": BytesIO(changed.encode())})
    before = Question.objects.get(code="cat_count").label
    answer = admin.post(address, {"text": preview.context["text"], "confirm": "1"})

    assert "question_sets[start].questions[cat_count].label" in preview.content.decode()
    assert before == "Cats at most"
    assert answer.status_code == 302
    assert Question.objects.get(code="cat_count").label == "Number of cats"
    assert Release.objects.count() == 1


@pytest.mark.parametrize("view", ["catalogue_catalogue_import_file", "catalogue_packageimport_import_package"])
def test_files_count_as_uploads_and_their_confirmation_does_not(
    admin: Client, kennels: Catalogue, view: str, monkeypatch: pytest.MonkeyPatch, limits_on: None
) -> None:
    limit(monkeypatch, upload=2)
    address = reverse(f"admin:{view}")

    sent = [admin.post(address, {"file": BytesIO(b"x: 1")}) for _ in range(3)]
    confirmed = admin.post(address, {"text": "x: 1", "confirm": "1"})

    assert [response.status_code for response in [*sent, confirmed]] == [200, 200, 429, 200]
    assert int(sent[-1].headers["Retry-After"]) > 0


def test_a_faulty_file_changes_nothing(admin: Client, kennels: Catalogue) -> None:
    address = reverse("admin:catalogue_catalogue_import_file")
    text = "code: kennels\ntitle: Kennels\nderived:\n- {code: d_wrong, value: 'dogs + 1'}\n"

    answer = admin.post(address, {"text": text, "confirm": "1"})

    assert answer.status_code == 200
    faults = answer.context["faults"]
    assert [(fault.line, fault.code) for fault in faults] == [(4, "unknown_name")] or faults
    assert QuestionSet.objects.count() == 3


@pytest.mark.parametrize(
    ("view", "permissions"),
    [
        ("publish", ("catalogue.view_catalogue", "catalogue.change_catalogue")),
        ("export", ("tenants.view_tenant",)),
        ("check_draft", ("tenants.view_tenant",)),
    ],
)
def test_without_the_permission_there_is_no_button_and_a_post_is_refused(
    view: str, permissions: tuple[str, ...], make_staff: Callable[..., Client], kennels: Catalogue
) -> None:
    junior = make_staff(*permissions)
    address = reverse(f"admin:catalogue_catalogue_{view}", args=(kennels.pk,))

    page = junior.get(reverse("admin:catalogue_catalogue_change", args=(kennels.pk,)))

    assert address.encode() not in page.content
    assert junior.get(address).status_code == 403
    assert junior.post(address).status_code == 403
    assert Release.objects.count() == 1


def test_reports_on_the_book_need_the_right_to_view_copies(
    make_staff: Callable[..., Client], admin: Client, kennels: Catalogue
) -> None:
    kennels.title = "Kennels and more"
    kennels.save()
    check, impact = (
        reverse(f"admin:catalogue_catalogue_{name}", args=(kennels.pk,)) for name in ("check_draft", "impact")
    )
    junior = make_staff("catalogue.view_catalogue")

    assert b'id="staff-book"' in admin.get(check).content
    assert admin.get(impact).status_code == 200
    shown = junior.get(check)
    assert shown.status_code == 200
    assert b'id="staff-book"' not in shown.content
    assert junior.get(impact, {"copies": "5000"}).status_code == 403


def test_reports_on_the_book_are_counted_and_made_one_at_a_time(
    admin: Client, staff: User, kennels: Catalogue, monkeypatch: pytest.MonkeyPatch, limits_on: None
) -> None:
    kennels.title = "Kennels and more"
    kennels.save()
    check, impact = (
        reverse(f"admin:catalogue_catalogue_{name}", args=(kennels.pk,)) for name in ("check_draft", "impact")
    )
    limit(monkeypatch, what_if=2)

    with JobMutex(f"book of {staff.pk}"):
        assert b"Another report of yours" in admin.get(check).content
        assert admin.get(impact).status_code == 429
    assert b'id="staff-book"' in admin.get(check).content
    assert admin.get(impact).status_code == 200
    assert b"You have had many reports" in admin.get(check).content
    refused = admin.get(impact)

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0


def test_importing_needs_its_permission(make_staff: Callable[..., Client], kennels: Catalogue) -> None:
    junior = make_staff("catalogue.view_catalogue")
    address = reverse("admin:catalogue_catalogue_import_file")

    assert address.encode() not in junior.get(reverse("admin:catalogue_catalogue_changelist")).content
    assert junior.post(address, {"text": "code: x\ntitle: X\n", "confirm": "1"}).status_code == 403
    assert Catalogue.objects.count() == 1


def test_a_rename_of_what_no_release_had_is_reported_by_the_check(admin: Client, kennels: Catalogue) -> None:
    Question.objects.filter(code="kennel_name").update(was="kenel_name")

    content = admin.get(reverse("admin:catalogue_catalogue_check_draft", args=[kennels.pk])).content.decode()

    assert "No release had the question &#x27;kenel_name&#x27;." in content
