"""The versions of a copy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from django.test import Client
from structlog.testing import capture_logs

from batch import service as batch
from catalogue.demo import Sample
from catalogue.releases import forget_compiled_releases
from tenants.models import User
from tests.harness.api_client import Api
from tests.harness.guests import follow, issue
from tests.harness.kennel_catalogue import ANSWERS, HOUSES, KENNELS
from tests.harness.later_releases import publish_release, with_sensitivity
from tests.harness.page_client import Page, StartForm, markup
from tests.harness.quoted_forms import submit


def test_history_shows_authors_and_changes_and_masks_sensitive_answers(
    start_form: StartForm, open_page: Callable[[str], Page]
) -> None:
    page = open_page(start_form({"mqs_legal_entity": "llc", "mqs_annual_revenue": 1000}))
    page.answer({"mqs_annual_revenue": "2,000", "mqs_fein": "00-0000001"})

    content = markup(page.client.get(f"/forms/{page.copy_id}/history"))

    assert (
        '<del><span class="unseen">was </span>$1,000</del> <ins><span class="unseen">now </span>$2,000</ins>' in content
    )
    assert "Ona Owner" in content
    assert "•••" in content
    assert "000000001" not in content
    assert "00-0000001" not in content


def text_of(content: str) -> str:
    """Return the words of a page."""
    return " ".join(re.sub(r"<[^>]+>", " ", content).split())


def history(page: Page, **query: str) -> str:
    response = page.client.get(f"/forms/{page.copy_id}/history", query)
    assert response.status_code == 200
    return markup(response)


def test_every_page_that_shows_personal_answers_of_then_or_of_another_copy_logs_the_read(
    start_form: StartForm, open_page: Callable[[str], Page], owner: User
) -> None:
    publish_release(KENNELS)
    page = open_page(start_form({**ANSWERS, "owner_phone": "614-555-0123"}, {"houses": HOUSES}, catalogue="kennels"))
    assert owner.tenant is not None
    _, secret = issue(owner.tenant, page.copy_id)
    assert follow(guest := Client(), page.copy_id, secret).status_code == 200
    typed = {"answers": json.dumps({"owner_phone": "614-555-0199"})}
    guest.post(f"/guest/{page.copy_id}/answers", typed, headers={"HX-Request": "true", "X-Copy-Version": "3"})
    with batch.build_copy(page.copy_id, scope=owner.tenant, actor=owner.as_actor(source="web")) as context:
        context.save()
        other = str(context.copy.id)
    with batch.find_and_lock(page.copy_id, scope=owner.tenant, actor=owner.as_actor(source="web")) as context:
        context.changeset.find_answer("owner_phone").clear()
        context.save()

    def reads(address: str) -> list[str]:
        with capture_logs() as logs:
            assert "555-0199" in page.client.get(address).content.decode()
        return [entry["copy_id"] for entry in logs if entry["event"] == "audit.personal_answers_read"]

    assert reads(f"/forms/{page.copy_id}/history") == [page.copy_id]
    assert reads(f"/forms/{page.copy_id}/guest-links") == [page.copy_id]
    assert reads(f"/forms/{page.copy_id}/compare?with={other}&merge=1") == [other]


def test_every_page_that_shows_personal_answers_in_reasons_logs_the_read(
    start_form: StartForm, open_page: Callable[[str], Page]
) -> None:
    publish_release(with_sensitivity(has_cats="pii", runs="pii"))
    houses = [{**HOUSES[0], "answers": {"house_name": "North", "runs": 73}}]
    page = open_page(start_form(ANSWERS, {"houses": houses}, catalogue="kennels"))

    def reads(address: str, shown: str) -> list[str]:
        with capture_logs() as logs:
            assert shown in text_of(markup(page.client.get(f"/forms/{page.copy_id}/{address}")))
        return [entry["copy_id"] for entry in logs if entry["event"] == "audit.personal_answers_read"]

    assert reads("questions?q=Cats at most", "“Are cats boarded?” is No") == [page.copy_id]
    assert reads("questions?q=Cover wanted", "Cover wanted") == []
    assert reads("why?target=PA-CARE", "73") == [page.copy_id]
    assert reads("why?target=WO-CARE", "Wolfhound") == []


def test_a_person_with_a_nul_in_the_address_has_saved_nothing(
    start_form: StartForm, open_page: Callable[[str], Page]
) -> None:
    page = open_page(start_form({"mqs_annual_revenue": 1000}))

    assert "Ona Owner" in history(page)
    assert "$1,000" not in history(page, person="user:\0") + history(page, person="\0:1")


def test_history_is_sessions_in_sentences_with_their_effects(
    start_form: StartForm, open_page: Callable[[str], Page], owner: User
) -> None:
    publish_release(KENNELS)
    page = open_page(start_form(ANSWERS, {"houses": HOUSES}, catalogue="kennels"))
    page.answer({"kennel_name": "Sad Tails"})
    page.answer({"has_cats": "true"})
    page.answer({"cat_count": "120"})
    with batch.find_and_lock(page.copy_id, scope=owner.tenant, actor=owner.as_actor(source="api")) as context:
        context.changeset.exclusions.force_exclude("WO-CARE")
        context.save()
        context.changeset.copy.lock()
        context.save()

    content = history(page)

    text = text_of(content)
    assert content.count("card session") == 2
    assert "Ona Owner" in text
    assert "Started · " in text
    assert "Cats at most: now 120" in text
    assert "Name of the kennel: was Happy Tails now Sad Tails" in text
    assert "open so far, now declined" in text
    assert "Copy locked" in text
    assert "excluded" in text
    for code in ("kennel_name", "has_cats", "cat_count", "PA-CARE", "WO-CARE", "locked_at", "api_client"):
        assert f" {code}" not in text, code


def test_history_is_filtered_by_question_person_and_effect(
    start_form: StartForm, open_page: Callable[[str], Page], api: Api
) -> None:
    page = open_page(start_form({"mqs_legal_entity": "llc"}))
    page.answer({"mqs_mail_city": "Columbus"})
    api.patch(f"/copies/{page.copy_id}/answers", {"answers": {"mqs_annual_revenue": 7000}})

    everything = text_of(history(page))
    assert "Columbus" in everything and "$7,000" in everything
    by_question = text_of(history(page, question="mailing city"))
    by_person = text_of(history(page, person=f"user:{page_owner(page)}"))
    assert "Columbus" in by_question and "$7,000" not in by_question
    assert "Columbus" in by_person and "$7,000" not in by_person
    nothing = text_of(history(page, question="no such question"))
    assert "No version here matches" in nothing and "Show all" in nothing


def page_owner(page: Page) -> str:
    return str(page.client.session["_auth_user_id"])


def test_history_pages(
    start_form: StartForm, open_page: Callable[[str], Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("partner_engine.web.history.PAGE", 4)
    page = open_page(start_form())
    for number in range(9):
        page.answer({"mqs_mail_city": f"Town {number}"})

    def shown(**query: str) -> list[int]:
        return [int(number) for number in re.findall(r"/history/(\d+)\"", history(page, **query))]

    assert shown() == [10, 9, 8, 7]
    assert "?before=7" in history(page) and "?after=" not in history(page)
    assert shown(before="7") == [6, 5, 4, 3]
    assert "?after=6" in history(page, before="7")
    assert shown(after="6") == [10, 9, 8, 7]
    assert shown(after="2") == [6, 5, 4, 3]
    assert shown(before="3") == [2, 1]
    assert "?before=" not in history(page, before="3")
    assert "There is nothing older." in history(page, before="1")


def test_a_version_is_shown_as_it_was_restored_and_the_restoring_undone(
    start_form: StartForm, open_page: Callable[[str], Page]
) -> None:
    page = open_page(start_form({"mqs_mail_city": "Columbus"}))
    page.answer({"mqs_mail_city": "Dayton"})

    response = page.client.get(f"/forms/{page.copy_id}/history/1")
    content = markup(response)
    assert "Columbus" in content and "Dayton" not in content
    assert "You cannot change it." in text_of(content)
    (compare,) = re.findall(r'href="([^"]+)">Compare with now', content)
    assert "Dayton" in text_of(markup(page.client.get(compare)))
    assert page.client.get(f"/forms/{page.copy_id}/history/7").status_code == 404

    restored = page.client.post(f"/forms/{page.copy_id}/history/restore", {"version": "1"}, follow=True)

    assert "Version 1 is restored as version 3." in text_of(markup(restored))
    assert "Columbus" in page.show() and "Dayton" not in page.show()
    assert 'name="version" value="2"' in markup(restored)
    page.client.post(f"/forms/{page.copy_id}/history/restore", {"version": "2"})
    assert "Dayton" in page.show()
    assert page.client.post(f"/forms/{page.copy_id}/history/restore", {"version": "x"}).status_code == 400


def test_history_hides_an_answer_whose_question_became_secret_later(
    start_form: StartForm, open_page: Callable[[str], Page]
) -> None:
    forget_compiled_releases()
    publish_release(KENNELS)
    page = open_page(start_form({**ANSWERS, "owner_phone": "(614) 201-3344"}, catalogue="kennels"))
    assert "(614) 201-3344" in page.client.get(f"/forms/{page.copy_id}/history").content.decode()

    publish_release(with_sensitivity(owner_phone="spi"))

    content = page.client.get(f"/forms/{page.copy_id}/history").content.decode()
    assert "201-3344" not in content
    assert "Phone" in content
    assert "••••" in content


def test_a_quote_is_named_by_its_product(api: Api, s1: Sample, owner: User, open_page: Callable[[str], Page]) -> None:
    assert owner.tenant is not None
    copy_id = str(api.start(s1)["id"])
    submit(copy_id, "QM-BOP", scope=owner.tenant, actor=owner.as_actor(source="web"))

    assert "Quote of Quillmark Mutual Business owners: submitted" in text_of(history(open_page(copy_id)))
