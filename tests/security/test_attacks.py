"""Attacks by keys, headers, bodies, addresses, pages, the sign-in, the catalogue: no 5xx and no effect."""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
import zstandard
from django.conf import settings
from django.test import Client
from django.urls import reverse

from catalogue.demo import Sample
from catalogue.files import read_catalogue
from copies.codec import MAX_DECODED_BYTES, UnreadableDocument, decode_document
from copies.document import SCHEMA_VERSION
from partner_engine.logging import logging_settings
from rules.definition.faults import CatalogueErrors
from rules.language.checker import pattern_matcher
from rules.types.cleaning import clean
from tenants.models import User
from tests.harness.api_client import Api, assert_problem
from tests.harness.cast import PASSWORD
from tests.harness.edit_scripts import demo_catalogue
from tests.harness.stored_versions import version_of
from tests.harness.tiers import within
from tests.partner_engine.api.test_routes import JSON_WRITES, OF_ONE

pytestmark = pytest.mark.django_db

SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


class _Running(HTMLParser):
    """Collects code in a page that could run without being one of our files."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        handlers = [name for name in given if name.startswith("on") or name in ("style", "srcdoc")]
        leading = [value for value in given.values() if value and value.strip().lower().startswith("javascript:")]
        is_inline = tag == "style" or (tag == "script" and not (given.get("src") or "").startswith("/static/"))
        self.found += [f"{tag} {part}" for part in [*handlers, *leading, *([tag] if is_inline else [])]]


def run_by(page: str) -> list[str]:
    """Return the code in ``page`` that could run."""
    running = _Running()
    running.feed(page)
    return running.found


class TestKeysAndVersions:
    def test_a_key_belongs_to_one_request(self, api: Api, s1: Sample) -> None:
        copy = api.start(s1)
        url, key = f"/copies/{copy['id']}", {"Idempotency_Key": "one"}
        api.patch(f"{url}/answers", {"answers": {"mqs_annual_revenue": 1_000}}, **key)
        after = api.get(url).json()

        refused = [
            api.patch(f"{url}/answers", {"answers": {"mqs_annual_revenue": 2_000}}, **key),
            api.patch(url, {"title": "x"}, **key),
            api.post(f"{url}/lock", {}, **key),
            api.delete(url, **key),
            api.post("/application_forms", {}, **key),
        ]

        for response in refused:
            assert_problem(response, 422, "idempotency_key_reused")
        assert api.get(url).json() == after

    @pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "é", "a\x7f", "\u2028"])
    def test_an_invalid_key(self, key: str, api: Api) -> None:
        assert_problem(api.post("/application_forms", {}, Idempotency_Key=key), 400, "malformed_header")

    @pytest.mark.parametrize(
        "tag",
        ['W/"1"', '""', '"-1"', '"1.0"', '"+1"', '"0"', '"2"', '"99999999999"', '"1e0"', '"²"', "1", '"1', '"1", "2"'],
    )
    def test_an_invalid_version(self, tag: str, api: Api, s1: Sample) -> None:
        copy = api.start(s1)

        response = api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_annual_revenue": 7}}, If_Match=tag)

        assert response.status_code in (400, 412)
        assert api.get(f"/copies/{copy['id']}").json() == copy


#: Fields that a body may have, by its address.
OWN_FIELDS = {
    "POST copies/<id:id>/merge/undo": {"version"},
    "POST copies/<id:id>/revert": {"version"},
    "PATCH copies/<id:id>": {"owner_id"},
    "PATCH application_forms/<id:id>": {"owner_id"},
    "POST application_forms": {"owner_id"},
    "POST application_forms/<id:id>/copies": {"owner_id"},
}


class TestBodies:
    def test_unknown_fields_set_nothing(self, subtests: pytest.Subtests, api: Api, s1: Sample) -> None:
        copy = api.start(s1)

        fields = {"id", "tenant_id", "version", "owner_id", "locked_at", "deleted_at", "eligibility", "release"}
        for row in JSON_WRITES:
            with subtests.test(str(row)):
                unknown = fields - OWN_FIELDS.get(f"{row.method} {row.address}", set())
                body = json.dumps({**json.loads(row.body), **{field: copy.get(field) for field in unknown}}).encode()
                response = api.send(row.method, f"/{row.path(copy['id'])}", body)

                refused = assert_problem(response, 422, "invalid_body")["errors"]
                assert {f"/{field}" for field in unknown} == {fault["pointer"] for fault in refused}
                assert {fault["code"] for fault in refused} == {"unknown_field"}
                assert version_of(copy["id"]) == copy["version"]
        assert api.get(f"/copies/{copy['id']}").json() == copy

    def test_unknown_fields_of_rows_set_nothing(self, api: Api, s1: Sample) -> None:
        copy = api.start(s1)

        for extra in ("active", "readonly", "required", "sealed", "mask", "answered_by"):
            row = {"id": copy["answer_pools"]["locations"][0]["id"], "answers": {}, extra: True}
            response = api.patch(f"/copies/{copy['id']}/answers", {"answer_pools": {"locations": [row]}})
            assert_problem(response, 422, "invalid_answers")
        assert api.get(f"/copies/{copy['id']}").json() == copy

    def test_compressed_bodies_are_not_unpacked(self, subtests: pytest.Subtests, api: Api) -> None:
        bomb = gzip.compress(b'{"title": "' + b"x" * 50_000_000 + b'"}')

        for coding in ("gzip", "deflate", "br"):
            with subtests.test(coding):
                response = api.send("POST", "/application_forms", bomb, Content_Encoding=coding)

                assert response.status_code in (400, 415)

    def test_many_wrong_answers_cost_little(self, api: Api, s1: Sample) -> None:
        copy = api.start(s1)
        body = {"answers": {f"no_such_{number}": 1 for number in range(20_000)}}

        began = time.perf_counter()
        response = api.patch(f"/copies/{copy['id']}/answers", body)

        assert response.status_code == 422
        assert time.perf_counter() - began < within(5)

    def test_a_pool_takes_no_more_rows_than_its_limit(self, api: Api, s1: Sample) -> None:
        copy = api.start(s1)

        response = api.patch(f"/copies/{copy['id']}/answers", {"answer_pools": {"owners": [{}] * 10_000}})

        problem = assert_problem(response, 422, "invalid_answers")
        assert [fault["code"] for fault in problem["errors"]] == ["pool_full"]


class TestAddresses:
    def test_invalid_ids(self, api: Api) -> None:
        for identity in ("..", "%2e%2e", "1", "x" * 36, "%00", "' OR 1=1 --", "{" + "0" * 32 + "}", "-" * 36):
            for row in OF_ONE:
                response = api.send(row.method, f"/{row.path(quote(identity, safe='%'))}", row.body)
                assert_problem(response, 404, "not_found")

    @pytest.mark.parametrize(
        "target",
        [
            "%00",
            "product:%00",
            "../../x",
            "derived:__class__",
            "question:/",
            "question:locations//x",
            "set:",
            "rule:",
            "%F0%9F%98%80",
            "%0d%0aX-Evil:%201",
        ],
    )
    def test_invalid_targets(self, target: str, api: Api, s1: Sample) -> None:
        copy = api.start(s1)

        response = api.get(f"/copies/{copy['id']}/explain?target={target}")

        assert response.json()["type"].rpartition(":")[2] in ("unknown_target", "invalid_query")
        assert "X-Evil" not in response.headers

    @pytest.mark.parametrize(
        "query",
        ["application_forms?q=%00", "application_forms?line=%00", "catalogue?code=%00", "application_forms?owner=%00"],
    )
    def test_nul_in_a_query(self, query: str, api: Api) -> None:
        assert 400 <= api.get(f"/{query}").status_code < 500

    @pytest.mark.parametrize("given", ["a\r\nSet-Cookie: evil=1", "x" * 65, "<script>", "a b", "é", ""])
    def test_an_invalid_correlation_id_is_replaced(self, given: str, api: Api) -> None:
        response = api.get("/me", X_Correlation_ID=given)

        assert re.fullmatch(r"[0-9a-f-]{36}", response["X-Correlation-ID"])
        assert "evil" not in str(response.headers)

    @pytest.mark.parametrize("is_readable", [True, False])
    def test_a_line_of_the_log_is_one_line(self, is_readable: bool, written: Callable[[], str]) -> None:
        Client().get("/nowhere%0a2026-01-01T00:00:00Z%20[info]%20request%20status=200%0d%1b[2K")

        assert logging_settings(is_readable=is_readable, level="INFO")
        assert "nowhere" in written()
        assert not re.search(r"^2026-01-01", written(), re.MULTILINE)
        assert "\x1b" not in written()


class TestPages:
    @pytest.fixture
    def marked(self, api: Api, s1: Sample) -> dict[str, Any]:
        """Return a copy whose texts are scripts."""
        copy = api.start(s1)
        row = copy["answer_pools"]["locations"][0]["id"]
        texts = {"mqs_business_name": SCRIPT, "mqs_first_name": SCRIPT[:60], "mqs_ops_description": SCRIPT}
        pools = {"locations": [{"id": row, "answers": {"mqs_loc_street": SCRIPT}}]}
        assert api.patch(f"/copies/{copy['id']}/answers", {"answers": texts, "answer_pools": pools}).status_code == 200
        assert api.patch(f"/copies/{copy['id']}", {"title": SCRIPT}).status_code == 200
        assert api.post(f"/application_forms/{copy['id']}/copies", {"title": SCRIPT}).status_code == 201
        return copy

    def test_texts_stay_texts(self, marked: dict[str, Any], browser: Client) -> None:
        address = reverse("web:copy", args=[marked["id"]])
        row = f"locations/{marked['answer_pools']['locations'][0]['id']}"
        pages = [
            browser.get("/"),
            browser.get("/", {"q": SCRIPT}),
            browser.get(address),
            browser.get(f"{address}/history"),
            browser.get(f"{address}/row", {"path": row}),
            browser.get(f"{address}/why", {"target": "QM-BOP"}),
            browser.get(f"{address}/industries", {"q": SCRIPT, "for": SCRIPT}),
            browser.post(f"{address}/rows", {"order": "duplicate", "path": row}, headers={"HX-Request": "true"}),
            browser.get(f"/sign-in?next={quote(SCRIPT)}"),
            browser.get(f"/{quote(SCRIPT)}"),
        ]

        for page in pages:
            shown = page.content.decode()
            assert "<script>alert" not in shown
            assert "<img src=x" not in shown
            assert run_by(shown) == [], page.request["PATH_INFO"]
        assert "&lt;script&gt;alert" in pages[2].content.decode()

    def test_staff_read_texts_as_texts(
        self, marked: dict[str, Any], staff: User, sign_in: Callable[[User], Client]
    ) -> None:
        client = sign_in(staff)

        for name in ("admin:copies_copy_changelist", "admin:forms_applicationform_changelist"):
            assert "<script>alert" not in client.get(reverse(name)).content.decode()
        for name in ("admin:copies_copy_change", "admin:forms_applicationform_change"):
            assert "<script>alert" not in client.get(reverse(name, args=[marked["id"]])).content.decode()

    def test_only_our_own_files_run_on_a_page(self, marked: dict[str, Any], browser: Client) -> None:
        for address in ("/", reverse("web:copy", args=[marked["id"]]), "/nowhere"):
            page = browser.get(address)
            policy = page["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert (page["X-Frame-Options"], page["X-Content-Type-Options"]) == ("DENY", "nosniff")
            assert run_by(page.content.decode()) == []

    def test_pages_with_personal_data_are_not_cached(self, marked: dict[str, Any], browser: Client, api: Api) -> None:
        address = reverse("web:copy", args=[marked["id"]])

        for page in ("/", address, f"{address}/history", f"{address}/why?target=QM-BOP"):
            assert "no-store" in browser.get(page)["Cache-Control"], page
        for path in (f"/copies/{marked['id']}", "/application_forms", f"/copies/{marked['id']}/history", "/me"):
            assert "no-store" in api.get(path)["Cache-Control"], path

    @pytest.mark.parametrize(
        "address",
        [
            pytest.param(f"/?page={'9' * 5_000}", id="5,000 digits"),
            "/forms/{id}/row?path=",
            "/forms/{id}/row?path=%00",
            "/forms/{id}/row?path=locations",
            "/?q=%00",
            "/?page=-1",
            "/forms/{id}/row?path=a/b/c/d",
            "/forms/{id}/why?target=%00",
            "/forms/{id}/history?before=99999999999",
            "/forms/{id}/industries?q=%00&for=%00",
        ],
    )
    def test_invalid_addresses(self, address: str, marked: dict[str, Any], browser: Client) -> None:
        assert browser.get(address.format(id=marked["id"])).status_code < 500

    @pytest.mark.parametrize(
        "fields",
        [
            {"order": "put-back", "path": "locations/x"},
            {"order": "put-back", "path": "locations/x", "version": "999999999"},
            {"order": "add", "path": "locations\r\nX-Evil: 1"},
            {"order": "add", "path": "\0"},
            {"order": "add", "path": ""},
            {"order": "duplicate", "path": "/"},
            {"order": "remove", "path": "mqs_email"},
            {"order": "__class__", "path": "x", "version": "٣"},
        ],
        ids=str,
    )
    def test_invalid_orders(self, fields: dict[str, str], marked: dict[str, Any], browser: Client, api: Api) -> None:
        before = api.get(f"/copies/{marked['id']}").json()

        response = browser.post(reverse("web:rows", args=[marked["id"]]), fields, headers={"HX-Request": "true"})

        assert 400 <= response.status_code < 500
        assert "X-Evil" not in response.headers
        assert api.get(f"/copies/{marked['id']}").json() == before

    @pytest.mark.parametrize(
        "given",
        [
            "[" * 100_000,
            '{"a": {}}',
            '{"\\ud800": "x"}',
            "null",
            "",
            '{"mqs_naics": ["\\u0000"]}',
            '{"": "x", "///": "y", "a\\r\\nb": "z"}',
        ],
    )
    def test_invalid_typed_answers(self, given: str, marked: dict[str, Any], browser: Client, api: Api) -> None:
        before = api.get(f"/copies/{marked['id']}").json()

        response = browser.post(
            reverse("web:answers", args=[marked["id"]]), {"answers": given}, headers={"HX-Request": "true"}
        )

        assert response.status_code in (200, 400)
        assert api.get(f"/copies/{marked['id']}").json()["version"] == before["version"]


class TestSignIn:
    def attempt(self, user: str, password: str = "wrong", *, client: Client | None = None, **meta: str) -> Any:
        client = client or Client(raise_request_exception=False)
        return client.post("/sign-in", {"username": user, "password": password}, **meta)

    def test_an_old_session_is_invalid_after_sign_in(self, owner: User) -> None:
        client = Client()
        client.get("/sign-in")
        session = client.session
        session["planted"] = "yes"
        session.save()
        client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key

        self.attempt(owner.email, PASSWORD, client=client)

        assert client.cookies[settings.SESSION_COOKIE_NAME].value != session.session_key
        thief = Client()
        thief.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
        assert thief.get("/").status_code == 302
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")

    @pytest.mark.parametrize(
        "address",
        [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            "/%5cevil.example/..//x\r\n",
        ],
    )
    def test_the_sign_in_redirects_only_to_this_site(self, address: str, owner: User) -> None:
        response = Client().post(
            f"/sign-in?next={quote(address)}", {"username": owner.email, "password": PASSWORD, "next": address}
        )

        assert response.status_code == 302
        assert re.match(r"/(?![/\\])", response["Location"])
        assert "\n" not in response["Location"]

    @pytest.mark.parametrize("name", ["a\0b", "x" * 300 + "@example.com", "' OR 1=1 --", "\u202e"])
    def test_invalid_names(self, name: str) -> None:
        assert self.attempt(name).status_code < 500

    def test_known_and_unknown_people_are_refused_alike(self, owner: User) -> None:
        known, unknown = self.attempt(owner.email), self.attempt("nobody@harbor.example")

        tokens = re.compile(r'value="[^"]*"|[A-Za-z0-9]{64}')
        told = [tokens.sub("", page.content.decode()) for page in (known, unknown)]
        assert told[0] == told[1]
        assert known.status_code == unknown.status_code == 200

    def test_claimed_addresses_give_no_further_attempts(self, owner: User) -> None:
        for number in range(settings.AXES_FAILURE_LIMIT):
            self.attempt(owner.email, HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")

        response = self.attempt(owner.email, PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.99")

        assert response.status_code == 429
        elsewhere = self.attempt(owner.email, PASSWORD, REMOTE_ADDR="198.51.100.7")
        assert elsewhere.status_code == 302

    def test_a_link_does_not_sign_out(self, browser: Client) -> None:
        assert browser.get("/sign-out").status_code == 405
        assert browser.get("/").status_code == 200


class TestBombs:
    """Input that would exhaust memory or time."""

    def test_a_stored_decompression_bomb(self) -> None:
        bomb = zstandard.ZstdCompressor().compress(b"[" + b" " * (MAX_DECODED_BYTES + 1) + b"]")
        nameless = zstandard.ZstdCompressor(write_content_size=False).compress(b" " * (MAX_DECODED_BYTES + 1))

        for packed in (bomb, nameless):
            with pytest.raises(UnreadableDocument):
                decode_document(bytes((SCHEMA_VERSION,)) + packed)

    @pytest.mark.parametrize(
        "text",
        [
            "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n",
            "code: !!python/object/apply:os.system ['true']\n",
            "a: " + "[" * 10_000,
            "? " * 5_000,
            "a: !!binary x\n",
            "a: 1\na: 2\n",
            "\0",
            "- " * 200_000,
        ],
        ids=["aliases", "objects", "depth", "keys", "binary", "twice", "NUL", "lists"],
    )
    def test_an_invalid_catalogue_file(self, text: str) -> None:
        began = time.perf_counter()

        with pytest.raises(CatalogueErrors):
            read_catalogue(text)

        assert time.perf_counter() - began < within(5)

    @pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(.*)*=", "a{0,500}b"])
    def test_a_pattern_runs_in_linear_time(self, pattern: str) -> None:
        matches = pattern_matcher(pattern)

        began = time.process_time()
        matches("a" * 20_000)

        assert time.process_time() - began < within(5)

    @pytest.mark.parametrize(
        "value",
        [
            "1" * 1_000,
            "1," * 400,
            "(" * 900,
            "-" * 1_000,
            "a@" * 400,
            "\u2010" * 1_000,
            " " * 999 + "x",
            "\u0301" * 999,
        ],
    )
    def test_no_value_takes_long_to_clean(self, value: str) -> None:
        catalogue = demo_catalogue()

        for compiled in catalogue.questions.values():
            began = time.process_time()
            try:
                clean(catalogue, compiled.question, value)
            except ValueError:
                pass
            assert time.process_time() - began < 1, compiled.question.code


def test_an_id_does_not_reveal_the_next_one(api: Api, s1: Sample) -> None:
    first, second = (int(api.start(s1)["id"][-12:], 16) for _ in range(2))

    # UUIDv7: time in front, random bits at the end.
    assert (first ^ second).bit_length() > 16
