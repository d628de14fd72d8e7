"""The worklist: facts that the reader may not see, orders by status and owner, the products of a row, and deletion."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import unquote

import msgspec
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from batch import service as batch
from catalogue.demo import Sample
from forms.models import QuoteRequest
from forms.selectors import list_forms
from forms.worklist import ORDER_KEYS, filtered, in_view
from forms.worklist_views import ORDER_FACTS, VIEW_FACTS, VIEWS, Filters
from partner_engine.web.pages.forms_list import FILTER_STATES
from partner_engine.web.pages.worklist_address import Wanted, readable
from rules.definition.catalogue import CatalogueDefinition, Question
from tenants.current_tenant import use_tenant
from tenants.flag_memory import FlagMemory
from tenants.models import Tenant, User
from tests.forms.test_worklist import viewer
from tests.harness.api_client import Api
from tests.harness.kennel_catalogue import ANSWERS, KENNELS
from tests.harness.later_releases import publish_release, with_sensitivity
from tests.harness.page_client import StartForm, markup
from tests.harness.quoted_forms import submit
from tests.harness.repeated_queries import look_for_repeated_queries

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def read_in_few_statements(settings: Settings) -> None:
    """Let pages that read row after row fail, in the full tier."""
    look_for_repeated_queries(settings)


PART: Final = {"HX-Request": "true"}
#: Every address that orders, filters or chooses a view by a fact, with the question behind it.
BY_FACT: Final = {
    "?sort=insured": "kennel_name",
    "?sort=-insured": "kennel_name",
    "?sort=starts": "begins",
    "?sort=-starts": "begins",
    "?view=starts": "begins",
    "?from=2099-01-01": "begins",
    "?to=2000-01-01": "begins",
    "?us_state=TX": "zip",
    "?line=care": "lines",
}
#: Only the full tier tries these, which differ from others by their direction.
SIMILAR: Final = ("?sort=-insured", "?sort=starts", "?view=starts", "?to=2000-01-01")


#: Products that are open for sample S1.
PRODUCTS: Final = ("QM-BOP", "LF-BOP", "TT-WC", "LF-WC")


@pytest.fixture
def browser(owner: User, sign_in: Callable[[User], Client]) -> Client:
    return sign_in(owner)


def kennels() -> CatalogueDefinition:
    """Return the kennels with a ZIP code and a start of the cover."""
    first, *others = KENNELS.question_sets
    more = (Question(code="zip", label="ZIP", type="zip"), Question(code="begins", label="Begins", type="date"))
    return msgspec.structs.replace(
        KENNELS,
        question_sets=(msgspec.structs.replace(first, questions=(*first.questions, *more)), *others),
        zip_questions=("zip",),
        effective_date_question="begins",
        industry_question="trade",
    )


def shown(browser: Client, address: str = "") -> list[str]:
    """Return the insureds of the list in its order."""
    return [
        name.strip() for name in re.findall(r'class="name" href="[^"]*">(.*?)</a>', markup(browser.get(f"/{address}")))
    ]


@pytest.mark.parametrize(
    ("address", "question"),
    [
        pytest.param(address, question, marks=[pytest.mark.slow] * (address in SIMILAR))
        for address, question in BY_FACT.items()
    ],
)
def test_a_fact_that_is_hidden_in_any_catalogue_neither_orders_nor_filters_nor_counts(
    start_form: StartForm, browser: Client, address: str, question: str
) -> None:
    publish_release(kennels())
    begins = [(timezone.now() + timedelta(days=days)).date().isoformat() for days in (45, 60, 75)]
    akita = {**ANSWERS, "kennel_name": "Akita", "zip": "78701", "begins": begins[1]}
    corgi = {**akita, "kennel_name": "Corgi", "lines": ["premises"], "zip": "43215", "begins": begins[2]}
    start_form(akita, catalogue="kennels")
    start_form(corgi, catalogue="kennels")
    bakery = {"mqs_business_name": "Bakery", "mqs_mail_zip": "43215", "mqs_effective_date": begins[0]}
    start_form({**bakery, "mqs_lobs": ["bop"]})
    plain = shown(browser)
    assert shown(browser, address) != plain

    publish_release(with_sensitivity(kennels(), **{question: "spi"}))

    content = markup(browser.get(f"/{address}"))
    assert shown(browser, address) == shown(browser)
    assert len(shown(browser)) == 3
    assert f'href="/{address.replace("=-", "=")}"' not in content
    offers = {"begins": "Starts within 30 days", "zip": 'id="chip-us_state"', "lines": 'id="chip-line"'}
    assert offers.get(question, "nothing") not in content
    assert "Animals in care" not in content or question != "lines"


def test_every_reader_of_a_fact_of_the_summary_names_it(harbor: Tenant) -> None:
    """A new order, filter or view by the summary fails here until it names its fact."""
    values: dict[str, Any] = {
        "lines": ("bop",), "us_states": ("TX",), "carriers": ("QM",), "owner": "",
        "starts_from": date(2026, 1, 1), "starts_to": date(2026, 1, 1),
    }  # fmt: skip
    assert set(values) == {field.name for field in fields(Filters)}
    everything = {"insured", "trade", "city", "us_state", "starts_on", "lines", "premium"}
    with use_tenant(harbor):
        reads = {name: reads_summary(filtered(list_forms(), Filters(**{name: values[name]}))) for name in values}
        views = {view: reads_summary(in_view(list_forms(), view, viewer=viewer())) for view in VIEWS}
        orders = {name: reads_summary(list_forms().order_by(key)) for name, key in ORDER_KEYS.items()}

    for name, value in values.items():
        wanted = Wanted(**{name: value or "nobody"})
        assert (readable(wanted, everything) == Wanted()) is reads[name], name
    assert {view for view, is_read in views.items() if is_read} == set(VIEW_FACTS)
    assert {order for order, is_read in orders.items() if is_read} - {"status"} == set(ORDER_FACTS)
    for order in ORDER_FACTS:
        assert readable(Wanted(sort=f"-{order}", after="x"), everything) == Wanted()
    kept = Wanted(view="quoted", query="a", sort="status", state="ready", carriers=("QM",), owner="me")
    assert readable(kept, everything) == kept


def reads_summary(rows: Any) -> bool:
    sql = str(rows.query)
    return '"summary"' in sql.partition("WHERE")[2]


def lock(copy_id: str, owner: User) -> None:
    assert owner.tenant is not None
    with batch.find_and_lock(copy_id, scope=owner.tenant, actor=owner.as_actor(source="web")) as context:
        context.changeset.copy.lock(reason="Audit")
        context.save()


def test_bound_forms_are_listed_as_bound_and_not_as_locked(
    api: Api, s1: Sample, start_form: StartForm, owner: User, browser: Client
) -> None:
    assert owner.tenant is not None
    bound = str(api.start(s1)["id"])
    submit(bound, "QM-BOP", scope=owner.tenant, actor=owner.as_actor(source="web"))
    locked = start_form({"mqs_business_name": "Locked Bakery"})
    for copy_id in (bound, locked):
        lock(copy_id, owner)
    with use_tenant(owner.tenant):
        QuoteRequest.objects.update(state="bound")

    assert shown(browser, "?state=locked") == ["Locked Bakery"]
    assert shown(browser, "?state=bound") == ["Copper Kettle Bistro LLC"]
    assert "Operation on all forms" not in markup(browser.get("/?state=locked"))


@pytest.mark.parametrize(
    ("quotes", "is_locked", "status"),
    [
        ((), False, "ready"),
        pytest.param(("draft", "withdrawn", "declined", "failed"), False, "ready", marks=pytest.mark.slow),
        (("submitted",), False, "requested"),
        pytest.param(("stale", "failed"), False, "stale", marks=pytest.mark.slow),
        (("over",), False, "stale"),
        pytest.param(("referred", "stale", "submitted"), False, "referred", marks=pytest.mark.slow),
        (("quoted", "referred"), False, "quoted"),
        pytest.param(("quoted",), True, "locked", marks=pytest.mark.slow),
        (("bound", "over"), True, "bound"),
    ],
)
def test_the_filter_by_status_finds_what_the_badge_says(
    api: Api, s1: Sample, owner: User, browser: Client, *, quotes: tuple[str, ...], is_locked: bool, status: str
) -> None:
    assert owner.tenant is not None
    copy_id = str(api.start(s1)["id"])
    by: dict[str, Any] = {"scope": owner.tenant, "actor": owner.as_actor(source="web")}
    requests = [submit(copy_id, product, **by) for product, _ in zip(PRODUCTS, quotes, strict=False)]
    if is_locked:
        lock(copy_id, owner)
    with use_tenant(owner.tenant):
        for request, state in zip(requests, quotes, strict=True):
            last_day = date(2020, 1, 1) if state == "over" else None
            values = {"state": "quoted" if last_day else state, "valid_until": last_day}
            QuoteRequest.objects.filter(pk=request).update(**values)

    listed = [code for code in FILTER_STATES if shown(browser, f"?state={code}")]

    assert listed == [status]
    content = markup(browser.get("/?view=ready"))
    assert re.search(r'class="badge [a-z]*">(.*?)</span>', markup(browser.get("/")))[1] == FILTER_STATES[status]  # type: ignore[index]
    assert bool(shown(browser, "?view=ready")) is (status == "ready")
    assert f'Ready <span class="tab-number">{int(status == "ready")}</span>' in content


def test_the_list_is_ordered_by_owner_and_by_status(
    api: Api, s1: Sample, start_form: StartForm, owner: User, browser: Client
) -> None:
    api.start(s1)  # of nobody, and ready
    start_form({"mqs_business_name": "Open Bakery"})
    lock(start_form({"mqs_business_name": "Locked Bakery"}), owner)
    ready = "Copper Kettle Bistro LLC"

    assert shown(browser, "?sort=owner") == shown(browser, "?sort=-owner") == ["Locked Bakery", "Open Bakery", ready]
    assert shown(browser, "?sort=status") == ["Open Bakery", ready, "Locked Bakery"]
    assert shown(browser, "?sort=-status") == ["Locked Bakery", ready, "Open Bakery"]
    assert "sorted by status" in markup(browser.get("/?sort=status"))


def test_the_products_of_a_row_are_shown_beside_the_list(
    api: Api, s1: Sample, stranger: User, browser: Client, sign_in: Callable[[User], Client]
) -> None:
    copy_id = api.start(s1)["id"]
    assert f'data-peek="/forms/{copy_id}/peek"' in markup(browser.get("/"))

    content = markup(browser.get(f"/forms/{copy_id}/peek", headers=PART))

    assert content.index("Business owners") < content.index("Quillmark Mutual") < content.index("Workers compensation")
    assert re.search(r'<span class="price">\$2,\d{3}<', content)
    assert f'href="/forms/{copy_id}/quotes"' in content
    assert sign_in(stranger).get(f"/forms/{copy_id}/peek", headers=PART).status_code == 404
    browser.post(f"/forms/{copy_id}/delete")
    deleted = markup(browser.get(f"/forms/{copy_id}/peek", headers=PART))
    assert "Open the deleted form" in deleted
    assert "/quotes" not in deleted


def test_selected_forms_are_deleted_and_restored_together(
    start_form: StartForm, stranger: User, browser: Client, sign_in: Callable[[User], Client]
) -> None:
    forms = [start_form({"mqs_business_name": f"Bakery {number}"}) for number in range(3)]

    assert sign_in(stranger).post("/forms/delete", {"copy": forms}, headers=PART).status_code == 409
    response = browser.post("/forms/delete?owner=me", {"copy": forms[:2]}, headers=PART)

    address = response.headers["HX-Redirect"]
    assert address == f"/?owner=me&deleted={forms[0]}&deleted={forms[1]}"
    content = markup(browser.get(address))
    assert "Deleted 2 forms." in content
    assert shown(browser) == ["Bakery 2"]
    assert 'Deleted <span class="tab-number">2</span>' in content
    assert "2 forms · sorted" in markup(browser.get("/?view=deleted"))
    assert sign_in(stranger).post("/forms/restore", {"copy": forms}).headers["Location"] == "/"
    assert shown(browser) == ["Bakery 2"]

    restored = browser.post("/forms/restore?owner=me", {"copy": forms})

    assert restored.headers["Location"] == "/?owner=me"
    assert sorted(shown(browser)) == ["Bakery 0", "Bakery 1", "Bakery 2"]
    assert "Deleted 2 forms" not in markup(browser.get(address))


def test_a_selection_is_deleted_without_operations_and_a_reason_keeps_its_letters(
    start_form: StartForm, owner: User, browser: Client, stored_flags: FlagMemory
) -> None:
    form = start_form({"mqs_business_name": "Café 100 % №1"})
    lock(form, owner)
    content = markup(browser.get("/"))

    refused = browser.post("/forms/delete", {"copy": [form]}, headers=PART)

    assert "data-delete-selected" in content
    assert 'name="kind"' not in content
    assert refused.headers["X-Problem"].isascii()
    assert "Café 100 % №1: This copy is locked." in unquote(refused.headers["X-Problem"])
    assert "data-select" not in markup(browser.get("/?view=deleted"))


@pytest.mark.parametrize("copies", [[], ["nonsense"], ["00000000-0000-0000-0000-000000000001"]])
def test_a_selection_with_a_fault_deletes_nothing(
    start_form: StartForm, owner: User, browser: Client, copies: list[str]
) -> None:
    form = start_form({"mqs_business_name": "Bakery"})

    response = browser.post("/forms/delete", {"copy": [form, *copies] if copies else []}, headers=PART)

    assert response.status_code in (409, 422)
    assert response.headers["X-Problem"]
    assert shown(browser) == ["Bakery"]


def test_a_locked_form_keeps_the_whole_selection(start_form: StartForm, owner: User, browser: Client) -> None:
    forms = [start_form({"mqs_business_name": name}) for name in ("Bakery", "Vault")]
    lock(forms[1], owner)

    response = browser.post("/forms/delete", {"copy": forms}, headers=PART)

    assert response.status_code == 409
    assert response.headers["X-Problem"].startswith("Nothing was deleted. Vault: This copy is locked.")
    assert shown(browser) == ["Vault", "Bakery"]


@pytest.mark.parametrize("view", ["quotes", "compare", "history", "questions", "print", "declines"])
def test_every_view_of_a_deleted_form_leads_to_its_page(
    start_form: StartForm, stranger: User, browser: Client, sign_in: Callable[[User], Client], view: str
) -> None:
    form = start_form({"mqs_business_name": "Bakery"})
    browser.post(f"/forms/{form}/delete")

    assert browser.get(f"/forms/{form}/{view}").headers.get("Location") == f"/forms/{form}"
    assert browser.get(f"/forms/{form}/{view}", headers=PART).status_code == 404
    assert sign_in(stranger).get(f"/forms/{form}/{view}").status_code == 404


def test_the_list_has_the_search_of_every_page_and_its_own(start_form: StartForm, browser: Client) -> None:
    start_form({"mqs_business_name": "Bakery", "mqs_phone": "(614) 201-3344"})

    content = markup(browser.get("/", {"q": "bakery"}))

    assert re.search(r'id="search" data-search data-palette="/palette" name="q" value=""', content)
    assert re.search(r'id="filter-q" data-filter name="q" value="bakery"', content)
    for phone in ("6142013344", "614-201-3344", "(614) 201", "201-3344"):
        assert shown(browser, f"?q={phone}") == ["Bakery"], phone
