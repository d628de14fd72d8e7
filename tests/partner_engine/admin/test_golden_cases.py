"""Golden cases in the admin and before a publish: made from a copy, run against drafts, accepted by order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from msgspec.structs import replace

from carriers.models import ProductRule
from catalogue import releases
from catalogue.drafts import read_draft
from catalogue.golden_cases import run_cases
from catalogue.loader import load
from catalogue.models import AcceptedResult, Catalogue, GoldenCase, Release
from catalogue.strict_check import check_catalogue
from rules.definition.catalogue import ProductRule as Rule
from rules.definition.catalogue import Question
from rules.definition.faults import CatalogueErrors
from tests.harness import moments
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.later_releases import renamed, with_sensitivity
from tests.harness.moments import declining
from tests.harness.sensitive_kennel import PHONE, SSN

MAKE = "admin:copies_copy_golden_case"


@pytest.fixture
def case(admin: Client, kennel: UUID) -> GoldenCase:
    """Return a case that staff made of the kennel's copy."""
    admin.post(reverse(MAKE, args=(kennel,)), {"name": "A small  kennel", "note": "The minimum premium"})
    return GoldenCase.objects.get()


def test_the_list_shows_what_the_draft_makes_of_each_case(admin: Client, case: GoldenCase) -> None:
    page = reverse("admin:catalogue_goldencase_changelist")
    assert "as expected" in admin.get(page).content.decode()

    load(declining(KENNELS))

    assert "differs" in admin.get(page).content.decode()


def test_a_case_is_exported_and_imported_with_its_catalogue(admin: Client, case: GoldenCase) -> None:
    export = reverse("admin:catalogue_catalogue_export", args=(case.catalogue_id,))
    text = admin.get(export).content.decode()
    dearer = text.replace("premium: 300", "premium: 310")
    upload = reverse("admin:catalogue_catalogue_import_file")

    preview = admin.post(upload, {"text": dearer}).content.decode()
    admin.post(upload, {"text": dearer, "confirm": "1"})

    assert "The file has 1 golden case: 1 replaced." in " ".join(preview.split())
    case.refresh_from_db()
    assert (case.expected["PA-CARE"]["premium"], case.release_id) == (310, None)
    assert [order.before["PA-CARE"]["premium"] for order in AcceptedResult.objects.all()] == [300]
    page = admin.get(reverse("admin:catalogue_goldencase_change", args=(case.pk,)))
    assert page.status_code == 200


def publish(catalogue: Catalogue) -> Release:
    return releases.publish(catalogue, actor_id="tester")


def test_a_case_is_made_from_a_copy_without_personal_answers_and_free_texts(
    admin: Client, kennel: UUID, staff: object
) -> None:
    response = admin.post(reverse(MAKE, args=(kennel,)), {"name": "A small  kennel"})

    case = GoldenCase.objects.get()
    assert response["Location"] == reverse("admin:catalogue_goldencase_change", args=(case.pk,))
    assert (case.name, case.created_by_id) == ("A small kennel", str(staff.pk))  # type: ignore[attr-defined]
    # Neither the name, the SSN, the phone nor the name of a house; nobody's rule reads the height of fences.
    assert case.answers == {"lines": ["care"], "state": "TX", "trade": "812910", "has_cats": False, "cat_count": 60}
    assert case.answer_pools == {
        "houses": [{"answers": {"runs": 20}, "answer_pools": {"fences": [{"answers": {}, "answer_pools": {}}]}}]
    }
    assert case.expected == {"PA-CARE": {"outcome": "eligible", "premium": 300}, "WO-CARE": {"outcome": "locked"}}
    page = admin.get(response["Location"]).content.decode()
    assert not [text for text in ("Happy Tails", SSN, PHONE, "North", str(kennel)) if text in page]


def test_answers_that_rules_read_and_a_case_may_not_hold_are_named(
    admin: Client, kennels: Catalogue, kennel: UUID
) -> None:
    rule = Rule(id="P8", when='kennel_name == "Happy Tails"', then="refer", why="Known")
    publish(load(moments.with_rule(KENNELS, rule)))

    response = admin.post(reverse(MAKE, args=(kennel,)), {"name": "Named"}, follow=True)

    assert GoldenCase.objects.get().left_out == ["kennel_name"]
    assert "Left out: kennel_name" in response.content.decode()
    assert "another decision on PA-CARE" in response.content.decode()


def test_a_name_is_needed_and_taken_once(admin: Client, kennel: UUID, case: GoldenCase) -> None:
    for name in ("", case.name):
        response = admin.post(reverse(MAKE, args=(kennel,)), {"name": name})
        assert response["Location"] == reverse("admin:copies_copy_change", args=(kennel,))

    assert GoldenCase.objects.count() == 1
    assert admin.get(reverse(MAKE, args=(kennel,))).status_code == 403


def test_only_staff_with_the_permission_make_and_accept(
    make_staff: Callable[..., Client], kennel: UUID, case: GoldenCase
) -> None:
    junior = make_staff("copies.view_copy", "catalogue.view_goldencase")

    assert junior.post(reverse(MAKE, args=(kennel,)), {"name": "Other"}).status_code == 403
    assert b"golden-name" not in junior.get(reverse("admin:copies_copy_change", args=(kennel,))).content
    assert junior.post(reverse("admin:catalogue_goldencase_accept", args=(case.pk,))).status_code == 403
    assert junior.get(reverse("admin:catalogue_goldencase_run", args=(case.pk,))).status_code == 200
    assert GoldenCase.objects.count() == 1


def test_a_draft_that_decides_a_case_in_another_way_is_not_published(
    admin: Client, kennels: Catalogue, case: GoldenCase
) -> None:
    catalogue = load(declining(KENNELS))

    with pytest.raises(CatalogueErrors) as caught:
        publish(catalogue)
    page = admin.post(reverse("admin:catalogue_catalogue_publish", args=(kennels.pk,))).content.decode()

    texts = [(fault.code, fault.where, fault.text) for fault in caught.value.faults]
    assert texts == [
        (
            "golden_case",
            "golden_cases[A small kennel]",
            "PA-CARE is expected eligible at $300, and is decided decline (P9).",
        ),
        ("golden_case", "golden_cases[A small kennel]", "WO-CARE is expected locked, and is decided eligible at $900."),
    ]
    assert "is expected eligible at $300" in page
    assert f"{reverse('admin:catalogue_goldencase_changelist')}?q=A+small+kennel" in page
    assert Release.objects.count() == 1


def test_an_accepted_result_is_recorded_and_lets_the_draft_be_published(
    admin: Client, kennels: Catalogue, case: GoldenCase, staff: object
) -> None:
    load(declining(KENNELS))
    run = admin.get(reverse("admin:catalogue_goldencase_run", args=(case.pk,))).content.decode()

    admin.post(reverse("admin:catalogue_goldencase_accept", args=(case.pk,)))

    assert "decline (P9)" in run
    order = AcceptedResult.objects.get()
    assert order.accepted_by_id == str(staff.pk)  # type: ignore[attr-defined]
    assert (order.before["PA-CARE"]["outcome"], order.after["PA-CARE"]["outcome"]) == ("eligible", "decline")
    assert publish(kennels).number == 2
    page = admin.get(reverse("admin:catalogue_goldencase_change", args=(case.pk,))).content.decode()
    assert "PA-CARE, WO-CARE" in page


def test_several_results_are_accepted_at_once(admin: Client, kennels: Catalogue, case: GoldenCase) -> None:
    load(declining(KENNELS))
    data = {"action": "accept_selected", "_selected_action": [str(case.pk)]}

    admin.post(reverse("admin:catalogue_goldencase_changelist"), data)

    assert AcceptedResult.objects.count() == 1
    assert run_cases(kennels, check_catalogue(read_draft(kennels)).compiled)[0].passes


def test_a_case_that_passes_already_needs_no_order(admin: Client, case: GoldenCase) -> None:
    admin.post(reverse("admin:catalogue_goldencase_accept", args=(case.pk,)))

    assert not AcceptedResult.objects.exists()


def test_a_case_follows_renames(kennels: Catalogue, case: GoldenCase) -> None:
    codes = {"has_cats": "boards_cats", "cat_count": "cats", "houses": "barns", "runs": "boxes", "TX": "Texas"}
    catalogue = load(renamed(codes))

    assert publish(catalogue).number == 2
    assert publish(load(replace(renamed(codes), title="Again"))).number == 3


def test_a_case_loses_answers_to_questions_that_become_sensitive(kennels: Catalogue, case: GoldenCase) -> None:
    catalogue = load(with_sensitivity(cat_count="pii", has_cats="pii"))
    [run] = run_cases(catalogue, check_catalogue(read_draft(catalogue)).compiled)
    assert [str(one) for one in run.differences] == ["PA-CARE is expected eligible at $300, and is decided need info."]
    GoldenCase.objects.update(expected={code: {"outcome": one.outcome} for code, one in run.decided.items()})

    release = publish(catalogue)

    case.refresh_from_db()
    assert set(case.answers) == {"lines", "state", "trade"}
    assert (case.left_out, case.release_id) == (["has_cats", "cat_count"], release.pk)


def test_a_case_is_edited_and_refuses_what_it_may_not_hold(admin: Client, kennels: Catalogue, case: GoldenCase) -> None:
    address = reverse("admin:catalogue_goldencase_change", args=(case.pk,))
    data = {"name": "Cats", "note": "", "as_of": "2026-06-01", "excluded": "[]", "answer_pools": "{}"}
    good = '{"lines": ["care"], "state": "OH", "has_cats": false}'

    shapes = admin.post(address, {**data, "answers": '{"state": {"a": 1}}'})
    personal = admin.post(address, {**data, "answers": '{"state": "OH", "owner_phone": "+16142013344"}'})
    saved = admin.post(address, {**data, "answers": good})

    assert "answers" in shapes.context["adminform"].form.errors
    case.refresh_from_db()
    assert "answers" in personal.context["adminform"].form.errors
    assert saved.status_code == 302
    assert (case.name, case.as_of, case.answers["state"]) == ("Cats", date(2026, 6, 1), "OH")


def test_the_command_lists_runs_and_accepts(kennels: Catalogue, case: GoldenCase) -> None:
    def run(*arguments: str, **options: str) -> str:
        out = StringIO()
        call_command("golden_cases", *arguments, stdout=out, stderr=out, **options)
        return out.getvalue()

    assert "A small kennel (as of" in run("list", "kennels")
    assert run("run", "kennels") == "All 1 golden cases are decided as expected.\n"
    ProductRule.objects.filter(code="P2").update(when="houses.exists(h, h.runs > 5)")
    with pytest.raises(CommandError, match="1 of 1"):
        run("run", "kennels")
    assert "from now on" in run("accept", "kennels", name=case.name, actor="release manager")
    assert AcceptedResult.objects.get().accepted_by_id == "release manager"
    with pytest.raises(CommandError, match="no golden case"):
        run("accept", "kennels", name="Other")
    assert "All 1" in run("run", "kennels")


def test_a_new_question_that_stays_unanswered_keeps_a_case(kennels: Catalogue, case: GoldenCase) -> None:
    question = Question(code="dogs", label="Dogs", type="integer")

    assert publish(load(moments.with_question(question))).number == 2
