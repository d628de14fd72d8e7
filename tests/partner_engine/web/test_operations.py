"""The pages of operations: selection in the list, a try, the run of its plan, undo, and who may do what."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.core.files.base import ContentFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from uuid_utils.compat import uuid7

from batch.context import BatchContext
from copies.models import Copy
from forms.models import QuoteRequest
from operations.models import BatchOperation
from partner_engine.web import operation_import, operation_start
from tenants.current_tenant import use_tenant
from tenants.flag_memory import FlagMemory
from tenants.models import Tenant, User
from tests.harness.kennel_book import make_book, stored_outcomes
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.later_releases import publish_release
from tests.harness.page_client import StartForm, markup

pytestmark = pytest.mark.django_db(transaction=True, databases=["default"])
NEW = "/operations/new"
PART = {"HX-Request": "true"}


@pytest.fixture
def browser(owner: User, sign_in: Callable[[User], Client]) -> Client:
    return sign_in(owner)


@pytest.fixture
def forms(start_form: StartForm) -> list[str]:
    return [start_form({"mqs_business_name": f"Kettle {number}"}) for number in range(3)]


def set_answer(
    browser: Client, forms: list[str], *, step: str = "run", question: str = "mqs_business_name", value: str = "Pot"
) -> HttpResponse:
    sent = {"copy": forms, "kind": "set_answers", "question": question, "value": value, "step": step}
    return browser.post(NEW, sent)


def plan_hash(content: str) -> str:
    found = re.search(r'name="plan_hash" value="([0-9a-f]{64})"', content)
    assert found is not None
    return found[1]


def answer_of(read: Callable[[str], BatchContext], copy_id: str) -> object:
    return read(copy_id).changeset.find_answer("mqs_business_name").value


def test_the_list_offers_a_selection_that_leads_to_a_new_operation(browser: Client, forms: list[str]) -> None:
    content = markup(browser.get("/"))

    assert content.count('name="copy"') == 3
    assert f'action="{NEW}"' in content
    page = markup(browser.get(NEW, {"copy": forms[:2]}))
    assert "2 forms selected." in page
    assert "Try without saving" in page


def test_all_forms_of_a_status_are_those_of_the_list(browser: Client, forms: list[str], owner: User) -> None:
    assert owner.tenant is not None
    with use_tenant(owner.tenant):
        quote = QuoteRequest(
            id=uuid7(), tenant_id=owner.tenant.pk, copy_id=forms[0], carrier="QM", product="QM-BOP", state="quoted",
            request_token="t-1", created_at=timezone.now(), updated_at=timezone.now(),
        )  # fmt: skip
        QuoteRequest.objects.bulk_create([quote])
    content = markup(browser.get("/?state=incomplete"))

    found = re.search(r'<a href="([^"]*)">Operation on all forms', content)

    assert found is not None
    assert content.count('name="copy"') == 2
    assert "2 forms that the search found" in " ".join(markup(browser.get(unescape(found[1]))).split())


def test_without_a_selection_the_page_says_how_to_select(browser: Client, forms: list[str]) -> None:
    assert "No forms are selected" in markup(browser.get(NEW))


def test_a_run_sets_the_answer_and_shows_each_form(
    browser: Client, forms: list[str], read: Callable[[str], BatchContext]
) -> None:
    response = set_answer(browser, forms)
    content = markup(browser.get(response["Location"]))

    assert "3 of 3 forms" in content
    assert ">Completed</span>" in content
    assert "Undo what was done" in content
    assert [answer_of(read, form) for form in forms] == ["Pot"] * 3


def test_a_try_saves_nothing_and_its_plan_can_be_run(
    browser: Client, forms: list[str], read: Callable[[str], BatchContext]
) -> None:
    tried = set_answer(browser, forms, step="try")["Location"]
    content = markup(browser.get(tried))

    assert "Tried without saving" in content
    assert "Run what was tried" in content
    assert answer_of(read, forms[0]) == "Kettle 0"
    ran = browser.post(f"{tried}/order", {"order": "run", "plan_hash": plan_hash(content)})
    assert "Runs exactly what was tried before" in markup(browser.get(ran["Location"]))
    assert answer_of(read, forms[0]) == "Pot"


def test_a_plan_whose_copies_were_changed_is_refused_with_the_remedy(browser: Client, forms: list[str]) -> None:
    tried = set_answer(browser, forms, step="try")["Location"]
    set_answer(browser, forms[:1], value="Pan")

    sent = {"order": "run", "plan_hash": plan_hash(markup(browser.get(tried)))}
    refused = browser.post(f"{tried}/order", sent)

    assert refused.status_code == 409
    assert "Try again without saving" in markup(refused)


def test_an_undo_takes_the_answers_back(browser: Client, forms: list[str], read: Callable[[str], BatchContext]) -> None:
    ran = set_answer(browser, forms)["Location"]

    undone = browser.post(f"{ran}/order", {"order": "undo"})

    assert undone.status_code == 302
    assert [answer_of(read, form) for form in forms] == ["Kettle 0", "Kettle 1", "Kettle 2"]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"question": ""}, "Choose the question to answer."),
        ({"question": "no such thing"}, "No question is called"),
    ],
)
def test_a_wrong_field_is_refused_at_the_field(
    browser: Client, forms: list[str], sent: dict[str, str], words: str
) -> None:
    response = set_answer(browser, forms, **sent)

    assert response.status_code == 422
    assert words in markup(response)
    assert 'aria-invalid="true" aria-describedby="question-problem"' in markup(response)
    assert f'value="{forms[0]}"' in markup(response)


def test_an_invalid_answer_fails_its_forms_and_says_why(browser: Client, forms: list[str]) -> None:
    response = set_answer(browser, forms, question="mqs_zip", value="not a zip")

    content = markup(browser.get(response["Location"])) if response.status_code == 302 else markup(response)
    assert "ZIP" in content


def test_a_second_click_is_the_same_operation(browser: Client, forms: list[str], owner: User) -> None:
    page = markup(browser.get(NEW, {"copy": forms}))
    found = re.search(r'name="operation" value="([0-9a-f-]{36})"', page)
    assert found is not None
    sent = {"copy": forms, "kind": "clone", "step": "run", "operation": found[1]}

    places = {browser.post(NEW, sent)["Location"] for _ in range(2)}

    assert places == {f"/operations/{found[1]}"}
    with use_tenant(owner.tenant):
        assert BatchOperation.objects.count() == 1


def test_a_kind_that_is_not_offered_is_refused(browser: Client, forms: list[str]) -> None:
    response = browser.post(NEW, {"copy": forms, "kind": "undo", "step": "run"})

    assert response.status_code == 422
    assert "Choose what to do" in markup(response)


def test_the_list_is_loaded_again_only_while_something_runs(browser: Client, forms: list[str]) -> None:
    assert "No operations yet" in markup(browser.get("/operations"))
    set_answer(browser, forms)

    content = markup(browser.get("/operations"))

    assert "Set answers" in content
    assert "data-unfinished" not in content
    part = browser.get("/operations", headers=PART)
    assert markup(part).lstrip().startswith("<section")


def test_results_are_a_file_in_the_order_of_the_input(browser: Client, forms: list[str]) -> None:
    ran = set_answer(browser, forms)["Location"]

    response = browser.get(f"{ran}/results.csv")

    lines = b"".join(response.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert len(lines) == 4
    assert "Pot" not in "".join(lines)


def test_another_agency_sees_nothing(
    browser: Client, forms: list[str], stranger: User, sign_in: Callable[[User], Client]
) -> None:
    ran = set_answer(browser, forms)["Location"]
    other = sign_in(stranger)

    assert other.get(ran).status_code == 404
    assert other.post(f"{ran}/order", {"order": "undo"}).status_code == 404
    assert other.get(f"{ran}/results.csv").status_code == 404
    assert other.get(f"{ran}/what-would-change").status_code == 404
    assert "No operations yet" in markup(other.get("/operations"))


def test_without_the_flag_nothing_is_offered_and_nothing_starts(
    browser: Client, forms: list[str], owner: User, stored_flags: FlagMemory
) -> None:
    content = markup(browser.get("/"))
    assert 'name="kind"' not in content
    assert "data-delete-selected" in content  # needs no operation
    response = set_answer(browser, forms)

    assert response.status_code == 409
    assert "switched off" in markup(response)
    with use_tenant(owner.tenant):
        assert not BatchOperation.objects.exists()


def test_an_operation_waits_for_the_one_that_was_chosen(browser: Client, forms: list[str], owner: User) -> None:
    assert 'name="after"' not in markup(browser.get(NEW, {"copy": forms}))
    with use_tenant(owner.tenant):
        first = BatchOperation.objects.create(
            id=uuid7(), tenant_id=owner.tenant.pk, kind="clone", title="Copies first",
            arguments=b"", total=1, created_at=timezone.now(),
            paused_at=timezone.now(), created_by_type="user", created_by_id="someone",
        )  # fmt: skip
    assert f'<option value="{first.id}" >Copies first</option>' in markup(browser.get(NEW, {"copy": forms}))

    sent = {"copy": forms, "kind": "clone", "step": "run", "after": str(first.id)}
    waiting = browser.post(NEW, sent)["Location"]

    for page in (waiting, "/operations"):
        content = " ".join(markup(browser.get(page)).split())
        assert f'Waits for <a href="/operations/{first.id}">Copies first</a>' in content
    assert "data-others" in markup(browser.get("/operations"))
    refused = browser.post(NEW, {**sent, "after": "yesterday"})
    assert refused.status_code == 422
    assert 'id="after-problem"' in markup(refused)


def test_a_try_leads_to_what_would_change_also_as_a_file(sign_in: Callable[[User], Client]) -> None:
    publish_release(KENNELS)
    tenant = Tenant.objects.create(code="mine", name="Mine", catalogue="kennels")
    make_book(tenant, 12, seed=3)
    agent = User.objects.create(email="agent@mine.example", tenant=tenant, role="agent")
    browser = sign_in(agent)
    with use_tenant(tenant):
        copies = [str(copy) for copy in Copy.objects.values_list("pk", flat=True)]
    before = stored_outcomes(tenant)

    tried = set_answer(browser, copies, step="try", question="cat_count", value="120")["Location"]
    assert f'href="{tried}/what-would-change"' in markup(browser.get(tried))
    page = " ".join(markup(browser.get(f"{tried}/what-would-change")).split())
    lines = b"".join(browser.get(f"{tried}/what-would-change.csv").streaming_content).decode().splitlines()  # type: ignore[attr-defined]

    assert re.search(r"[1-9] of 12 forms would change\.", page)
    assert "Outcomes that flip" in page
    assert lines[0].startswith("copy,form,tenant")
    assert {line.split(",")[0] for line in lines[1:]} <= set(copies)
    assert len(lines) > 1
    assert stored_outcomes(tenant) == before
    ran = set_answer(browser, copies[:1], question="cat_count", value="3")["Location"]
    assert "what-would-change" not in markup(browser.get(ran))
    assert browser.get(f"{ran}/what-would-change").status_code == 404


def test_a_personal_answer_is_not_supposed_and_the_page_says_what_to_do(browser: Client, forms: list[str]) -> None:
    tried = set_answer(browser, forms, step="try", question="mqs_first_name", value="Jo-Pan")["Location"]

    content = markup(browser.get(f"{tried}/what-would-change"))

    assert "cannot be supposed" in content
    assert "The result of the try shows" in content
    assert "Jo-Pan" not in content
    assert browser.get(f"{tried}/what-would-change.csv").status_code == 404


def test_an_unknown_order_is_not_found(browser: Client, forms: list[str]) -> None:
    ran = set_answer(browser, forms)["Location"]

    assert browser.post(f"{ran}/order", {"order": "explode"}).status_code == 404
    assert reverse("web:operations") == "/operations"


def test_two_clicks_at_the_same_time_are_one_operation(
    browser: Client, forms: list[str], monkeypatch: pytest.MonkeyPatch, harbor: Tenant
) -> None:
    sent = {"copy": forms, "kind": "set_answers", "question": "mqs_business_name", "value": "Pot", "step": "run"}
    file = "mqs_business_name\nKettle\n"
    rows = {"column": "mqs_business_name", "target": "mqs_business_name", "step": "try"}
    for address in (NEW, reverse("web:import-forms")):
        # The second click arrives before the first one has stored its operation.
        looks = iter([False, False, True])
        for module in (operation_start, operation_import):
            monkeypatch.setattr(module, "is_repeated", lambda _, looks=looks: next(looks))
        chosen = str(uuid7())
        clicks = [
            browser.post(address, {**sent, **rows, "operation": chosen, "file": ContentFile(file, name="a.csv")})
            if address != NEW
            else browser.post(address, {**sent, "operation": chosen})
            for _ in range(2)
        ]

        assert [(click.status_code, click.get("Location")) for click in clicks] == [(302, f"/operations/{chosen}")] * 2
    with use_tenant(harbor):
        assert BatchOperation.objects.count() == 2


def test_a_try_whose_answers_were_erased_says_so(browser: Client, forms: list[str], harbor: Tenant) -> None:
    tried = set_answer(browser, forms, step="try")["Location"]
    with use_tenant(harbor):
        BatchOperation.objects.update(arguments=b"")

    page = browser.get(f"{tried}/what-would-change")

    assert page.status_code == 200
    assert "cannot be read any more" in markup(page)
    assert browser.get(reverse("web:operation-effects-file", args=[tried.rsplit("/", 1)[1]])).status_code == 404
    assert browser.get(tried).status_code == 200
