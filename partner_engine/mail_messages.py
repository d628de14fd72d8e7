"""Mails as they are sent: a text, the same as HTML, and the tenant as the sender.

The text's template is the only source: its first line is the subject, and the HTML part consists of its paragraphs,
lists and links. So both parts always say the same, and every value is escaped in one place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import formataddr, parseaddr
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from tenants.models import Tenant

_PAGE: Final = "mails/page.html"
_ITEM: Final = "- "
#: Lines such as "Copy: 1234" stay lines; others were only wrapped in the template.
_LABELED: Final = re.compile(r"[A-Z][\w ]{0,30}: ")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


@dataclass(frozen=True)
class Block:
    """A part of a mail: the lines of a paragraph, the items of a list, or an address to open."""

    lines: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    address: str = ""


def build_mail(
    template: str, facts: Mapping[str, Any], *, to: Sequence[str], id: UUID, tenant: Tenant | None
) -> EmailMultiAlternatives:
    """Return the mail of ``template``, from the ``tenant`` if any. ``facts["address"]`` is the only link that it shows.

    Its id is that of the action or row, so that mail programs can discard a duplicate.
    """
    subject, _, text = render_to_string(template, dict(facts)).partition("\n")
    subject, text = " ".join(subject.split()), text.strip()
    mail = EmailMultiAlternatives(
        subject,
        text,
        from_email=sender_of(tenant),
        to=list(to),
        reply_to=[tenant.email] if tenant and tenant.email else None,
        headers={"Message-ID": f"<{id}@partner-engine>", "Auto-Submitted": "auto-generated"},
    )
    shown = {"subject": subject, "blocks": blocks_of(text, address=facts.get("address") or ""), "tenant": tenant}
    mail.attach_alternative(render_to_string(_PAGE, shown), "text/html")
    return mail


def sender_of(tenant: Tenant | None) -> str:
    """Return the sender: the address of the installation, under the name of the tenant."""
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    if tenant is not None:
        name = _UNPRINTABLE.sub(" ", tenant.name).strip() or name
    return formataddr((name, address))


def blocks_of(text: str, *, address: str) -> list[Block]:
    """Return the parts of ``text``, in which ``address`` becomes a link."""
    blocks: list[Block] = []
    for paragraph in re.split(r"\n\s*\n", text):
        current = Block()
        for line in filter(None, map(str.strip, paragraph.splitlines())):
            if address and line.endswith(address):
                blocks += [current, Block(lines=[line.removesuffix(address).strip()], address=address)]
                current = Block()
            elif line.startswith(_ITEM):
                current.items.append(line.removeprefix(_ITEM))
            elif current.lines and not _LABELED.match(line):
                current.lines[-1] += f" {line}"
            else:
                current.lines.append(line)
        blocks.append(current)
    return [block for block in blocks if block.lines or block.items or block.address]
