"""The language of a guest's page: chosen by the guest, else the browser's; English for everybody else.

Page models and messages are English: decisions are stored with their messages, and agents read what guests caused. So a
sentence is translated where it is shown, as a whole: first by the catalogue's own translations, then by the product's
(``locale/``), whose texts have places such as ``{count}``. A sentence without a translation stays English.
"""

from __future__ import annotations

import gettext
import json
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header

from presentation.written import Written
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.translations import translations_by_text

ENGLISH: Final = "en"
#: The languages of guests, with their own names.
LANGUAGES: Final = {ENGLISH: "English", "es": "Español"}
COOKIE: Final = "guest_language"
PARAMETER: Final = "language"
_GUESTS: Final = "/guest/"
_YEAR: Final = 365 * 24 * 3600
_DOMAIN: Final = "guest"
#: The context of the texts that scripts show.
_SCRIPTS: Final = "script\x04"
_PLACE: Final = re.compile(r"\\\{(\w+)\\\}")

_SENTENCE_END: Final = re.compile(r"(?<=\.) ")
_DAY: Final = re.compile(r"([A-Z][a-z]{2,8}) (\d{1,2}), (\d{4})")
_DAY_FORMAT: Final = "{month} {day}, {year}"
_NAMES: Final = "names"
#: Places for what people wrote: the name of a business, of an agent with the agency.
_WRITTEN: Final = frozenset({"business", "by"})
_MOST_RELEASES: Final = 64
#: Longer texts are nobody's sentences: their parts are translated one in the other, so a text could end the stack.
_LONGEST: Final = 300

#: The translations of catalogues by text, by release and language.
_by_release: Final[dict[tuple[int, str], Mapping[str, str]]] = {}
_language: ContextVar[str] = ContextVar("guest_language", default=ENGLISH)
_of_catalogue: ContextVar[Mapping[str, str]] = ContextVar("guest_catalogue_words")


class GuestLanguageMiddleware:
    """Responds to guests in their language; ``?language=es`` chooses one and stores it in a cookie."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Process ``request`` in the language of its guest."""
        if not request.path.startswith(_GUESTS):
            return self.get_response(request)
        language = language_of(request)
        chosen, known = _language.set(language), _of_catalogue.set({})
        try:
            response = self.get_response(request)
        finally:
            _language.reset(chosen)
            _of_catalogue.reset(known)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ["Accept-Language", "Cookie"])
        if request.GET.get(PARAMETER) in LANGUAGES:
            secure = settings.SESSION_COOKIE_SECURE
            response.set_cookie(
                COOKIE, language, max_age=_YEAR, path=_GUESTS, secure=secure, httponly=True, samesite="Lax"
            )
        return response


def language_of(request: HttpRequest) -> str:
    """Return the language that the guest chose, now or earlier, else the first of their browser that is known."""
    for chosen in (request.GET.get(PARAMETER, ""), request.COOKIES.get(COOKIE, "")):
        if chosen in LANGUAGES:
            return chosen
    accepted = parse_accept_lang_header(request.headers.get("Accept-Language", ""))
    return next(
        (code for code, _ in ((name.partition("-")[0], q) for name, q in accepted) if code in LANGUAGES), ENGLISH
    )


def current_language() -> str:
    """Return the code of the language of this response."""
    return _language.get()


def use_translations_of(release_id: int, definition: CatalogueDefinition) -> None:
    """Translate by the catalogue of a release from now on, for the rest of this request."""
    if (language := _language.get()) == ENGLISH:
        return
    key = (release_id, language)
    if key not in _by_release:
        if len(_by_release) >= _MOST_RELEASES:
            _by_release.clear()
        _by_release[key] = translations_by_text(definition, language)
    _of_catalogue.set(_by_release[key])


def all_translated(sentences: str) -> str:
    """Return several sentences, each translated by itself."""
    return " ".join(map(translated, _SENTENCE_END.split(sentences)))


def translated(text: str) -> str:
    """Return ``text`` in the language of this response."""
    language = _language.get()
    if language == ENGLISH or not text or isinstance(text, Written):
        return text
    text = str(text)
    return _of_catalogue.get({}).get(text) or _sentence(language, text) or _of_parts(language, text)


def _of_parts(language: str, text: str) -> str:
    """Return ``text`` as a day or by a sentence with places, whose parts are translated too; else as it is."""
    if match := _DAY.fullmatch(text):
        return _sentence(language, _DAY_FORMAT).format(month=translated(match[1]), day=match[2], year=match[3])
    if len(text) > _LONGEST:
        return text
    for pattern, translation in _templates(language):
        if match := pattern.fullmatch(text):
            parts = match.groupdict().items()
            return translation.format(**{name: _part(language, name, part) for name, part in parts})
    return text


def _part(language: str, name: str, part: str) -> str:
    """Return the part of a sentence: a label in the language, what a person wrote as it is; ``names`` is a list."""
    if name in _WRITTEN:
        return part
    if name != _NAMES:
        return translated(part)
    *names, last = map(translated, re.split(r", | and ", part))
    return f"{', '.join(names)} {translated('and')} {last}" if names else last


def script_words() -> str:
    """Return the texts of the scripts with their translations, as JSON; "" in English."""
    return _script_words(_language.get())


@lru_cache(maxsize=4096)
def _sentence(language: str, text: str) -> str:
    """Return the product's translation of ``text``, "" without one."""
    return _phrases(language).get(text, "")


@cache
def _phrases(language: str) -> dict[str, str]:
    folder = settings.BASE_DIR / "locale"
    read = gettext.translation(_DOMAIN, folder, [language], fallback=True)
    return {key: value for key, value in getattr(read, "_catalog", {}).items() if isinstance(key, str) and key}


@cache
def _templates(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Return the sentences with places, the longest first: the most particular one counts."""
    with_places = [
        (text, known)
        for text, known in _phrases(language).items()
        if "{" in text and _SCRIPTS not in text and text != _DAY_FORMAT
    ]
    with_places.sort(key=lambda pair: -len(pair[0]))
    return [(re.compile(_PLACE.sub(r"(?P<\1>.+?)", re.escape(text)), re.DOTALL), known) for text, known in with_places]


@cache
def _script_words(language: str) -> str:
    words = {
        text.removeprefix(_SCRIPTS): known for text, known in _phrases(language).items() if text.startswith(_SCRIPTS)
    }
    return json.dumps(words, ensure_ascii=False) if words else ""
