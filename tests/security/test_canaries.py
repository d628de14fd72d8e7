"""Protected answers stay in their place: canaries are in every one of them, and are searched everywhere else.

Each search has a counterpart in ``TestTheseTestsCanFail``, which lets a value out and must find it.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

import batch.changes.input
import batch.changes.mutators.answers
import search.indexer
from actions.models import OutboxAction
from copies.document import Answer
from copies.sealed_answers import Sealer
from encryption.key_ring import KeyServiceUnavailable, LocalKeyring
from search.indexer import index_copies
from search.models import SearchWord
from search.words import words_of
from tenants.access import Right
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import Api
from tests.harness.canaries import ROWS_OF_COPIES, Canaries, RedisCommands, find, in_database, in_redis, make_canaries
from tests.harness.undone import undone

pytestmark = pytest.mark.django_db
READS = (
    "/copies/{id}",
    "/copies/{id}?at_version=1",
    "/copies/{id}/changes?since=0",
    "/copies/{id}/history",
    "/copies/{id}/needed",
    "/copies/{id}/messages",
    "/copies/{id}/events",
    "/copies/{id}/processes",
    "/application_forms/{id}",
    "/application_forms",
    "/search?q=copper",
    "/catalogue",
    "/me",
)
#: Answers that no rule reads are explained as well.
TARGETS = (
    "question:mqs_owner_ssn",
    "question:mqs_fein",
    "product:QM-BOP",
    "premium:QM-BOP",
    "set:qs_owners",
    "GF-AUTO",
)


def indexed_words(copy: dict[str, Any], tenant: Tenant) -> set[str]:
    """Index the copy as the relay does; return all its words in the index."""
    index_copies([UUID(copy["id"])], tenant=tenant)
    with use_tenant(tenant):
        return set(SearchWord.objects.values_list("word", flat=True))


def parts_of(values: dict[str, str]) -> set[str]:
    """Return the words of ``values`` in the search, except the shortest, which other texts may contain too."""
    return {word for value in values.values() for word in words_of(value) if len(word) > 3}


def rows_of(copy: dict[str, Any]) -> dict[str, str]:
    """Return the id of the first row of each pool."""
    return {pool: rows[0]["id"] for pool, rows in copy["answer_pools"].items()}


def changed_by(copy: dict[str, Any], canaries: Canaries) -> dict[str, Any]:
    """Return a body that changes every protected answer."""
    rows = rows_of(copy)
    pools = {
        pool: [{"id": rows[pool], "answers": found[0]["answers"]}] for pool, found in canaries.answer_pools().items()
    }
    return {"answers": canaries.answers(), "answer_pools": pools}


def explained(copy: dict[str, Any]) -> list[str]:
    """Return the addresses of explanations, also for the protected answers of rows."""
    rows = rows_of(copy)
    inside = [
        f"question:drivers/{rows['drivers']}/mqs_drv_dob",
        f"question:drivers/{rows['drivers']}/mqs_drv_license",
        f"question:owners/{rows['owners']}/mqs_own_ssn",
        f"message:owners/{rows['owners']}/mqs_own_dob",
    ]
    targets = [*TARGETS, *inside, *(f"product:{product}" for product in copy["eligibility"])]
    return [f"/copies/{copy['id']}/explain?target={target}" for target in targets]


def use_everything(api: Api, copy: dict[str, Any], canaries: Canaries, other: Canaries) -> list[bytes]:
    """Read, change, dry-run and get refusals by every endpoint of the API; return all responses."""
    url = f"/copies/{copy['id']}"
    wrong = {"mqs_owner_ssn": f"{canaries.spi['owner_ssn']}9", "mqs_fein": [canaries.spi["fein"]]}
    too_young = {"drivers": [{"id": rows_of(copy)["drivers"], "answers": {"mqs_drv_dob": "2025-01-01"}}]}
    made = [
        api.patch(f"{url}/answers?dry_run=true", changed_by(copy, other)),
        api.patch(f"{url}/answers", changed_by(copy, other), Idempotency_Key="first"),
        api.patch(f"{url}/answers", changed_by(copy, other), Idempotency_Key="first"),
        api.patch(f"{url}/answers", changed_by(copy, canaries), Idempotency_Key="first"),
        api.patch(f"{url}/answers", changed_by(copy, canaries), If_Match='"1"'),
        api.patch(f"{url}/answers", {"answers": {**canaries.answers(), **wrong}}),
        api.patch(f"{url}/answers", {"answers": {**other.answers(), "no_such": canaries.spi["fein"]}}),
        api.patch(f"{url}/answers", {"answers": canaries.answers(), "answer_pools": too_young}),
        api.patch(f"{url}/answers", {"answers": {canaries.spi["owner_ssn"]: 1}}),
        api.patch(f"{url}/answers", {"answers": canaries.answers(), "answer_pools": canaries.spi}),
        api.send("PATCH", f"{url}/answers", json.dumps(changed_by(copy, other)).encode()[:-1]),
        api.post(f"/application_forms/{copy['id']}/copies", {"title": "Another"}),
        api.post(f"{url}/lock"),
        api.patch(f"{url}/answers", changed_by(copy, canaries)),
        api.post(f"{url}/unlock"),
        api.post(f"{url}/reveal", {"path": "mqs_email", "purpose": "carrier", "reason": "Carrier asks by phone"}),
        *(api.get(path.format(id=copy["id"])) for path in READS),
        *(api.get(path) for path in explained(copy)),
    ]
    assert {response.status_code for response in made} <= {200, 201, 400, 409, 412, 422, 423}
    # An error repeats a key that the caller sent, or the value of an unknown key: these are the caller's own.
    return [response.content for response in made if canaries.spi["owner_ssn"] not in json.dumps(_told_keys(response))]


def _told_keys(response: Any) -> list[str]:
    problem = response.json() if response.content else {}
    return [fault["path"] for fault in problem.get("errors", [])]


def use_pages(browser: Client, copy: dict[str, Any], canaries: Canaries, other: Canaries) -> list[bytes]:
    """Read, change and get refusals on the agents' pages; return all their content."""
    page = reverse("web:copy", args=[copy["id"]])
    rows = rows_of(copy)
    given = {
        "mqs_owner_ssn": other.spi["owner_ssn"],
        "mqs_fein": f"{canaries.spi['fein']}1",
        f"drivers/{rows['drivers']}/mqs_drv_license": other.spi["license"],
        f"drivers/{rows['drivers']}/mqs_drv_dob": other.spi["driver_dob"],
    }
    row, headers = f"drivers/{rows['drivers']}", {"HX-Request": "true"}

    def order(**fields: str) -> Any:
        return browser.post(reverse("web:rows", args=[copy["id"]]), {"path": row, **fields}, headers=headers)

    made = [
        browser.get(page),
        browser.post(reverse("web:answers", args=[copy["id"]]), {"answers": json.dumps(given)}, headers=headers),
        browser.get(reverse("web:row", args=[copy["id"]]), {"path": row}),
        order(order="duplicate"),
        removed := order(order="remove"),
        order(order="put-back", version=str(json.loads(removed["HX-Trigger"])["copy-saved"]["version"] - 1)),
        browser.get(reverse("web:history", args=[copy["id"]])),
        *(browser.get(reverse("web:why", args=[copy["id"]]), {"target": code}) for code in copy["eligibility"]),
        browser.get(page),
        browser.get(reverse("web:forms"), {"q": canaries.pii["last_name"]}),
    ]
    assert {response.status_code for response in made} == {200}
    return [response.content + str(dict(response.headers)).encode() for response in made]


class TestSensitiveAnswers:
    def test_are_nowhere_in_plain_text_after_use_of_the_api(
        self, api: Api, full: dict[str, Any], canaries: Canaries, written: Callable[[], str]
    ) -> None:
        other = make_canaries()

        with RedisCommands() as commands:
            told = use_everything(api, full, canaries, other)

        for values in (canaries.spi, other.spi):
            assert find(values, b"\n".join(told)) == []
            assert find(values, json.dumps(full)) == []
            assert in_database(values) == set()
            assert in_redis(values) == set()
            assert find(values, "\n".join(commands.all)) == []
            assert find(values, written()) == []
        assert commands.names & {"EVALSHA", "SET"}
        assert "request" in written()

    def test_are_nowhere_in_plain_text_after_use_of_the_pages(
        self, browser: Client, full: dict[str, Any], canaries: Canaries, written: Callable[[], str]
    ) -> None:
        other = make_canaries()

        with RedisCommands() as commands:
            told = use_pages(browser, full, canaries, other)

        for values in (canaries.spi, other.spi):
            assert find(values, b"\n".join(told)) == []
            assert in_database(values) == set()
            assert in_redis(values) == set()
            assert find(values, "\n".join(commands.all)) == []
            assert find(values, written()) == []

    def test_are_returned_only_by_the_reveal_and_stored_nowhere(
        self, api: Api, full: dict[str, Any], canaries: Canaries, written: Callable[[], str]
    ) -> None:
        path = f"drivers/{rows_of(full)['drivers']}/mqs_drv_license"
        body = {"path": path, "purpose": "carrier", "reason": "Carrier asks by phone"}

        with RedisCommands() as commands:
            revealed = api.post(f"/copies/{full['id']}/reveal", body)

        assert revealed.json()["value"] == canaries.spi["license"]
        assert in_database(canaries.spi) == set()
        assert in_redis(canaries.spi) == set()
        assert find(canaries.spi, "\n".join(commands.all) + written()) == []

    def test_give_no_words_to_the_search(self, full: dict[str, Any], canaries: Canaries, harbor: Tenant) -> None:
        words = indexed_words(full, harbor)

        assert words_of(canaries.pii["last_name"])[0] in words
        assert words & parts_of(canaries.spi) == set()
        assert in_database(canaries.spi) == set()

    def test_have_masks_that_show_less_than_half(self, full: dict[str, Any], canaries: Canaries) -> None:
        driver = full["answer_pools"]["drivers"][0]["answers"]

        assert driver["mqs_drv_license"]["value"] == f"•••• {canaries.spi['license'][-4:]}"
        assert driver["mqs_drv_dob"]["value"] == "••••"
        assert full["answers"]["mqs_owner_ssn"]["value"] == f"•••• {canaries.spi['owner_ssn'][-4:]}"


class TestPersonalAnswers:
    def test_leave_the_copy_neither_by_log_nor_redis_nor_outbox(
        self, api: Api, browser: Client, full: dict[str, Any], canaries: Canaries, written: Callable[[], str]
    ) -> None:
        other = make_canaries()

        with RedisCommands() as commands:
            use_everything(api, full, canaries, other)
            use_pages(browser, full, canaries, other)

        for values in (canaries.pii, other.pii):
            assert in_database(values, but_in=ROWS_OF_COPIES) == set()
            assert in_redis(values) == set()
            assert find(values, "\n".join(commands.all)) == []
            assert find(values, written()) == []

    def test_are_published_in_webhooks_without_their_values(
        self, full: dict[str, Any], harbor: Tenant, canaries: Canaries
    ) -> None:
        with use_tenant(harbor):
            payloads = [action.payload for action in OutboxAction.objects.all()]

        assert find({**canaries.pii, **canaries.spi}, json.dumps(payloads)) == []
        changes = [change for payload in payloads for change in payload.get("data", {}).get("changes", [])]
        told = {change["path"]: change for change in changes}
        assert told["mqs_email"].keys() & {"before", "after", "sensitive"} == {"sensitive"}
        assert told["mqs_annual_revenue"]["after"] == 1_250_000

    def test_are_masked_without_the_right(
        self, api: Api, discreet: Api, full: dict[str, Any], canaries: Canaries
    ) -> None:
        told = use_everything(discreet, full, canaries, make_canaries())

        # Errors of a wrong request repeat no value of it either.
        assert find(canaries.pii, b"\n".join(told)) == []
        assert set(find(canaries.pii, api.get(f"/copies/{full['id']}?at_version=1").content)) == set(canaries.pii)


FAILING = {
    "the cleaning": ("batch.changes.submitted_values", "clean"),
    "the sealing": ("copies.sealed_answers.Sealer", "seal"),
    "the revealing": ("copies.sealed_answers.Sealer", "reveal"),
    "the rules": ("batch.save", "decide"),
    "the encoding": ("batch.storage.rows", "document_content"),
    "the save": ("batch.storage.write", "write"),
    "the answer": ("partner_engine.api.answers", "saved_changes"),
    "the page": ("partner_engine.web.rendering", "build_head"),
}


class TestFailures:
    """Failures of parts that are processing the values."""

    def test_reveal_no_value(
        self,
        subtests: pytest.Subtests,
        api: Api,
        browser: Client,
        full: dict[str, Any],
        canaries: Canaries,
        written: Callable[[], str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for part in FAILING:
            before = written().count("RuntimeError")
            with subtests.test(part), undone(), monkeypatch.context() as patch:
                other = make_canaries()
                fail_with(other, part, patch)
                self.try_both(api, browser, full, other, written)
                assert written().count("RuntimeError") > before

    def try_both(
        self, api: Api, browser: Client, full: dict[str, Any], other: Canaries, written: Callable[[], str]
    ) -> None:
        """Let a program and a page store the canaries; find them nowhere."""
        responses = [
            api.patch(f"/copies/{full['id']}/answers", changed_by(full, other), Idempotency_Key="one"),
            browser.post(
                reverse("web:answers", args=[full["id"]]),
                {"answers": json.dumps({"mqs_owner_ssn": other.spi["owner_ssn"], "mqs_email": other.pii["email"]})},
                headers={"HX-Request": "true"},
            ),
        ]

        assert 500 in {response.status_code for response in responses}
        shown = [response.content + str(response.headers).encode() for response in responses]
        failed = [text for text, response in zip(shown, responses, strict=True) if response.status_code == 500]
        assert find(other.spi, b"".join(shown)) == []
        assert find(other.pii, b"".join(failed)) == []
        for values in (other.spi, other.pii):
            assert find(values, written()) == []
            assert in_redis(values) == set()
        assert in_database(other.spi) == set()
        assert in_database(other.pii, but_in=ROWS_OF_COPIES) == set()

    def test_of_the_key_service_refuse_the_write_and_mask_the_read(
        self,
        api: Api,
        full: dict[str, Any],
        canaries: Canaries,
        written: Callable[[], str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def unavailable(*args: Any, **kwargs: Any) -> Any:
            raise KeyServiceUnavailable(f"away while holding {canaries.spi}")

        monkeypatch.setattr(LocalKeyring, "wrap", unavailable)
        monkeypatch.setattr(LocalKeyring, "unwrap", unavailable)
        response = api.post("/application_forms", {"answers": {"mqs_owner_ssn": canaries.spi["owner_ssn"]}})

        assert (response.status_code, response.json()["type"]) == (503, "urn:partner-engine:problem:unavailable")
        assert find(canaries.spi, response.content + written().encode()) == []
        assert api.get(f"/copies/{full['id']}").status_code == 200


def fail_with(canaries: Canaries, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``part`` fail with an exception whose text, cause and variables hold the canaries."""
    place, name = FAILING[part]

    def fail(*args: Any, **kwargs: Any) -> Any:
        everything = {**canaries.spi, **canaries.pii}
        try:
            raise KeyError(str(everything))
        except KeyError as error:
            raise RuntimeError(f"cannot take {everything}") from error

    monkeypatch.setattr(f"{place}.{name}", fail)


class TestTheseTestsCanFail:
    """Each leak is opened once: the searches must find it."""

    def test_plaintext_in_the_place_of_ciphertext(
        self, api: Api, full_body: dict[str, Any], canaries: Canaries, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def seal(self: Sealer, path: str, value: Any) -> bytes:
            return msgspec.json.encode(value)

        def reveal(self: Sealer, path: str, answer: Answer) -> Any:
            return answer.value if answer.sealed is None else msgspec.json.decode(answer.sealed)

        monkeypatch.setattr(Sealer, "seal", seal)
        monkeypatch.setattr(Sealer, "reveal", reveal)
        api.post("/application_forms", full_body)

        found = in_database(canaries.spi)
        assert {name for _, name in found} == set(canaries.spi)
        assert {place for place, _ in found} == {"copies_copy.document", "copies_copyrevision.document"}

    def test_sensitive_words_in_the_search(
        self, full: dict[str, Any], canaries: Canaries, harbor: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(search.indexer, "search_texts", lambda *read: ("", " ".join(canaries.spi.values())))

        assert indexed_words(full, harbor) >= parts_of(canaries.spi)

    def test_masks_that_hide_nothing(
        self, api: Api, full_body: dict[str, Any], canaries: Canaries, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(batch.changes.mutators.answers, "mask_of", lambda question, value: f"•••• {value}")
        # The faces pass on nothing but exact masks, which alone would hide this fault.
        monkeypatch.setattr("presentation.visibility.is_mask", lambda value: str(value).startswith("••••"))

        copy = api.post("/application_forms", full_body)

        assert set(find(canaries.spi, copy.content)) == set(canaries.spi)
        assert {place for place, _ in in_database(canaries.spi)} >= {"copies_copyrevision.changes"}
        assert find(canaries.spi, api.get(f"/copies/{copy.json()['id']}/history").content)

    def test_a_value_in_redis(self, canaries: Canaries) -> None:
        with RedisCommands() as commands:
            cache.set(f"last:{canaries.pii['email']}", {"ssn": canaries.spi["owner_ssn"].replace("-", "")}, 5)

        assert {name for _, name in in_redis({**canaries.spi, **canaries.pii})} == {"owner_ssn", "email"}
        assert set(find({**canaries.spi, **canaries.pii}, "\n".join(commands.all))) == {"owner_ssn", "email"}

    def test_values_in_webhooks(
        self, api: Api, full_body: dict[str, Any], canaries: Canaries, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        leaking = "batch.effects.actions_of_save._redacted"
        monkeypatch.setattr(leaking, lambda catalogue, changes: msgspec.to_builtins(changes))

        api.post("/application_forms", full_body)

        found = in_database(canaries.pii, but_in=ROWS_OF_COPIES)
        assert {place for place, _ in found} == {"actions_outboxaction.payload"}

    def test_a_reader_wrongly_treated_as_having_the_right(
        self, discreet: Api, full: dict[str, Any], canaries: Canaries, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        everybody = lambda actor, right: True  # noqa: E731
        monkeypatch.setattr("tenants.access.Actor.may", everybody)

        assert set(find(canaries.pii, discreet.get(f"/copies/{full['id']}").content)) == set(canaries.pii)

    def test_a_log_that_writes_exceptions_unfiltered(
        self,
        api: Api,
        full: dict[str, Any],
        canaries: Canaries,
        monkeypatch: pytest.MonkeyPatch,
        written: Callable[[], str],
    ) -> None:
        def told(error: BaseException) -> dict[str, Any]:
            return {"type": type(error).__name__, "frames": [], "text": "".join(traceback.format_exception(error))}

        monkeypatch.setattr("partner_engine.logging._described", told)
        fail_with(canaries, "the save", monkeypatch)
        api.patch(f"/copies/{full['id']}/answers", changed_by(full, make_canaries()))

        assert set(find(canaries.spi, written())) == set(canaries.spi)

    def test_every_spelling_is_found(self, canaries: Canaries) -> None:
        ssn = canaries.spi["owner_ssn"]
        for text in (ssn, ssn.replace("-", ""), ssn.replace("-", " "), ssn.encode().hex()):
            assert find({"ssn": ssn}, f"before {text} after") == ["ssn"]
        assert find({"ssn": ssn}, json.dumps({"mask": f"•••• {ssn[-4:]}"})) == []
        logging.getLogger("partner_engine.tests").info("nothing of it is logged")


def test_a_token_with_fewer_rights_gets_no_answer_that_was_stored_for_more(
    api: Api, discreet: Api, full: dict[str, Any], canaries: Canaries
) -> None:
    # Another spelling of the name before the @: the domain is stored in small letters.
    name, _, domain = canaries.pii["email"].partition("@")
    body = {"answers": {"mqs_email": f"{name.upper()}@{domain}"}}
    first = api.patch(f"/copies/{full['id']}/answers", body, Idempotency_Key="shared")
    assert first.status_code == 200
    assert f"{name.upper()}@{domain}" in first.content.decode()

    again = discreet.patch(f"/copies/{full['id']}/answers", body, Idempotency_Key="shared")

    assert find(canaries.pii, again.content) == []


@pytest.mark.parametrize("right", [right for right in Right if right is not Right.REVEAL_SENSITIVE])
def test_no_other_right_reveals(
    right: Right, full: dict[str, Any], harbor_client: ApiClient, canaries: Canaries
) -> None:
    response = Api(harbor_client, [right]).post(
        f"/copies/{full['id']}/reveal",
        {"path": "mqs_owner_ssn", "purpose": "carrier", "reason": "Carrier asks by phone"},
    )

    assert response.status_code == 403
    assert find(canaries.spi, response.content) == []


@pytest.mark.parametrize("name", ["email", "last_name"])
@pytest.mark.parametrize("address", ["/application_forms", "/search"])
@pytest.mark.parametrize("is_indexed", [False, True])
def test_a_search_reveals_no_personal_answers_without_the_right(
    name: str,
    address: str,
    is_indexed: bool,
    api: Api,
    discreet: Api,
    full: dict[str, Any],
    canaries: Canaries,
    harbor: Tenant,
) -> None:
    if is_indexed:
        indexed_words(full, harbor)
        with use_tenant(harbor):
            OutboxAction.objects.all().delete()

    # Letter by letter, matches would reveal the whole answer.
    assert discreet.get(f"{address}?q={canaries.pii[name][:-3]}").json()["results"] == []
    assert len(api.get(f"{address}?q={canaries.pii[name]}").json()["results"]) == 1
