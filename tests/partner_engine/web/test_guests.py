"""Guests: a link opens once, for one browser and one copy; a guest's view, answers, and completion."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from structlog.testing import capture_logs

from actions.models import OutboxAction
from batch import service as batch
from batch.changes.mutators.guest_links import hash_of
from batch.context import BatchContext
from catalogue.demo import Sample
from forms.models import GuestLink
from guests.service import access_guest
from partner_engine.web.visitors import Visitor
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import Tenant, User
from tests.harness.api_client import Api
from tests.harness.guests import DEVICE, follow, guest_of, issue, let_expire, revoke

pytestmark = pytest.mark.django_db

StartForm = Callable[..., str]
Read = Callable[[str], BatchContext]
OVER = "This link is no longer valid. Ask your agent for a new one."


@pytest.fixture
def copy_id(start_form: StartForm) -> str:
    """Return an empty form's copy, the owner's."""
    return start_form()


def part(client: Client, copy_id: str, name: str, values: dict[str, Any] | None = None, version: int = 1) -> Any:
    """Request a part of the guest's page as its scripts do."""
    headers = {"HX-Request": "true", "X-Copy-Version": str(version)}
    ask = client.get if values is None else client.post
    return ask(f"/guest/{copy_id}/{name}", values or {}, headers=headers)


def answer(client: Client, copy_id: str, given: dict[str, object], version: int = 1) -> HttpResponse:
    response = part(client, copy_id, "answers", {"answers": json.dumps(given)}, version)
    assert response.status_code == 200, response.headers
    return response


class TestOpening:
    def test_opening_the_page_does_not_use_the_link(self, harbor: Tenant, copy_id: str, read: Read) -> None:
        _, secret = issue(harbor, copy_id)

        looks = [
            Client().get(f"/guest/{copy_id}"),
            Client().head(f"/guest/{copy_id}"),
            Client().get(f"/guest/{copy_id}"),
        ]

        assert [look.status_code for look in looks] == [200, 200, 200]
        assert {look["Referrer-Policy"] for look in looks} == {"no-referrer"}
        assert {look["Cache-Control"] for look in looks} == {"no-store"}
        assert read(copy_id).version == 2
        assert follow(Client(), copy_id, secret).status_code == 200

    def test_the_page_reveals_nothing_of_the_copy_or_the_link(self, harbor: Tenant, copy_id: str) -> None:
        issue(harbor, copy_id, name="Gus Guest")

        def shown(identity: object) -> str:
            page = Client().get(f"/guest/{identity}").content.decode()
            return re.sub(r'value="[^"]*"|X-CSRFToken": "[^"]*"', "", page).replace(str(identity), "")

        assert shown(copy_id) == shown(uuid4())

    def test_it_opens_a_session_for_only_this_copys_pages_and_socket(self, harbor: Tenant, copy_id: str) -> None:
        _, secret = issue(harbor, copy_id)

        response = follow(Client(), copy_id, secret)

        assert (response.status_code, response.content.decode()) == (200, f"/guest/{copy_id}/form")
        assert {name: morsel["path"] for name, morsel in response.cookies.items()} == {
            "guest": f"/guest/{copy_id}",
            "guest_socket": f"/ws/copies/{copy_id}/",
        }
        for morsel in response.cookies.values():
            assert (morsel["httponly"], morsel["samesite"]) == (True, "Lax")
            assert 6.9 * 86_400 < morsel["max-age"] <= 7 * 86_400
            assert morsel.value != secret

    def test_cookies_are_sent_only_over_https_in_production(self, harbor: Tenant, copy_id: str, settings: Any) -> None:
        settings.SESSION_COOKIE_SECURE = True
        _, secret = issue(harbor, copy_id)

        cookies = follow(Client(), copy_id, secret).cookies

        assert [bool(morsel["secure"]) for morsel in cookies.values()] == [True, True]

    def test_it_opens_once_and_again_only_for_the_same_page(self, harbor: Tenant, copy_id: str) -> None:
        _, secret = issue(harbor, copy_id)
        first = follow(Client(), copy_id, secret)

        # The response was lost in transit, or the button was pressed twice.
        again = follow(Client(), copy_id, secret)
        elsewhere = follow(Client(), copy_id, secret, device="a-page-of-another-browser")

        assert (again.status_code, again.cookies["guest"].value) == (200, first.cookies["guest"].value)
        assert (elsewhere.status_code, elsewhere.content.decode(), len(elsewhere.cookies)) == (403, OVER, 0)

    def test_a_guest_with_a_session_is_redirected_to_the_form(self, harbor: Tenant, copy_id: str) -> None:
        client, _ = guest_of(harbor, copy_id)

        response = client.get(f"/guest/{copy_id}")

        assert (response.status_code, response["Location"]) == (302, f"/guest/{copy_id}/form")
        assert response["Referrer-Policy"] == "no-referrer"

    def test_every_invalid_link_is_refused_alike(self, harbor: Tenant, copy_id: str, start_form: StartForm) -> None:
        other = start_form()
        ended_id, ended = issue(harbor, copy_id)
        revoke(harbor, copy_id, ended_id)
        over_id, over = issue(harbor, copy_id)
        let_expire(harbor, over_id)
        _, of_another_copy = issue(harbor, other)
        version = batch.find(
            copy_id, scope=harbor, actor=User(full_name="x", role="agent").as_actor(source="web")
        ).version

        refused = [
            follow(Client(REMOTE_ADDR=f"192.0.2.{number}"), where, secret)
            for number, (where, secret) in enumerate(
                [(copy_id, ended), (copy_id, over), (copy_id, of_another_copy), (copy_id, ""), (copy_id, "guess")]
                + [(uuid4(), ended)]
            )
        ]

        assert {(response.status_code, response.content.decode()) for response in refused} == {(403, OVER)}
        assert not any(response.cookies for response in refused)
        after = batch.find(copy_id, scope=harbor, actor=User(full_name="x", role="agent").as_actor(source="web"))
        assert after.version == version
        with use_tenant(harbor):
            assert not GuestLink.objects.exclude(exchanged_at=None).exists()

    @pytest.mark.parametrize("device", ["", "short", "x" * 101])
    def test_a_page_without_its_name_is_refused(self, device: str, harbor: Tenant, copy_id: str) -> None:
        _, secret = issue(harbor, copy_id)

        assert follow(Client(), copy_id, secret, device=device).status_code == 400
        assert follow(Client(), copy_id, secret).status_code == 200

    @pytest.mark.parametrize("secret", ["\0", "\ud800", "é" * 40, "x" * 100])
    def test_garbage_is_refused(self, secret: str, copy_id: str) -> None:
        body = b"device=" + DEVICE.encode() + b"&secret=" + secret.encode(errors="surrogatepass")

        response = Client().post(f"/guest/{copy_id}", body, content_type="application/x-www-form-urlencoded")

        assert response.status_code == 403

    def test_on_a_locked_copy_it_stays_unopened(self, harbor: Tenant, copy_id: str, owner: User) -> None:
        _, secret = issue(harbor, copy_id)
        with batch.find_and_lock(copy_id, scope=harbor, actor=owner.as_actor(source="web")) as context:
            context.changeset.copy.lock(reason="Looks like fraud")
            context.save()

        refused = follow(Client(), copy_id, secret)
        with batch.find_and_lock(copy_id, scope=harbor, actor=owner.as_actor(source="web")) as context:
            context.changeset.copy.unlock()
            context.save()

        # Who locked it and why is for colleagues.
        assert (refused.status_code, refused.content.decode()) == (423, "This copy is locked. Unlock it first.")
        client = Client()
        assert follow(client, copy_id, secret).status_code == 200
        with batch.find_and_lock(copy_id, scope=harbor, actor=owner.as_actor(source="web")) as context:
            context.changeset.copy.lock(reason="Looks like fraud")
            context.save()
        late = part(client, copy_id, "answers", {"answers": json.dumps({"mqs_annual_revenue": "5"})})
        assert (late.status_code, late["X-Problem"]) == (423, "This copy is locked. Unlock it first.")

    def test_it_needs_the_token_of_its_page(self, harbor: Tenant, copy_id: str) -> None:
        _, secret = issue(harbor, copy_id)

        assert follow(Client(enforce_csrf_checks=True), copy_id, secret).status_code == 403
        assert follow(Client(), copy_id, secret).status_code == 200


class TestGuessing:
    def test_the_sixth_guess_is_refused_even_if_right(self, harbor: Tenant, copy_id: str) -> None:
        _, secret = issue(harbor, copy_id)
        assert [follow(Client(), copy_id, f"guess {n}").status_code for n in range(5)] == [403] * 5

        with capture_logs() as logs:
            refused = follow(Client(), copy_id, secret)

        assert (refused.status_code, int(refused["Retry-After"]) > 0) == (429, True)
        assert [entry["event"] for entry in logs if entry["event"].startswith("audit.")] == [
            "audit.guest_link_guesses_refused"
        ]

    def test_a_stranger_does_not_block_others(self, harbor: Tenant, copy_id: str, start_form: StartForm) -> None:
        _, secret = issue(harbor, copy_id)
        other = start_form()
        _, others_secret = issue(harbor, other)
        for number in range(6):
            follow(Client(), copy_id, "guess", REMOTE_ADDR="198.51.100.9", HTTP_X_FORWARDED_FOR=f"192.0.2.{number}")

        assert follow(Client(), copy_id, secret, REMOTE_ADDR="198.51.100.9").status_code == 429
        assert follow(Client(), copy_id, secret).status_code == 200
        assert follow(Client(), other, others_secret, REMOTE_ADDR="198.51.100.9").status_code == 200


class TestTheForm:
    def test_the_guests_form_lacks_the_agents_parts(self, harbor: Tenant, api: Api, s1: Sample) -> None:
        copy = api.start(s1)
        api.patch(f"/copies/{copy['id']}", {"title": "Inner name"})
        api.post(f"/application_forms/{copy['id']}/copies", {"title": "Higher limit"})
        client, _ = guest_of(harbor, copy["id"], name="Gus")

        response = client.get(f"/guest/{copy['id']}/form")

        page = response.content.decode()
        assert response.status_code == 200
        assert (response["Referrer-Policy"], response["Cache-Control"]) == ("no-referrer", "no-store")
        assert "Copper Kettle Bistro LLC" in page and "Gus (guest)" in page
        for code in (
            "QM-BOP",
            "Quillmark",
            "$2,",
            ">History<",
            "Higher limit",
            "Inner name",
            "Guest links",
            "/forms/",
            "data-search",
        ):
            assert code not in page, code
        assert 'data-socket="/ws/copies/' in page and "?as=guest" in page

    def test_parts_reveal_no_products_either(self, harbor: Tenant, api: Api, s1: Sample) -> None:
        copy = api.start(s1)
        client, _ = guest_of(harbor, copy["id"])

        saved = answer(client, copy["id"], {"mqs_gl_liquor_pct": "35"}, version=1)
        followed = part(client, copy["id"], "parts", version=2)

        for response in (saved, followed):
            told = response.content.decode() + response["HX-Trigger"]
            assert "Quillmark" not in told and "QM-BOP" not in told and "declined" not in told

    def test_an_answer_is_recorded_as_the_guests(self, harbor: Tenant, copy_id: str, read: Read) -> None:
        client, link_id = guest_of(harbor, copy_id, name="Gus")

        answer(client, copy_id, {"mqs_business_name": "Copper Kettle"})

        context = read(copy_id)
        given = context.read_only_changeset().document.answers["mqs_business_name"]
        assert (given.value, given.answered_by.type, given.answered_by.id) == ("Copper Kettle", "guest", str(link_id))
        assert given.answered_by.source == "web"
        assert context.copy.last_touched_by_user_at is not None

    def test_rows_are_added_and_the_guests_own_removal_is_undone(
        self, harbor: Tenant, copy_id: str, read: Read
    ) -> None:
        client, _ = guest_of(harbor, copy_id)
        answer(client, copy_id, {"mqs_lobs": ["bop"]}, version=3)
        part(client, copy_id, "rows", {"order": "add", "path": "locations"}, 4)
        before = read(copy_id)
        row = before.read_only_changeset().document.answer_pools["locations"][-1].id
        answer(client, copy_id, {f"locations/{row}/mqs_loc_state": "TX"}, before.version)
        version = read(copy_id).version
        path = f"locations/{row}"

        assert part(client, copy_id, "rows", {"order": "remove", "path": path}, version).status_code == 200
        order = {"order": "put-back", "path": path, "version": str(version)}
        assert part(client, copy_id, "rows", order, version + 1).status_code == 200

        rows = read(copy_id).read_only_changeset().document.answer_pools["locations"]
        assert [found.answers["mqs_loc_state"].value for found in rows if found.id == row] == ["TX"]

    def test_a_guest_does_not_restore_a_row_that_an_agent_removed(
        self, harbor: Tenant, api: Api, s1: Sample, read: Read
    ) -> None:
        copy = api.start(s1)
        client, _ = guest_of(harbor, copy["id"])
        row = copy["answer_pools"]["locations"][0]["id"]
        version = api.get(f"/copies/{copy['id']}").json()["version"]
        api.patch(f"/copies/{copy['id']}/answers", {"answer_pools": {"locations": [{"id": row, "delete": True}]}})

        for told in (version, 1):
            order = {"order": "put-back", "path": f"locations/{row}", "version": str(told)}
            assert part(client, copy["id"], "rows", order, version + 1).status_code == 422
        assert api.get(f"/copies/{copy['id']}").json()["version"] == version + 1

    def test_personal_answers_of_others_are_masked_and_sensitive_ones_always(
        self, harbor: Tenant, owner: User, start_form: StartForm
    ) -> None:
        copy_id = start_form({"mqs_first_name": "Petronella", "mqs_legal_entity": "llc", "mqs_fein": "12-3456789"})
        client, _ = guest_of(harbor, copy_id)
        other, _ = guest_of(harbor, copy_id)
        answer(client, copy_id, {"mqs_last_name": "Quibbleworth", "mqs_fein": "98-7654321"}, version=4)

        own, others = (found.get(f"/guest/{copy_id}/form").content.decode() for found in (client, other))

        assert "Petronella" not in own and "Petronella" not in others
        assert "Quibbleworth" in own
        assert "Quibbleworth" not in others
        for page in (own, others):
            assert "7654321" not in page.replace("-", "") and "3456789" not in page.replace("-", "")

    def test_a_deleted_copy_leads_to_no_other(self, harbor: Tenant, api: Api, s1: Sample) -> None:
        copy = api.start(s1)
        other = api.post(f"/application_forms/{copy['id']}/copies", {"title": "x"}).json()
        client, _ = guest_of(harbor, copy["id"])
        assert api.post(f"/copies/{other['id']}/make_base").status_code == 200
        other = api.get(f"/copies/{other['id']}").json()
        assert api.delete(f"/copies/{copy['id']}").status_code == 204

        # The default copy's id is the form's too, which means the other copy now.
        assert client.get(f"/guest/{copy['id']}/form").status_code == 404
        assert part(client, copy["id"], "parts").status_code == 404
        assert part(client, copy["id"], "answers", {"answers": '{"mqs_mail_city": "Waco"}'}).status_code == 404
        assert part(client, copy["id"], "done", {}).status_code in (404, 422)
        assert api.get(f"/copies/{other['id']}").json() == other

    @pytest.mark.parametrize("end", [revoke, lambda tenant, copy_id, link_id: let_expire(tenant, link_id)])
    def test_the_next_request_after_the_end_is_refused(
        self, end: Callable[..., None], harbor: Tenant, copy_id: str, read: Read
    ) -> None:
        client, link_id = guest_of(harbor, copy_id)
        kept, _ = guest_of(harbor, copy_id)
        end(harbor, copy_id, link_id)
        version = read(copy_id).version

        page = client.get(f"/guest/{copy_id}/form")
        saved = part(client, copy_id, "answers", {"answers": '{"mqs_mail_city": "Waco"}'})

        assert (page.status_code, page["Location"]) == (302, f"/guest/{copy_id}")
        assert (saved.status_code, saved["X-Problem"]) == (401, OVER)
        assert "Your link is no longer valid" in client.get(f"/guest/{copy_id}").content.decode()
        assert read(copy_id).version == version
        assert kept.get(f"/guest/{copy_id}/form").status_code == 200

    def test_a_session_of_a_guest_is_looked_up_with_a_bounded_number_of_queries(
        self, harbor: Tenant, copy_id: str, django_assert_max_num_queries: Any
    ) -> None:
        client, _ = guest_of(harbor, copy_id)
        client.get(f"/guest/{copy_id}/form")

        # The tenant, the link, its last visit, and the copy.
        with django_assert_max_num_queries(4):
            client.get(f"/guest/{copy_id}/form")

    def test_a_visit_is_recorded_once_a_minute_and_is_no_change(self, harbor: Tenant, copy_id: str, read: Read) -> None:
        client, link_id = guest_of(harbor, copy_id)
        version = read(copy_id).version
        seen = []
        for _ in range(2):
            client.get(f"/guest/{copy_id}/form")
            with use_tenant(harbor):
                seen.append(GuestLink.objects.get(pk=link_id).seen_at)
        answer(client, copy_id, {"mqs_mail_city": "Waco"}, version)

        with use_tenant(harbor):
            seen.append(GuestLink.objects.get(pk=link_id).seen_at)
        assert seen[0] is not None and len({*seen}) == 1
        assert read(copy_id).version == version + 1


class TestDone:
    def asked(self, harbor: Tenant) -> list[str]:
        with use_tenant(harbor):
            return list(OutboxAction.objects.values_list("kind", flat=True))

    def test_it_works_although_answers_are_missing_and_says_what_is_left(
        self, harbor: Tenant, copy_id: str, read: Read, api: Api
    ) -> None:
        client, link_id = guest_of(harbor, copy_id)

        response = part(client, copy_id, "done", {}, read(copy_id).version)

        assert response.status_code == 204
        assert "send_guest_completion_mail" in self.asked(harbor)
        page = client.get(f"/guest/{copy_id}/form").content.decode()
        assert "Your agent will see to what is left" in page and 'data-go="mqs_business_name"' in page
        report = api.get(f"/copies/{copy_id}/guest_links/{link_id}").json()
        assert report["state"] == "finished"
        assert report["missing"] == list(read(copy_id).evaluation.needed.quote)

    def test_the_owner_is_notified_once(self, harbor: Tenant, owner: User, api: Api, s1: Sample) -> None:
        with batch.build_context(scope=harbor, actor=owner.as_actor(source="web"), as_of=s1.as_of) as context:
            context.changeset.apply_answers(s1.answers, s1.answer_pools)
            context.save()
            copy_id = str(context.copy.id)
        client, link_id = guest_of(harbor, copy_id)
        assert api.get(f"/copies/{copy_id}/needed").json()["needed"]["quote"] == []
        assert "I am done" in client.get(f"/guest/{copy_id}/form").content.decode()

        answers = [part(client, copy_id, "done", {}) for _ in range(2)]

        assert [found.status_code for found in answers] == [204, 204]
        assert self.asked(harbor).count("send_guest_completion_mail") == 1
        with use_tenant(harbor):
            events = [
                action.payload.get("event_type") for action in OutboxAction.objects.filter(kind="publish_webhook")
            ]
            assert GuestLink.objects.get(pk=link_id).finished_at is not None
        assert events.count("guest_link.finished") == 1
        assert "Thank you" in client.get(f"/guest/{copy_id}/form").content.decode()
        [link] = api.get(f"/copies/{copy_id}/guest_links").json()["results"]
        assert link["state"] == "finished"

    def test_a_form_without_an_owner_is_published_and_no_mail_fails(self, harbor: Tenant, api: Api, s1: Sample) -> None:
        copy = api.start(s1)
        client, _ = guest_of(harbor, copy["id"])

        assert part(client, copy["id"], "done", {}).status_code == 204

        assert "send_guest_completion_mail" not in self.asked(harbor)


class TestSecrets:
    """The whole database, or all logs, give no access."""

    def test_no_stored_value_gives_access(self, harbor: Tenant, copy_id: str) -> None:
        _, unopened = issue(harbor, copy_id)
        client, link_id = guest_of(harbor, copy_id)
        session = client.cookies["guest"].value
        client.get(f"/guest/{copy_id}/form")

        stored = everything_stored()

        assert str(link_id) in stored
        assert unopened not in stored and session not in stored
        words = {*re.findall(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])", stored)}
        assert {hash_of(unopened), hash_of(session)} <= words
        for word in words:
            thief = Client(REMOTE_ADDR=f"192.0.2.{len(word)}")
            thief.cookies["guest"] = word
            assert thief.get(f"/guest/{copy_id}/form").status_code == 302
            assert follow(Client(REMOTE_ADDR=word[:15]), copy_id, word).status_code == 403

    def test_a_stored_secret_would_be_detected(self, harbor: Tenant, copy_id: str, monkeypatch: Any) -> None:
        monkeypatch.setattr("batch.changes.mutators.guest_links.hash_of", lambda secret: secret)

        _, secret = issue(harbor, copy_id)

        assert secret in everything_stored()

    def test_no_log_and_no_address_contains_a_secret(self, harbor: Tenant, copy_id: str) -> None:
        link_id, secret = issue(harbor, copy_id)
        client = Client()
        with capture_logs() as logs:
            opened = follow(client, copy_id, secret)
            client.get(opened.content.decode())
            part(client, copy_id, "answers", {"answers": '{"mqs_mail_city": "Waco"}'}, 3)
            follow(Client(), copy_id, secret, device="a-page-of-another-browser")

        assert any(entry.get("link") == str(link_id) for entry in logs)
        told = str(logs)
        assert secret not in told and client.cookies["guest"].value not in told and DEVICE not in told
        assert secret not in opened.content.decode() + str(opened.headers)


class TestSabotage:
    """The tests above must detect a product without one of its parts."""

    def test_a_session_without_its_copy_opens_another(
        self, harbor: Tenant, copy_id: str, start_form: StartForm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client, _ = guest_of(harbor, copy_id)
        other = start_form()
        assert client.get(f"/guest/{other}/form").status_code == 302
        monkeypatch.setattr(
            "partner_engine.web.access.access_guest", lambda _, session: access_guest(UUID(copy_id), session)
        )
        monkeypatch.setattr(Visitor, "_require_own", lambda self, context: context)

        assert client.get(f"/guest/{other}/form").status_code == 200

    def test_a_guest_by_a_forms_id_finds_another_copy(
        self, harbor: Tenant, api: Api, s1: Sample, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        copy = api.start(s1)
        api.post(f"/application_forms/{copy['id']}/copies", {"title": "x"})
        client, _ = guest_of(harbor, copy["id"])
        api.delete(f"/copies/{copy['id']}")
        monkeypatch.setattr(Visitor, "_require_own", lambda self, context: context)

        assert client.get(f"/guest/{copy['id']}/form").status_code == 200


def everything_stored() -> str:
    """Return all rows of all tables as text."""
    found = []
    with across_tenants(using="default"), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608 - the catalogue's own names
            found += [row for (row,) in cursor.fetchall()]
    return "\n".join(found)
