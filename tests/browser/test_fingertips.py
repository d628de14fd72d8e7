"""What the hands do and what the page says of it: choices by keys, the Tab key, dates, industries, the state of a
field, the list of faults, and what is put out of sight. With real key presses.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from batch import service as batch
from catalogue.demo import read_samples
from copies.history import changes_of
from copies.models import CopyRevision
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.form_driver import (
    AWAY_IS_SHOWN,
    HELD_IN_TYPING,
    KEYS_REST,
    SAVED_IS_SHOWN,
    TAB_WAITS,
    Driver,
    pause_of,
)
from tests.harness.socket_client import save
from tests.harness.tiers import amount

pytestmark = pytest.mark.browser

#: Notes each field that ever shows "Saved" beside a reason for not being saved.
WATCH = """() => {
    window.contradictions = [];
    const look = () => {
        for (const field of document.querySelectorAll('.field[data-save="saved"]')) {
            const isInvalid = field.querySelector("[aria-invalid=true]");
            if (isInvalid || field.querySelector(".notes .error")) window.contradictions.push(field.dataset.path);
        }
    };
    // What is in the page before the next frame is what people see.
    const watch = () => { look(); requestAnimationFrame(watch); };
    requestAnimationFrame(watch);
}"""
COUNTS = """() => {
    const number = (text) => Number(/\\d+/.exec(text)?.[0] ?? (/choose an answer/.test(text) ? 1 : 0));
    const isShown = (element) => !element.closest("[hidden]");
    const signs = [...document.querySelectorAll(".sets .fix")].filter(isShown);
    return [
        number(document.getElementById("saved").textContent),
        [...document.querySelectorAll("#faults li")].filter(isShown).length,
        signs.reduce((sum, sign) => sum + number(sign.textContent), 0),
    ];
}"""


def versions(copy_id: UUID, tenant: Tenant) -> list[dict[str, object]]:
    """Return what people answered in each version of a copy, by path."""
    with use_tenant(tenant):
        return [
            {change.path: change.after for change in changes_of(revision) if change.cause.type == "user"}
            for revision in CopyRevision.objects.filter(copy_id=copy_id).order_by("version")
        ]


def field_of(page: Page, path: str) -> Locator:
    return page.locator(f'.field[data-path="{path}"]')


def focused_field(page: Page) -> str | None:
    path: str | None = page.evaluate("document.activeElement.closest('.field')?.dataset.path ?? null")
    return path


@pytest.mark.parametrize(
    ("name", "shortest", "longest"),
    [
        # Between two keys of a slow typist; longer, and what is typed last would be saved late.
        (KEYS_REST, 300, 500),
        # Longer, and the key would seem to do nothing.
        (TAB_WAITS, 100, 200),
        # To be noticed and read.
        (SAVED_IS_SHOWN, 1_500, 4_000),
        (AWAY_IS_SHOWN, 5_000, 10_000),
    ],
)
def test_pauses_are_short_enough_to_wait_and_long_enough_to_read(name: str, shortest: int, longest: int) -> None:
    assert shortest <= pause_of(name) <= longest


def test_only_the_pauses_of_the_named_script_are_held(driver: Driver) -> None:
    page = driver.page
    driver.hold_pauses(TAB_WAITS)
    page.goto("about:blank")

    page.evaluate("(pause) => { setTimeout(() => { window.isOver = true; }, pause); }", pause_of(TAB_WAITS))

    page.wait_for_function("() => window.isOver")
    assert page.evaluate("endPauses()") == []
    with pytest.raises(AssertionError, match="FOCUS_MOVES"):
        pause_of("combobox PAUSE_MS")


def test_choices_on_the_way_are_no_answers(driver: Driver, harbor: Tenant, agent: User, copy_id: UUID) -> None:
    page = driver.page
    save(harbor, agent.as_actor(source="api"), copy_id, {"mqs_lobs": ["bop"]})
    driver.hold_pauses(*HELD_IN_TYPING, SAVED_IS_SHOWN)
    driver.open(copy_id)
    page.click('[data-add="locations"]')
    driver.saved()
    before = len(versions(copy_id, harbor))
    location = page.locator("#rows-locations > .row").get_attribute("data-row")

    field_of(page, f"{location}/mqs_loc_state").locator("input").focus()
    page.keyboard.type("TX", delay=amount(0, full=60))
    page.keyboard.press("Tab")
    driver.saved()
    expect(field_of(page, f"{location}/mqs_loc_state").locator("input")).to_have_value("Texas")
    field_of(page, "mqs_mail_state").locator("input").focus()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    driver.saved()
    field_of(page, "mqs_legal_entity").locator("select").focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown", delay=amount(0, full=30))
    page.keyboard.press("Tab")
    driver.saved()
    building = page.locator('[data-path$="mqs_bld_sprinkler"]').get_attribute("data-path")
    field_of(page, str(building)).locator("input").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert set(HELD_IN_TYPING) <= set(page.evaluate("endPauses()"))
    expect(field_of(page, str(building))).to_have_attribute("data-save", "saved")

    assert versions(copy_id, harbor)[before:] == [
        {f"{location}/mqs_loc_state": "TX"},
        {"mqs_mail_state": "AR"},
        {"mqs_legal_entity": "llc"},
        {building: "full"},
    ]


def test_a_combobox_takes_names_and_codes_and_nothing_else(driver: Driver, copy_id: UUID) -> None:
    page = driver.page
    driver.open(copy_id)
    field = field_of(page, "mqs_mail_state")
    control = field.locator("input")

    control.click()
    page.keyboard.type("new m")
    expect(field.get_by_role("option")).to_have_count(1)
    expect(control).to_have_attribute("aria-expanded", "true")
    driver.check_in_every_look("combobox", at="#f-mqs_mail_state")
    page.keyboard.press("Enter")
    driver.saved()
    expect(control).to_have_value("New Mexico")
    expect(control).to_be_focused()
    expect(control).to_have_attribute("aria-expanded", "false")

    page.keyboard.press("Control+a")
    page.keyboard.type("zz")
    expect(field.locator(".options")).to_have_text("Nothing in the list matches.")
    page.keyboard.press("Tab")
    expect(field.locator(".notes")).to_have_text("Not saved: Choose one from the list.")
    expect(page.locator("#saved")).to_have_text("Not saved: 1 answer needs fixing")
    control.focus()
    page.keyboard.press("Escape")
    expect(control).to_have_value("New Mexico")
    driver.saved()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.press("Tab")
    driver.saved()
    page.reload()
    expect(control).to_have_value("")
    expect(page.locator("#version")).to_contain_text("version 3")


def test_tab_meets_the_group_that_its_answer_opens(driver: Driver, copy_id: UUID) -> None:
    page = driver.page
    driver.hold_pauses(TAB_WAITS)
    driver.open(copy_id)
    page.locator('[name=mqs_any_losses][value="true"]').focus()

    page.keyboard.press("Space")
    page.keyboard.press("Tab")

    # The group begins with a row: its first stop is in there.
    expect(page.locator("#s-qs_loss_rows .row :focus")).to_be_attached()
    expect(page.locator("#live")).to_contain_text("The group Each loss appeared.")


def test_tab_waits_no_longer_than_a_moment_and_what_is_typed_goes_on(driver: Driver, copy_id: UUID) -> None:
    page = driver.page
    driver.open(copy_id)
    held: list[Route] = []
    is_slow = [True]
    page.route("**/answers", lambda route: held.append(route) if is_slow else route.continue_())
    page.locator("[name=mqs_legal_entity]").focus()
    page.keyboard.press("l")
    page.keyboard.press("Tab")
    # How long a stalled machine took says nothing of the page: its own number does.
    assert pause_of(TAB_WAITS) <= 200
    expect(page.locator("[name=mqs_legal_entity]")).not_to_be_focused()
    assert focused_field(page) is not None

    page.locator("[name=mqs_naics]").focus()
    page.keyboard.type("722511")
    page.keyboard.press("Tab")
    # At once, before the wait is over.
    page.keyboard.type("12")

    expect(page.locator("[name=mqs_naics]")).not_to_have_value("72251112")
    is_slow.clear()
    for route in held:
        route.continue_()
    driver.saved()


def test_a_field_has_one_state_and_shows_what_is_stored(driver: Driver, copy_id: UUID) -> None:
    page = driver.page
    driver.hold_pauses(SAVED_IS_SHOWN)
    driver.open(copy_id)
    page.evaluate(WATCH)
    field = field_of(page, "mqs_phone")
    # The same number again changes nothing, so the server sends no field in place of this one.
    for typed in ("6142220101", "abc", "6142220101", "x", "614 222 0101", "y"):
        field.locator("input").fill(typed)
        field.locator("input").press("Enter")
        is_refused = not typed.startswith("6")
        expect(field).to_have_attribute("data-save", "failed" if is_refused else "saved")
        expect(field.locator(".notes .error")).to_have_count(1 if is_refused else 0)
    field.locator("input").fill("(614) 222-0101")
    field.locator("input").press("Tab")
    driver.saved()

    expect(field.locator(".notes .error")).to_have_count(0)
    expect(field.locator("input")).not_to_have_attribute("aria-invalid", "true")
    assert page.evaluate("window.contradictions") == []
    stored = field.locator("input").input_value()
    page.reload()
    expect(field.locator("input")).to_have_value(stored)
    revenue = page.locator("[name=mqs_full_time_emp]")
    revenue.fill("1,200 ")
    revenue.press("Enter")
    driver.saved()
    expect(revenue).to_have_value("1,200")


@pytest.mark.slow  # test_main_job.py watches the same along its way
def test_head_list_and_menu_count_alike_while_a_form_is_filled_in(driver: Driver, harbor: Tenant, agent: User) -> None:
    page = driver.page
    s1 = next(found for found in read_samples() if found.id == "S1")
    with batch.build_context(scope=harbor, actor=agent.as_actor(source="web"), as_of=s1.as_of) as context:
        context.save()
    driver.open(context.copy.id)
    page.evaluate(WATCH)
    counted: list[list[int]] = []
    plain_answer = driver.answer

    def answer(path: str, value: object) -> None:
        if path.endswith(("_zip", "_year_started", "_mod", "_limit_amount", "_built")):
            # First a typing error, as people make them.
            page.locator(f'[name="{path}"]').fill("x")
            page.locator(f'[name="{path}"]').press("Tab")
            expect(page.locator("#saved")).to_contain_text("Not saved")
            counted.append(page.evaluate(COUNTS))
        plain_answer(path, value)
        counted.append(page.evaluate(COUNTS))

    driver.answer = answer  # type: ignore[method-assign]
    driver.fill_in("", s1.answers)
    driver.fill_in_rows("", s1.answer_pools)
    driver.fill_in("", s1.answers)

    assert len(counted) > 60
    assert [1, 1, 1] in counted
    assert [numbers for numbers in counted if len(set(numbers)) > 1] == []
    assert page.evaluate("window.contradictions") == []


def test_faults_are_one_list_that_leads_to_each(driver: Driver, copy_id: UUID) -> None:
    page = driver.page
    driver.open(copy_id)
    for path, text in (("mqs_mail_zip", "abc"), ("mqs_phone", "12"), ("mqs_year_started", "x")):
        page.locator(f"[name={path}]").fill(text)
        page.locator(f"[name={path}]").press("Tab")
    expect(page.locator("#saved")).to_have_text("Not saved: 3 answers need fixing")
    assert page.evaluate(COUNTS) == [3, 3, 3]
    driver.check_in_every_look("faults", at="#faults")

    page.locator("#saved button").click()
    met = [focused_field(page)]
    for _ in range(3):
        page.keyboard.press("Alt+e")
        met.append(focused_field(page))
    assert set(met) == {"mqs_mail_zip", "mqs_phone", "mqs_year_started"}
    assert met[3] == met[0]
    page.locator("#faults").get_by_role("link", name="Mailing ZIP").click()
    expect(page.locator("[name=mqs_mail_zip]")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("78701")
    page.keyboard.press("Enter")

    expect(page.locator("#saved")).to_have_text("Not saved: 2 answers need fixing")
    assert page.evaluate(COUNTS) == [2, 2, 2]
    page.locator("#insured").click()
    page.keyboard.press("g")
    page.keyboard.press("e")
    assert focused_field(page) in ("mqs_phone", "mqs_year_started")


def test_the_list_of_faults_moves_no_question(driver: Driver, copy_id: UUID) -> None:
    page = driver.page
    driver.open(copy_id)
    field = field_of(page, "mqs_legal_entity")
    before = field.bounding_box()

    page.locator("[name=mqs_mail_zip]").fill("abc")
    page.locator("[name=mqs_mail_zip]").press("Enter")
    expect(page.locator("#faults")).to_be_visible()

    assert field.bounding_box() == before


def test_half_a_date_is_not_saved_and_says_what_is_missing(driver: Driver, harbor: Tenant, agent: User) -> None:
    page = driver.page
    with batch.build_context(scope=harbor, actor=agent.as_actor(source="web"), as_of=date(2026, 12, 1)) as context:
        context.save()
    driver.open(context.copy.id)
    field = field_of(page, "mqs_effective_date")
    control = field.locator("input").first
    control.focus()

    page.keyboard.type("12/15/")
    page.keyboard.press("Tab")

    expect(field.locator(".notes")).to_have_text("Not saved: The year is missing. Enter a date such as 1/31/2026.")
    expect(page.locator("#saved")).to_have_text("Not saved: 1 answer needs fixing")
    assert focused_field(page) != "mqs_effective_date"
    expect(page.locator("#version")).to_contain_text("version 1")
    page.keyboard.press("Shift+Tab")
    expect(control).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.type("2026")
    page.keyboard.press("Enter")
    driver.saved()
    expect(control).to_have_value("12/15/2026")
    driver.check_in_every_look("date", at="#f-mqs_effective_date")
    page.evaluate(
        """() => {
            const picker = document.querySelector("#f-mqs_effective_date [data-picker]");
            picker.value = "2026-12-20";
            picker.dispatchEvent(new Event("change", { bubbles: true }));
        }"""
    )
    driver.saved()
    expect(control).to_have_value("12/20/2026")


def test_an_industry_is_taken_by_enter_and_by_tab_if_it_is_the_only_one(driver: Driver, copy_id: UUID) -> None:
    page = driver.page
    driver.open(copy_id)
    field = field_of(page, "mqs_naics")
    control = field.locator("input")

    control.focus()
    page.keyboard.type("plumber")
    page.keyboard.press("Enter")
    driver.saved()
    expect(control).to_have_value("238220 Plumbing, Heating, and Air-Conditioning Contractors")
    page.keyboard.press("Control+a")
    page.keyboard.type("we do a bit of everything")
    page.keyboard.press("Tab")
    expect(field.locator(".notes")).to_have_text("Not saved: Choose an industry from the list.")
    control.focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("722513")
    expect(field.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Tab")

    driver.saved()
    expect(control).to_have_value("722513 Limited-Service Restaurants")


def test_what_an_answer_puts_away_is_said_and_can_be_undone(
    driver: Driver, harbor: Tenant, agent: User, copy_id: UUID
) -> None:
    page = driver.page
    save(harbor, agent.as_actor(source="api"), copy_id, {"mqs_lobs": ["bop", "cyber"], "mqs_cy_limit": "c500"})
    driver.hold_pauses(AWAY_IS_SHOWN)
    driver.open(copy_id)
    field = field_of(page, "mqs_lobs")
    below = page.locator("#s-qs_financials")
    field.locator('input[value="cyber"]').focus()
    before = below.bounding_box()

    page.keyboard.press("Space")

    expect(field.locator(".put-away")).to_contain_text("put away")
    assert below.bounding_box() == before
    driver.check_access("#f-mqs_lobs")
    page.keyboard.press("Alt+z")
    driver.saved()
    expect(field.locator('input[value="cyber"]')).to_be_checked()
    expect(field.locator(".put-away")).to_have_count(0)


def test_two_people_and_one_answer_with_a_dead_socket(driver: Driver, other: Driver, copy_id: UUID) -> None:
    # The second page's socket is open and never says anything.
    other.page.route_web_socket("**/ws/**", lambda socket: None)
    driver.open(copy_id)
    other.open(copy_id)
    driver.answer("mqs_mail_city", "Austin")
    driver.answer("mqs_legal_entity", "llc")
    driver.answer("mqs_mail_state", "TX")
    city, state = field_of(other.page, "mqs_mail_city"), field_of(other.page, "mqs_mail_state")
    expect(city.locator("input")).to_have_value("")

    city.locator("input").click()
    other.page.keyboard.type("Dallas")
    other.page.keyboard.press("Tab")

    expect(city.locator(".conflict")).to_contain_text("Ona Owner answered Austin")
    expect(city.locator(".conflict")).to_contain_text("You answered Dallas")
    expect(city.locator("input")).to_have_value("Dallas")
    expect(other.page.locator("#saved")).to_have_text("Not saved: choose an answer")
    assert other.page.evaluate(COUNTS) == [1, 1, 1]
    # What else changed is shown, and what is answered from here on is based on it.
    expect(other.page.locator("[name=mqs_legal_entity]")).to_have_value("llc")
    expect(state.locator("input")).to_have_value("Texas")
    expect(driver.page.locator("[name=mqs_mail_city]")).to_have_value("Austin")
    other.page.get_by_role("button", name="Keep mine").click()
    other.saved()
    expect(driver.page.locator("[name=mqs_mail_city]")).to_have_value("Dallas")


def test_what_the_server_never_takes_is_sent_once_and_stays_in_its_field(driver: Driver, copy_id: UUID) -> None:
    page = driver.page
    sent: list[str] = []

    def refuse(route: Route) -> None:
        sent.append(route.request.url)
        route.fulfill(status=400)

    driver.open(copy_id)
    page.route("**/answers", refuse, times=1)
    city = field_of(page, "mqs_mail_city")
    city.locator("input").fill("Austin")
    city.locator("input").press("Tab")

    expect(city.locator(".notes")).to_contain_text("copy your text and load the page again")
    expect(city.locator("input")).to_have_value("Austin")
    expect(page.locator("#saved")).to_have_text("Not saved: 1 answer needs fixing")
    assert page.evaluate(COUNTS) == [1, 1, 1]
    # What is answered afterwards is saved, and the refused text is not sent again with it.
    page.fill("[name=mqs_business_name]", "Copper Kettle")
    page.press("[name=mqs_business_name]", "Tab")
    expect(page.locator("#insured")).to_have_text("Copper Kettle")
    expect(city.locator("input")).to_have_value("Austin")
    city.locator("input").fill("Waco")
    city.locator("input").press("Tab")
    expect(page.locator("#saved")).to_have_text("Saved")
    expect(city.locator(".notes .error")).to_have_count(0)
    assert len(sent) == 1
    # htmx writes refused requests to the console.
    driver.faults.clear()


def test_a_copy_is_renamed_without_talk_of_somebody_else(driver: Driver, copy_id: UUID) -> None:
    page = driver.page
    driver.open(copy_id)

    page.locator("#more-button").click()
    page.locator("[data-rename-copy]").click()
    page.locator("#copy-title").fill("Bar-heavy plan")
    page.locator("#copy-title").press("Enter")

    driver.saved()
    expect(page.locator("#version")).to_contain_text("version 2")
    expect(page.locator("#live")).to_have_text("Saved.")


def test_texts_of_people_keep_their_direction(driver: Driver, harbor: Tenant, agent: User, copy_id: UUID) -> None:
    page = driver.page
    save(harbor, agent.as_actor(source="api"), copy_id, {"mqs_business_name": "مطعم النور"})
    driver.open(copy_id)

    name = page.locator("[name=mqs_business_name]")
    assert name.evaluate("(element) => getComputedStyle(element).direction") == "rtl"
    assert page.locator("#insured").evaluate("(element) => getComputedStyle(element).direction") == "rtl"
    page.goto(f"{driver.server}/")
    expect(page.locator("table.list bdi").first).to_have_text("مطعم النور")
