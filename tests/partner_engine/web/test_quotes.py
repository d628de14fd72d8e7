"""The view *Quotes*: the grid, its parts, its opened rows, its orders, and the quotes of all forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from batch import service as batch
from carriers.links.wire import QuoteStatus
from catalogue.demo import Sample
from forms.models import QuoteRequest, Subjectivity
from tenants.current_tenant import use_tenant
from tenants.models import User
from tests.harness.api_client import Api
from tests.harness.carrier_links import add_link
from tests.harness.page_client import markup
from tests.harness.quoted_forms import SIGNATURE, answer, decline, submit

pytestmark = pytest.mark.django_db
PART = {"HX-Request": "true"}


@pytest.fixture
def browser(owner: User, sign_in: Callable[[User], Client]) -> Client:
    return sign_in(owner)


@pytest.fixture
def by(owner: User) -> dict[str, Any]:
    """Return the scope and the actor of the owner."""
    return {"scope": owner.tenant, "actor": owner.as_actor(source="web")}


@pytest.fixture
def copy_id(api: Api, s1: Sample) -> str:
    return str(api.start(s1)["id"])


def states(by: dict[str, Any]) -> dict[str, str]:
    with use_tenant(by["scope"]):
        return dict(QuoteRequest.objects.values_list("product", "state"))


def test_every_product_is_listed_before_the_first_request(browser: Client, copy_id: str):
    content = markup(browser.get(f"/forms/{copy_id}/quotes"))

    assert content.index("Business owners") < content.index("Workers compensation")
    assert "Request 4 quotes" in content
    assert "opens if Quillmark Mutual and Lanternfield Insurance decline" in content
    assert "our indication" in content
    assert 'aria-current="page">Quotes</a>' in content


def test_answers_of_carriers_are_shown_with_their_difference_and_their_course(
    browser: Client, copy_id: str, by: dict[str, Any]
):
    bop = submit(copy_id, "QM-BOP", **by)
    wc = submit(copy_id, "TT-WC", **by)
    submit(copy_id, "LF-BOP", **by)
    answer(copy_id, bop, premium=2451, **by)
    answer(copy_id, wc, premium=5028, **by)

    content = markup(browser.get(f"/forms/{copy_id}/quotes"))

    assert 'aria-current="page">Quotes 3</a>' in content
    assert "2 answered · 1 running" in content
    assert '<td class="number difference same">same</td>' in content
    assert '<td class="number difference more">+$9</td>' in content
    assert "Best per line: <b>$7,479</b> bindable" in content
    assert "usually " in content
    assert "Request 1 quote" in content
    assert f'href="/forms/{copy_id}/bind/{bop}"' in content
    assert '<span class="badge ready">Quoted</span>' in content


def test_an_edit_makes_the_quote_stale_and_the_part_shows_it(browser: Client, copy_id: str, by: dict[str, Any]):
    bop = submit(copy_id, "QM-BOP", **by)
    answer(copy_id, bop, premium=2451, **by)
    browser.post(f"/forms/{copy_id}/answers", {"answers": '{"mqs_annual_revenue": "1,300,000"}'}, headers=PART)

    content = markup(browser.get(f"/forms/{copy_id}/quotes", headers=PART))

    assert content.startswith('<section id="quotes"')
    assert '<span class="badge decline">Stale</span>' in content
    assert '<s><span class="unseen">no longer valid:</span>$2,451</s>' in content
    assert "Ask again 1 stale" in content
    assert 'id="tabs"' in content


def test_the_opened_row_has_words_changes_and_conditions(browser: Client, copy_id: str, by: dict[str, Any]):
    bop = submit(copy_id, "QM-BOP", **by)
    answer(copy_id, bop, premium=2451, subjectivities=(SIGNATURE,), **by)

    content = markup(browser.get(f"/forms/{copy_id}/quotes/{bop}", headers=PART))

    assert "Sign the application" in content
    assert "The insured, due June 20, 2026" in content
    assert "Mark done" in content
    assert browser.get(f"/forms/{copy_id}/quotes/{copy_id}", headers=PART).status_code == 404


def test_a_condition_is_marked_as_done(browser: Client, copy_id: str, by: dict[str, Any]):
    bop = submit(copy_id, "QM-BOP", **by)
    answer(copy_id, bop, premium=2451, subjectivities=(SIGNATURE,), **by)
    with use_tenant(by["scope"]):
        condition = Subjectivity.objects.get()

    done = browser.post(
        f"/forms/{copy_id}/quotes/order",
        {"order": "done", "requests": bop, "condition": str(condition.pk)},
        headers=PART,
    )

    assert done.status_code == 200
    with use_tenant(by["scope"]):
        assert Subjectivity.objects.get().done_by == by["actor"].label
    assert "done " in markup(browser.get(f"/forms/{copy_id}/quotes/{bop}", headers=PART))


def test_chosen_products_are_requested_and_withdrawn(browser: Client, copy_id: str, by: dict[str, Any]):
    url = f"/forms/{copy_id}/quotes/order"

    asked = browser.post(url, {"order": "request", "products": "QM-BOP TT-WC"}, headers=PART)
    content = markup(asked)

    assert "2 quotes requested." in asked.headers["HX-Trigger"]
    assert states(by) == {"QM-BOP": "queued", "TT-WC": "queued"}
    assert "2 running" in content
    with use_tenant(by["scope"]):
        request = QuoteRequest.objects.get(product="QM-BOP")
    browser.post(url, {"order": "withdraw", "requests": str(request.pk), "quiet": "yes"}, headers=PART)
    assert states(by)["QM-BOP"] == "withdrawn"


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"order": "dance"}, 400),
        ({"order": "withdraw", "requests": "nonsense"}, 404),
        ({"order": "withdraw"}, 422),
        ({"order": "request"}, 422),
    ],
)
def test_wrong_orders_change_nothing(
    browser: Client, copy_id: str, by: dict[str, Any], values: dict[str, str], status: int
):
    assert browser.post(f"/forms/{copy_id}/quotes/order", values, headers=PART).status_code == status
    assert states(by) == {}


def test_all_copies_are_listed_with_their_names(browser: Client, api: Api, copy_id: str, by: dict[str, Any]):
    form = api.get(f"/copies/{copy_id}").json()["application_form_id"]
    other = api.post(f"/application_forms/{form}/copies", {"title": "Bar-heavy", "from_copy": copy_id}).json()["id"]
    submit(other, "LF-WC", **by)

    this, every = (markup(browser.get(f"/forms/{copy_id}/quotes{query}")) for query in ("", "?copies=all"))

    assert "1 running" not in this
    assert "1 running" in every
    assert "Bar-heavy" in every


def test_declines_name_the_carriers_words(browser: Client, copy_id: str, by: dict[str, Any]):
    decline(copy_id, submit(copy_id, "QM-BOP", **by), "Roof too old", **by)

    content = markup(browser.get(f"/forms/{copy_id}/quotes"))

    assert "Roof too old" in content
    assert "1 answered" in content


def test_the_list_of_all_forms_has_tabs(browser: Client, copy_id: str, by: dict[str, Any]):
    submit(copy_id, "QM-BOP", **by)
    answer(copy_id, submit(copy_id, "TT-WC", **by), status=QuoteStatus.REFERRED, **by)

    running, referred, stale = (markup(browser.get(f"/quotes?tab={tab}")) for tab in ("running", "referred", "stale"))

    assert "Quillmark Mutual" in running
    assert "Copper Kettle Bistro LLC" in running
    assert "Tarn and Tallow Casualty" in referred
    assert "Quillmark Mutual" not in referred
    assert "No quote is stale" in stale


def test_another_tenant_sees_none_of_it(
    browser: Client, stranger: User, sign_in: Callable[[User], Client], copy_id: str, by: dict[str, Any]
):
    bop = submit(copy_id, "QM-BOP", **by)
    foreign = sign_in(stranger)

    assert foreign.get(f"/forms/{copy_id}/quotes").status_code == 404
    assert foreign.get(f"/forms/{copy_id}/quotes/{bop}").status_code == 404
    assert foreign.post(f"/forms/{copy_id}/quotes/order", {"order": "withdraw", "requests": bop}).status_code == 404
    assert "Copper Kettle" not in markup(foreign.get("/quotes?tab=all"))
    assert states(by) == {"QM-BOP": "submitted"}


def test_the_foot_and_the_cards_of_the_answers_follow_the_quotes(browser: Client, copy_id: str, by: dict[str, Any]):
    before = markup(browser.get(f"/forms/{copy_id}"))
    answer(copy_id, submit(copy_id, "QM-BOP", **by), premium=2451, **by)
    after = markup(browser.get(f"/forms/{copy_id}"))

    assert "Request 4 quotes" in before
    assert 'data-product-pick="QM-BOP"' in before
    assert "Request 3 quotes" in after
    assert 'data-product-pick="QM-BOP"' not in after
    assert "Show 1 quote" in after


def test_the_foot_says_what_is_missing(browser: Client, api: Api, s1: Sample):
    started = api.start(s1)
    api.patch(f"/copies/{started['id']}/answers", {"answers": {"mqs_ops_description": None}})

    content = markup(browser.get(f"/forms/{started['id']}"))

    assert "1 answer missing to request quotes" in content
    assert "data-product-pick" not in content


def test_the_worklist_shows_the_state_and_the_best_premium(browser: Client, copy_id: str, by: dict[str, Any]):
    answer(copy_id, submit(copy_id, "QM-BOP", **by), premium=2451, **by)
    submit(copy_id, "TT-WC", **by)

    content = markup(browser.get("/"))

    assert '<span class="badge ready">Quoted</span> 1 of 2' in content
    assert "$2,451" in content


def test_the_worklist_is_filtered_by_quotes(browser: Client, copy_id: str, by: dict[str, Any]):
    answer(copy_id, submit(copy_id, "QM-BOP", **by), premium=2451, **by)

    assert "Copper Kettle" in markup(browser.get("/?state=quoted"))
    assert "Copper Kettle" not in markup(browser.get("/?state=referred"))
    assert "Copper Kettle" not in markup(browser.get("/?state=bound"))


class TestEnteredAnswers:
    """Carriers that answer by hand."""

    @pytest.fixture
    def copy_id(self, api: Api, samples: dict[str, Sample]) -> str:
        """Return a roofer, whom only a carrier with a manual link insures."""
        return str(api.start(samples["S4"])["id"])

    @pytest.fixture
    def manual(self, copy_id: str, by: dict[str, Any]) -> str:
        add_link("OH", "http://127.0.0.1:9", mode="manual")
        return submit(copy_id, "OH-GL", **by)

    def enter(self, browser: Client, copy_id: str, request_id: str, **values: Any) -> Any:
        fields = {"status": "quoted", "premium": "$2,600", "valid_until": "2099-01-31", "is_bindable": "yes"}
        return browser.post(f"/forms/{copy_id}/quotes/{request_id}/answer", {**fields, **values}, headers=PART)

    def test_a_quote_is_stored_with_its_conditions(
        self, browser: Client, copy_id: str, manual: str, by: dict[str, Any]
    ):
        done = self.enter(
            browser, copy_id, manual, condition_kind=["sign"], condition_text=["Sign here"], condition_due=[""]
        )

        assert done.status_code == 200
        [row] = batch.find(UUID(copy_id), **by).attached["quote_requests"]
        assert (row.state, row.premium, row.is_bindable) == ("quoted", 2600, True)  # type: ignore[attr-defined]
        with use_tenant(by["scope"]):
            assert Subjectivity.objects.get().text == "Sign here"

    def test_a_decline_needs_its_reason(self, browser: Client, copy_id: str, manual: str, by: dict[str, Any]):
        refused = self.enter(browser, copy_id, manual, status="declined", premium="")
        assert refused.status_code == 422
        assert "why the carrier declined" in refused.headers["X-Problem"]
        assert states(by) == {"OH-GL": "submitted"}

        assert self.enter(browser, copy_id, manual, status="declined", reasons="Too high").status_code == 200
        assert states(by) == {"OH-GL": "declined"}

    @pytest.mark.parametrize(
        ("values", "problem"),
        [
            ({"premium": "12.5"}, "whole dollars"),
            ({"premium": ""}, "whole dollars"),
            ({"valid_until": "2020-01-01"}, "has passed"),
            ({"valid_until": "soon"}, "last day"),
            ({"status": "maybe"}, "Choose what the carrier answered"),
            ({"change_field": ["nonsense"], "change_offered": ["1"]}, "offers instead"),
        ],
    )
    def test_a_wrong_field_is_named_and_nothing_is_stored(
        self, browser: Client, copy_id: str, manual: str, by: dict[str, Any], values: Any, problem: str
    ):
        refused = self.enter(browser, copy_id, manual, **values)

        assert (refused.status_code, problem in refused.headers["X-Problem"]) == (422, True)
        assert states(by) == {"OH-GL": "submitted"}
