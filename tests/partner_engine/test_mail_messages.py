"""All mails at once: a text with the same as HTML, from the tenant, without images, scripts and foreign links."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from partner_engine.mail_messages import Block, blocks_of, build_mail, sender_of
from tenants.models import Tenant, User
from tests.house.test_promises import CHECKOUT, tracked_files

MAILS: Final = sorted((CHECKOUT / "templates" / "mails").glob("*.txt"))
HOSTILE: Final = '<b onclick="x">Paws & "Claws"</b>'
ADDRESS: Final = "https://engine.example/forms/1?a=1&b=2"
TENANT: Final = Tenant(code="paws", name="Paws, Claws & Partners\r\nBcc: x@y.example", email="office@paws.example")
ID: Final = UUID(int=7)
FACTS: Final[dict[str, Any]] = {
    **dict.fromkeys(("guest", "name", "title", "owner", "product", "asked_by", "change", "reason"), HOSTILE),
    **{"address": ADDRESS, "email": "ona@paws.example", "url": "https://elsewhere.example/hook"},
    **{"form": ID, "copy": ID, "left": [HOSTILE, "Payroll"], "more_left": 3, "has_factor": True},
    **{"changed_at": timezone.now(), "zone": "America/Chicago", "user": User(email="ona@paws.example", tenant=TENANT)},
}


def made(template: Path, tenant: Tenant | None = TENANT) -> EmailMultiAlternatives:
    return build_mail(f"mails/{template.name}", FACTS, to=["ona@paws.example"], id=ID, tenant=tenant)


def page_of(mail: EmailMultiAlternatives) -> str:
    ((content, kind),) = mail.alternatives
    assert kind == "text/html"
    return str(content)


def words_of(page: str) -> str:
    """Return the text that a mail program shows."""
    shown = re.sub(r"<head>.*?</head>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", shown)).split())


@pytest.mark.parametrize("template", MAILS, ids=lambda path: path.stem)
def test_the_html_part_says_what_the_text_says(template: Path) -> None:
    mail = made(template)
    shown = words_of(page_of(mail))

    assert mail.subject in shown
    lines = [line.strip().removeprefix("- ").removesuffix(ADDRESS).strip() for line in mail.body.splitlines()]
    assert [line for line in lines if " ".join(line.split()) not in shown] == []


@pytest.mark.parametrize("template", MAILS, ids=lambda path: path.stem)
def test_the_html_part_is_safe_and_loads_nothing(template: Path) -> None:
    page = page_of(made(template))

    assert "<b " not in page
    tags = "".join(re.findall(r"<[^>]*>", page))
    assert not re.search(r"<(img|script|link|iframe|form|input)\b|\bsrc=|\son\w+=", tags)
    assert not re.search(r"url\(|@import", page)
    assert set(re.findall(r'href="([^"]*)"', page)) <= {html.escape(ADDRESS)}
    assert '<html lang="en">' in page and page.count("<h1") == 1
    assert 'name="color-scheme" content="light dark"' in page and "prefers-color-scheme: dark" in page
    assert 'role="presentation"' in page


@pytest.mark.parametrize("template", MAILS, ids=lambda path: path.stem)
def test_a_mail_comes_from_the_tenant_and_replies_go_to_it(template: Path) -> None:
    sent = made(template).message()

    assert sent["From"] == '"Paws, Claws & Partners Bcc: x@y.example" <no-reply@partner-engine.example>'
    assert (sent["Reply-To"], sent["Bcc"]) == ("office@paws.example", None)
    assert (sent["Message-ID"], sent["Auto-Submitted"]) == (f"<{ID}@partner-engine>", "auto-generated")
    assert [part.get_content_type() for part in sent.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_mails_to_staff_come_from_the_product() -> None:
    sent = made(MAILS[0], tenant=None)

    assert sent.from_email == "Partner Engine <no-reply@partner-engine.example>"
    assert sent.reply_to == []
    assert sender_of(Tenant(name="\x00")) == sent.from_email


def test_lines_lists_and_links_of_a_text() -> None:
    text = "It was wrapped\nhere.\n\nLeft:\n- a\n- b\n\nOpen it: https://x.example/1\nForm: 1\nCopy: 2"

    assert blocks_of(text, address="https://x.example/1") == [
        Block(lines=["It was wrapped here."]),
        Block(lines=["Left:"], items=["a", "b"]),
        Block(lines=["Open it:"], address="https://x.example/1"),
        Block(lines=["Form: 1", "Copy: 2"]),
    ]


def test_no_other_module_makes_mails() -> None:
    making = re.compile(r"\b(EmailMessage|EmailMultiAlternatives|send_mail|send_mass_mail|mail_admins)\(")
    found = {
        path.relative_to(CHECKOUT).as_posix()
        for path in tracked_files()
        if path.suffix == ".py" and "tests" not in path.parts and making.search(path.read_text(encoding="utf-8"))
    }

    assert found == {"partner_engine/mail_messages.py"}
