"""Guests read Spanish: every text of their pages has a translation, and agents' pages stay English."""

from __future__ import annotations

import gettext
import html
import json
import re
from collections.abc import Callable, Iterator
from typing import Final

import polib
import pytest
from django.test import Client, RequestFactory

from catalogue.demo import CATALOGUE_FILE, Sample
from catalogue.files import read_catalogue
from partner_engine import guest_language
from partner_engine.guest_language import language_of, translated
from rules.definition.translations import texts_of, translation_faults
from tenants.models import Tenant, User
from tests.harness.guest_texts import EXEMPT, of_modules, of_scripts, of_templates
from tests.harness.guests import guest_of, issue
from tests.house.test_promises import CHECKOUT

StartForm = Callable[..., str]
SignIn = Callable[[User], Client]

FOLDER: Final = CHECKOUT / "locale" / "es" / "LC_MESSAGES"
_PLACE: Final = re.compile(r"\{(\w*)\}")
#: Equal in both languages, or names that are not translated: of businesses, people, states and cities, numbers.
SAME: Final = re.compile(
    r"[\W\d]*|LLC|VIN|mm/dd/aaaa|Español|English|Alt|Ctrl|Enter|Esc|Shift|Harbor Insurance Partners|.*Bistro.*|.*@.*"
    r"|[\dkMx/]+|[a-z]|Alt\+Z|No"
)


@pytest.fixture(scope="module")
def messages() -> polib.POFile:
    return polib.pofile(str(FOLDER / "guest.po"))


@pytest.fixture
def in_spanish() -> Iterator[None]:
    token = guest_language._language.set("es")
    yield
    guest_language._language.reset(token)


def of_context(messages: polib.POFile, context: str | None) -> dict[str, str]:
    return {entry.msgid: entry.msgstr for entry in messages if entry.msgctxt == context}


def test_every_text_of_templates_and_scripts_has_a_translation(messages: polib.POFile) -> None:
    assert sorted(of_templates() - of_context(messages, None).keys()) == []
    assert sorted(of_scripts() - of_context(messages, "script").keys()) == []
    assert sorted(of_context(messages, "script").keys() - of_scripts()) == []


def test_every_refusal_that_a_guest_can_cause_has_a_translation(messages: polib.POFile) -> None:
    # "at {words} {limit}" is one sentence for each word.
    known = {_PLACE.sub("{}", text) for text in of_context(messages, None)}
    known |= {text.replace(" at least {}", " at {} {}") for text in known}

    missing = {text: at for text, at in of_modules().items() if text not in known and not EXEMPT.search(text)}

    assert missing == {}


def test_translations_have_the_places_of_their_texts_and_are_compiled(messages: polib.POFile) -> None:
    for entry in messages:
        assert entry.msgstr and set(_PLACE.findall(entry.msgstr)) <= set(_PLACE.findall(entry.msgid)), entry.msgid
    compiled = gettext.translation("guest", CHECKOUT / "locale", ["es"])._catalog  # type: ignore[attr-defined]
    written = {f"{e.msgctxt}\x04{e.msgid}" if e.msgctxt else e.msgid: e.msgstr for e in messages}
    assert {key: value for key, value in compiled.items() if key} == written, "run `make messages`"


@pytest.mark.parametrize(
    ("english", "spanish"),
    [
        ("Saved", "Guardado"),
        ("3 needed", "faltan 3"),
        ("Must not be before June 1, 2026.", "No puede ser antes del 1 de junio de 2026."),
        ("Robin, Harbor, asks you about Bistro", "Robin, Harbor, le pregunta sobre Bistro"),
        ("about 3 minutes", "unos 3 minutos"),
        ("Answers, Steps and 2 more appeared.", "Apareció: Respuestas, Pasos y 2 más."),
        ("Nobody translated this.", "Nobody translated this."),
    ],
)
def test_sentences_are_translated_with_their_parts(in_spanish: None, english: str, spanish: str) -> None:
    assert translated(english) == spanish


def test_a_long_text_is_no_sentence_and_ends_no_stack(in_spanish: None) -> None:
    text = f"{'Add ' * 2_000}x"

    assert translated(text) == text


def test_without_a_guests_choice_nothing_is_translated() -> None:
    assert translated("Saved") == "Saved"


@pytest.mark.parametrize(
    ("query", "cookie", "header", "language"),
    [
        ("", "", "", "en"),
        ("", "", "es-MX,es;q=0.9,en;q=0.8", "es"),
        ("", "", "fr,en;q=0.5,es;q=0.4", "en"),
        ("", "en", "es", "en"),
        ("es", "en", "en", "es"),
        ("xx", "zz", "es", "es"),
        ("", "", "*;q=x,,\x80", "en"),
    ],
)
def test_the_language_is_the_chosen_one_else_the_browsers(query: str, cookie: str, header: str, language: str) -> None:
    request = RequestFactory().get(
        "/guest/1", {"language": query} if query else {}, headers={"Accept-Language": header}
    )
    request.COOKIES |= {"guest_language": cookie} if cookie else {}

    assert language_of(request) == language


def shown_in(page: str) -> list[str]:
    """Return the texts of a page that people read, also those of attributes."""
    body = re.sub(r"<(style|script)\b.*?</\1>", "", page.partition("<body")[2].partition(">")[2], flags=re.DOTALL)
    attributes = re.findall(r'(?:aria-label|title|placeholder|data-ended)="([^"]+)"', body)
    # Names and texts of people keep their direction in these.
    body = re.sub(r"<bdi>.*?</bdi>|<(\w+)[^>]* dir=\"auto\"[^>]*>[^<]*</\1>", "", body, flags=re.DOTALL)
    texts = re.sub(r"<[^>]*>", "\x00", body).split("\x00")
    return [" ".join(html.unescape(text).split()) for text in [*texts, *attributes] if text.strip()]


@pytest.mark.django_db
class TestPages:
    def test_a_guest_reads_no_english(self, start_form: StartForm, s1: Sample, harbor: Tenant) -> None:
        copy_id = start_form(s1.answers, s1.answer_pools, as_of=s1.as_of)
        guest, _ = guest_of(harbor, copy_id)
        english = guest.get(f"/guest/{copy_id}/form").content.decode()

        page = guest.get(f"/guest/{copy_id}/form", {"language": "es"})
        spanish = page.content.decode()

        assert '<html lang="en"' in english and '<html lang="es"' in spanish
        assert (page["Content-Language"], "Accept-Language" in page["Vary"]) == ("es", True)
        definition = read_catalogue(CATALOGUE_FILE)
        states = {text for key, text in texts_of(definition).items() if key.startswith("states.")}
        # The texts of packages are those of their carriers.
        carriers = {found.label for part in definition.question_sets for found in part.questions if found.products}
        typed = {str(value) for value in s1.answers.values()} | states | carriers
        same = {text for text in set(shown_in(english)) & set(shown_in(spanish)) if not SAME.fullmatch(text)}
        assert sorted(same - typed) == [], "\n".join(sorted(same - typed))
        assert "Nombre legal del negocio" in spanish

    def test_the_choice_lasts_and_is_the_guests_alone(
        self, start_form: StartForm, harbor: Tenant, owner: User, sign_in: SignIn
    ) -> None:
        copy_id = start_form()
        guest, _ = guest_of(harbor, copy_id)
        cookie = guest.get(f"/guest/{copy_id}/form?language=es").cookies["guest_language"]

        later = guest.get(f"/guest/{copy_id}/form", headers={"Accept-Language": "en"}).content.decode()
        agents = sign_in(owner).get(f"/forms/{copy_id}", {"language": "es"}, headers={"Accept-Language": "es"})

        assert (cookie.value, cookie["path"], cookie["httponly"]) == ("es", "/guest/", True)
        assert 'lang="es"' in later and 'href="?language=en"' in later
        assert '<html lang="en"' in agents.content.decode() and "Nombre legal" not in agents.content.decode()
        assert not agents.headers.get("Content-Language")

    def test_a_refused_answer_says_why_in_spanish(self, start_form: StartForm, harbor: Tenant) -> None:
        copy_id = start_form()
        guest, _ = guest_of(harbor, copy_id)
        headers = {"HX-Request": "true", "X-Copy-Version": "3", "Accept-Language": "es"}
        typed = {"mqs_year_started": "last year", "mqs_business_name": "Casa Azul"}

        response = guest.post(f"/guest/{copy_id}/answers", {"answers": json.dumps(typed)}, headers=headers)

        details = json.loads(response["HX-Trigger"])
        (fault,) = details["answers-taken"]["faults"]
        assert fault["text"] == "Escriba un año de cuatro dígitos, como 1998."
        assert details["copy-saved"]["said"].startswith("Guardado.")

    def test_a_typed_text_is_never_translated(self, start_form: StartForm, harbor: Tenant) -> None:
        copy_id = start_form()
        guest, _ = guest_of(harbor, copy_id)
        headers = {"HX-Request": "true", "X-Copy-Version": "3", "Accept-Language": "es"}
        typed = {"mqs_business_name": " Yes ", "mqs_mail_state": "TX"}

        response = guest.post(f"/guest/{copy_id}/answers", {"answers": json.dumps(typed)}, headers=headers)

        assert json.loads(response["HX-Trigger"])["answers-taken"]["texts"]["mqs_business_name"] == "Yes"

    @pytest.mark.parametrize("name", ["Saved", "Add Value", "3 needed", "Other", "Yes", "about 3 minutes"])
    def test_what_a_person_wrote_stays_as_it_is(self, start_form: StartForm, harbor: Tenant, name: str) -> None:
        copy_id = start_form({"mqs_business_name": name}, {"owners": [{"answers": {"mqs_own_name": name}}]})
        guest, _ = guest_of(harbor, copy_id)
        sent = {"answers": json.dumps({"mqs_business_name": f" {name}"})}
        headers = {"HX-Request": "true", "X-Copy-Version": "3", "Accept-Language": "es"}

        page = guest.get(f"/guest/{copy_id}/form", headers={"Accept-Language": "es"}).content.decode()
        saved = guest.post(f"/guest/{copy_id}/answers", sent, headers=headers)

        assert re.search(rf'<h1 id="insured"[^>]*>{name}</h1>', page)
        assert f"sobre {name}" in page
        assert json.loads(saved["HX-Trigger"])["answers-taken"]["texts"].get("mqs_business_name", name) == name

    def test_the_page_behind_a_link_and_its_refusals_are_spanish(self, start_form: StartForm, harbor: Tenant) -> None:
        copy_id = start_form()
        _, secret = issue(harbor, copy_id)
        visitor = Client(headers={"Accept-Language": "es"})

        page = visitor.get(f"/guest/{copy_id}").content.decode()
        asks = visitor.post(f"/guest/{copy_id}", {"secret": secret, "look": "1"}).json()
        refused = visitor.post(f"/guest/{copy_id}", {"secret": "wrong", "look": "1"})
        part = visitor.get(f"/guest/{copy_id}/form", headers={"HX-Request": "true"})

        assert "Le pidieron que llene una solicitud" in page and "data-words=" in page
        assert "le pide respuestas" in asks["title"]
        assert refused.content.decode() == "Este enlace ya no es válido. Pida uno nuevo a su agente."
        assert part["X-Problem"] == "Este enlace ya no es v%C3%A1lido. Pida uno nuevo a su agente."


def test_translations_of_a_catalogue_name_texts_that_exist() -> None:
    definition = read_catalogue(CATALOGUE_FILE)
    wrong = {"translations": {"es": {"mqs_fein.lable": "x", "states.XX": "x"}, "Spanish": {}}}

    faults = list(translation_faults(definition.__class__(**{**as_fields(definition), **wrong})))

    assert list(translation_faults(definition)) == []
    assert {fault.where for fault in faults} == {
        "translations[es][mqs_fein.lable]",
        "translations[es][states.XX]",
        "translations[Spanish]",
    }
    assert "mqs_fein.label" in next(fault.remedy for fault in faults if "fein" in fault.where)


def as_fields(definition: object) -> dict[str, object]:
    return {name: getattr(definition, name) for name in definition.__struct_fields__}  # type: ignore[attr-defined]
