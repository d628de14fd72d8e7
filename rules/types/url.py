"""The type ``url``: a web address at a domain; without a scheme, ``https://`` is added. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

import idna

from rules.language import kinds
from rules.types.question_type import QuestionType
from rules.types.text_input import LINE_LENGTH, InvalidValue, typed_cleaner

_DOMAIN: Final = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?![0-9])")


def read_url(text: str) -> str:
    """Return a web address with its scheme and its domain in small letters. Raises ``InvalidValue``."""
    if text.startswith("//"):
        text = f"https:{text}"
    parts = _split(text if _SCHEME.match(text) else f"https://{text}")
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or "\\" in text or re.search(r"\s", text):
        raise _invalid()
    host, port = _host(parts.hostname or ""), parts.port
    return parts._replace(netloc=host if port is None else f"{host}:{port}").geturl()


def is_url(text: str, allow_test: bool = False) -> bool:
    """Return whether ``text`` is an HTTP or HTTPS address at a domain."""
    try:
        read_url(text)
    except InvalidValue:
        return False
    return True


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port, parts.hostname
    except ValueError as error:
        raise _invalid() from error
    if parts.port == 0:
        raise _invalid()
    return parts


def _host(host: str) -> str:
    """Return a domain in small letters, with the letters of its language, without the period of its root."""
    bare = host.removesuffix(".")
    try:
        ascii_form = bare if bare.isascii() else idna.encode(bare, uts46=True).decode("ascii")
        shown = idna.decode(ascii_form) if "xn--" in ascii_form.lower() else ascii_form
    except idna.IDNAError as error:
        raise _invalid() from error
    if not _DOMAIN.fullmatch(ascii_form.lower()):
        raise _invalid()
    return shown.lower()


def _invalid() -> InvalidValue:
    return InvalidValue("url", "Enter a web address such as https://example.com.")


URL: Final = QuestionType(
    code="url",
    kind=kinds.TEXT,
    cleaner=typed_cleaner(read_url),
    max_length=LINE_LENGTH,
    input_mode="url",
)
