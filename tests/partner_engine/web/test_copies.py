"""The form page over HTTP: answers, refusals, sensitive answers, other people's forms."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.test import Client

from batch import service as batch
from batch.context import BatchContext
from tenants.models import User
from tests.harness.certain_text import certain
from tests.harness.page_client import Page, StartForm, triggered_events

Open = Callable[[str], Page]
Read = Callable[[str], BatchContext]


def test_page_shows_visible_questions_and_hides_others(start_form: StartForm, open_page: Open) -> None:
    page = open_page(start_form({"mqs_legal_entity": "llc"}))

    content = page.show()

    assert 'name="mqs_fein"' in content
    assert 'name="mqs_has_fein"' not in content
    assert '<section class="card set" id="s-qs_cyber" hidden' in content


def test_answer_is_saved_and_only_changed_parts_come_back(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form())

    response = page.answer({"mqs_legal_entity": "sole_prop"})

    content = response.content.decode()
    taken = {"taken": ["mqs_legal_entity"], "faults": [], "conflicts": {}, "texts": {}, "away": None}
    assert triggered_events(response)["answers-taken"] == taken
    assert 'id="f-mqs_has_fein"' in content
    assert 'id="s-qs_start"' in content
    assert 'id="s-qs_financials"' not in content
    assert read(page.copy_id).changeset.find_answer("mqs_legal_entity").value == "sole_prop"
    assert read(page.copy_id).version == page.version == 2


def test_valid_answers_are_saved_despite_invalid_ones(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form())

    response = page.answer(
        {"mqs_business_name": "Acme", "mqs_mail_zip": "abc", "mqs_year_started": "1500", "nonsense": "1"}
    )

    events = triggered_events(response)["answers-taken"]
    assert events["taken"] == ["mqs_business_name"]
    assert {fault["path"] for fault in events["faults"]} == {"mqs_mail_zip", "mqs_year_started", "nonsense"}
    changeset = read(page.copy_id).changeset
    assert changeset.find_answer("mqs_business_name").value == "Acme"
    assert changeset.find_answer("mqs_mail_zip").value is None


def test_typed_text_becomes_the_type_of_the_question(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form())

    page.answer(
        {
            "mqs_annual_revenue": "$1,250,000",
            "mqs_bankruptcy": "false",
            "mqs_lobs": ["bop"],
            "mqs_naics": "722511 Full-Service Restaurants",
        }
    )

    changeset = read(page.copy_id).changeset
    assert changeset.find_answer("mqs_annual_revenue").value == 1250000
    assert changeset.find_answer("mqs_bankruptcy").value is False
    assert changeset.find_answer("mqs_lobs").value == ["bop"]
    assert changeset.find_answer("mqs_naics").value == "722511"


def test_sensitive_answer_never_comes_back(start_form: StartForm, open_page: Open) -> None:
    page = open_page(start_form({"mqs_legal_entity": "sole_prop", "mqs_has_fein": False}))

    answered = page.answer({"mqs_owner_ssn": "987-65-4321"}).content.decode()
    shown = page.show()

    for content in (answered, shown):
        assert "4321" in content
        assert "987-65-" not in content
        assert "987654321" not in content
    assert 'value="" placeholder="•••• 4321"' in shown


def test_refused_sensitive_answer_is_not_echoed(start_form: StartForm, open_page: Open) -> None:
    page = open_page(start_form({"mqs_legal_entity": "sole_prop", "mqs_has_fein": False}))

    response = page.answer({"mqs_owner_ssn": "666-12-9876"})

    assert triggered_events(response)["answers-taken"]["faults"][0]["path"] == "mqs_owner_ssn"
    assert "666" not in certain(response.content, response.headers["HX-Trigger"])
    assert "9876" not in certain(response.content, response.headers["HX-Trigger"])


def test_stale_page_gets_everything(start_form: StartForm, open_page: Open) -> None:
    copy_id = start_form()
    page, other = open_page(copy_id), open_page(copy_id)
    other.answer({"mqs_mail_city": "Austin"})

    response = page.answer({"mqs_business_name": "Acme"})

    content = response.content.decode()
    assert triggered_events(response)["copy-saved"]["stale"] is True
    assert 'value="Austin"' in content
    assert 'id="s-qs_financials"' in content
    assert page.version == 3


def test_the_stored_text_comes_back_where_it_differs(start_form: StartForm, open_page: Open) -> None:
    page = open_page(start_form())

    response = page.answer(
        {
            "mqs_annual_revenue": "$1250000",
            "mqs_mail_state": "TX",
            "mqs_business_name": "Acme",
            "mqs_mail_city": "  Austin ",
            "mqs_mail_zip": "abc",
        }
    )

    texts = {"mqs_annual_revenue": "1,250,000", "mqs_mail_state": "Texas", "mqs_mail_city": "Austin"}
    assert triggered_events(response)["answers-taken"]["texts"] == texts


def test_the_stored_text_of_a_sensitive_answer_does_not_come_back(start_form: StartForm, open_page: Open) -> None:
    page = open_page(start_form({"mqs_legal_entity": "sole_prop", "mqs_has_fein": False}))

    response = page.answer({"mqs_owner_ssn": "987-65-4321"})

    assert triggered_events(response)["answers-taken"]["texts"] == {}


def test_an_answer_that_somebody_changed_meanwhile_is_not_overwritten(
    start_form: StartForm, open_page: Open, open_page_of: Callable[[User, str], Page], member: User, read: Read
) -> None:
    copy_id = start_form({"mqs_mail_city": "Dallas"})
    page, other = open_page(copy_id), open_page_of(member, copy_id)
    other.answer({"mqs_mail_city": "Austin", "mqs_legal_entity": "llc"})

    response = page.answer({"mqs_mail_city": "Waco", "mqs_business_name": "Acme", "mqs_legal_entity": "llc"})

    events = triggered_events(response)
    assert events["answers-taken"]["conflicts"] == {"mqs_mail_city": "Max Member"}
    assert events["answers-taken"]["taken"] == ["mqs_business_name", "mqs_legal_entity"]
    assert events["copy-saved"]["stale"] is True
    assert 'value="Austin"' in response.content.decode()
    changeset = read(copy_id).changeset
    assert changeset.find_answer("mqs_mail_city").value == "Austin"
    assert changeset.find_answer("mqs_business_name").value == "Acme"
    # The page now shows the other answer, so this one is meant.
    assert triggered_events(page.answer({"mqs_mail_city": "Waco"}))["answers-taken"]["conflicts"] == {}
    assert read(copy_id).changeset.find_answer("mqs_mail_city").value == "Waco"


def test_a_sensitive_or_invalid_answer_meets_the_other_one_without_a_comparison(
    start_form: StartForm, open_page: Open, open_page_of: Callable[[User, str], Page], member: User, read: Read
) -> None:
    copy_id = start_form({"mqs_legal_entity": "sole_prop", "mqs_has_fein": False})
    page, other = open_page(copy_id), open_page_of(member, copy_id)
    other.answer({"mqs_owner_ssn": "987-65-4321", "mqs_mail_zip": "78701"})

    response = page.answer({"mqs_owner_ssn": "987-65-4321", "mqs_mail_zip": "abc"})

    answered = triggered_events(response)["answers-taken"]
    assert answered["conflicts"] == {"mqs_owner_ssn": "Max Member", "mqs_mail_zip": "Max Member"}
    assert answered["taken"] == answered["faults"] == []
    assert read(copy_id).version == 2


def test_a_change_of_something_else_is_no_conflict(
    start_form: StartForm, open_page: Open, open_page_of: Callable[[User, str], Page], member: User
) -> None:
    copy_id = start_form({"mqs_legal_entity": "llc", "mqs_fein": "00-1234567"})
    page, other = open_page(copy_id), open_page_of(member, copy_id)
    # This hides the tax number and shows it again, without a change of its value.
    other.answer({"mqs_legal_entity": "sole_prop"})
    other.answer({"mqs_legal_entity": "llc"})

    response = page.answer({"mqs_fein": "00-7654321"})

    assert triggered_events(response)["answers-taken"]["conflicts"] == {}


def test_questions_put_away_are_counted_at_their_answer(start_form: StartForm, open_page: Open) -> None:
    page = open_page(start_form({"mqs_legal_entity": "llc", "mqs_fein": "00-1234567", "mqs_any_losses": True}))

    away = triggered_events(page.answer({"mqs_legal_entity": "sole_prop"}))["answers-taken"]["away"]
    group = triggered_events(page.answer({"mqs_any_losses": "false"}))["answers-taken"]["away"]

    assert away == {
        "path": "mqs_legal_entity",
        "text": "1 question put away, answers kept",
    }
    assert group == {
        "path": "mqs_any_losses",
        "text": "Each loss put away",
    }


def test_groups_and_questions_that_appear_are_named(start_form: StartForm, open_page: Open) -> None:
    page = open_page(start_form())

    losses = triggered_events(page.answer({"mqs_any_losses": "true"}))["copy-saved"]["said"]
    tax = triggered_events(page.answer({"mqs_legal_entity": "sole_prop"}))["copy-saved"]["said"]

    assert losses == "Saved. The group Each loss appeared."
    assert tax == "Saved. Do you have a federal tax ID appeared."


def test_same_answer_again_writes_nothing(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form({"mqs_business_name": "Acme"}))

    page.answer({"mqs_business_name": "Acme"})

    assert read(page.copy_id).version == 1


def test_malformed_answers_are_a_bad_request(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form())

    for body in ("", "[]", "{}", '{"a": 1}', '{"a": {"b": 1}}', "{" * 2000, '{"a": "\\ud800"}'):
        response = page.client.post(f"/forms/{page.copy_id}/answers", {"answers": body})
        assert response.status_code == 400, body

    assert read(page.copy_id).version == 1


def test_locked_copy_refuses_with_its_reason(start_form: StartForm, open_page: Open, owner: User) -> None:
    page = open_page(start_form())
    assert owner.tenant is not None
    with batch.find_and_lock(page.copy_id, scope=owner.tenant, actor=owner.as_actor(source="web")) as context:
        context.changeset.copy.lock()
        context.save()

    response = page.answer({"mqs_business_name": "Acme"})

    assert response.status_code == 423
    assert re.fullmatch(
        rf"{owner.full_name} locked this copy on [\d-]+ at [\d:]+ UTC\. Unlock it first\.",
        response.headers["X-Problem"],
    )
    assert 'name="mqs_business_name"' in page.show()
    assert "disabled" in page.show()


def test_rename(start_form: StartForm, open_page: Open, read: Read) -> None:
    page = open_page(start_form())

    response = page.rename("  Bar-heavy\0 plan ")

    assert response.status_code == 200
    assert read(page.copy_id).copy.fields.title == "Bar-heavy plan"


def test_renaming_from_the_shown_version_is_not_a_change_by_somebody_else(
    start_form: StartForm, open_page: Open
) -> None:
    page = open_page(start_form())

    response = page.rename("Bar-heavy plan")

    assert triggered_events(response)["copy-saved"]["stale"] is False
    assert 'id="s-qs_start"' not in response.content.decode()


def test_why_shows_the_rule_with_its_values(start_form: StartForm, open_page: Open, s1: object) -> None:
    page = open_page(start_form({**s1.answers, "mqs_gl_liquor_pct": 35}, s1.answer_pools, as_of=s1.as_of))  # type: ignore[attr-defined]

    content = page.client.get(f"/forms/{page.copy_id}/why", {"target": "QM-BOP"}).content.decode()

    assert "Quillmark Mutual Business owners declines." in content
    assert "Alcohol over 30 percent of sales" in content
    assert "QB5" in content
    assert "35%" in content
    assert page.client.get(f"/forms/{page.copy_id}/why", {"target": "mqs_owner_ssn"}).status_code == 404


def test_other_tenants_and_anonymous_users_get_nothing(
    start_form: StartForm, stranger: User, staff: User, sign_in: Callable[[User], Client]
) -> None:
    copy_id = start_form({"mqs_business_name": "Secret Kitchen"})
    reads = ["", "/row?path=locations/1", "/why?target=QM-BOP", "/history"]
    writes = {
        "/answers": {"answers": '{"mqs_business_name": "Mine"}'},
        "/rows": {"order": "add", "path": "owners"},
        "/copies": {"title": "x"},
        "/copies/order": {"order": "rename", "title": "x"},
        "/messages": {"order": "post", "text": "x"},
    }

    for client, allowed in ((sign_in(stranger), {404}), (Client(), {302}), (sign_in(staff), {302})):
        answers = [client.get(f"/forms/{copy_id}{address}") for address in reads]
        answers += [client.post(f"/forms/{copy_id}{address}", values) for address, values in writes.items()]
        assert {answer.status_code for answer in answers} == allowed
        assert not any(b"Secret Kitchen" in answer.content for answer in answers)
    assert Client().post(f"/forms/{copy_id}/answers", headers={"HX-Request": "true"}).status_code == 401


def test_writes_need_the_forms_token(start_form: StartForm, owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner, backend="tenants.backends.EmailBackend")
    copy_id = start_form()

    statuses = {
        client.post(f"/forms/{copy_id}{address}").status_code
        for address in ("/answers", "/rows", "/copies", "/messages")
    }

    assert statuses == {403}
    assert client.post("/forms/new").status_code == 403


def test_a_page_without_its_cookies_learns_that_nobody_is_signed_in(start_form: StartForm, owner: User) -> None:
    address, part = f"/forms/{start_form()}/answers", {"HX-Request": "true"}
    client = Client(enforce_csrf_checks=True)

    assert client.post(address, headers=part).status_code == 401

    client.force_login(owner, backend="tenants.backends.EmailBackend")
    outdated = client.post(address, headers={**part, "X-CSRFToken": "x" * 32})
    assert outdated.status_code == 403
    assert "load%20the%20page%20again" in outdated.headers["X-Problem"].replace(" ", "%20")
