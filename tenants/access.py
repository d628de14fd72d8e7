"""Actors and their rights, and the rights of roles and OAuth scopes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple


class Right(StrEnum):
    """A right of an actor; each is also an OAuth scope."""

    READ_FORMS = "forms:read"
    WRITE_FORMS = "forms:write"
    SET_AS_OF = "forms:as_of"
    READ_PERSONAL = "answers:pii"
    REVEAL_SENSITIVE = "answers:reveal"
    READ_CATALOGUE = "catalogue:read"
    MANAGE_WEBHOOKS = "webhooks:manage"
    CLONE_TO_TENANTS = "forms:clone_to_tenants"
    BIND_QUOTES = "quotes:bind"
    MANAGE_AGENCY = "agency:manage"
    MANAGE_PERSONS = "persons:manage"
    MCP_READ = "mcp:read"
    MCP_PROPOSE = "mcp:propose"
    MCP_WRITE = "mcp:write"


#: The description of each right on consent pages, in docs and in the admin.
RIGHT_TEXTS: Final = {
    Right.READ_FORMS: "Read application forms and copies",
    Right.WRITE_FORMS: "Start, answer, lock and delete application forms and copies",
    Right.SET_AS_OF: "Choose the evaluation date of a new application form",
    Right.READ_PERSONAL: "Read personal answers unmasked",
    Right.REVEAL_SENSITIVE: "Reveal a sensitive answer, with a reason that is recorded",
    Right.READ_CATALOGUE: "Read the catalogue",
    Right.MANAGE_WEBHOOKS: "Add, change, test and replay webhook endpoints",
    Right.CLONE_TO_TENANTS: "Clone a copy into another tenant",
    Right.BIND_QUOTES: "Record consent, bind quotes and ask for help with it",
    Right.MANAGE_AGENCY: "Change the agency's name, logo, phone and email",
    Right.MANAGE_PERSONS: "Find, export and erase the data of one person",
    Right.MCP_READ: "For AI agents at /mcp: read application forms and the catalogue",
    Right.MCP_PROPOSE: "For AI agents at /mcp: start application forms, propose answers and prepare quote requests",
    Right.MCP_WRITE: "For AI agents at /mcp: write answers without a person's confirmation",
}


class Role(StrEnum):
    """The role of a user at their tenant, or of staff of the product."""

    AGENT = "agent"
    TENANT_ADMIN = "tenant_admin"
    STAFF = "staff"


_AGENT: Final = frozenset(
    {Right.READ_FORMS, Right.WRITE_FORMS, Right.READ_PERSONAL, Right.READ_CATALOGUE, Right.BIND_QUOTES}
)

ROLE_RIGHTS: Final[dict[Role, frozenset[Right]]] = {
    Role.AGENT: _AGENT,
    Role.TENANT_ADMIN: _AGENT | {Right.REVEAL_SENSITIVE, Right.SET_AS_OF, Right.MANAGE_WEBHOOKS, Right.MANAGE_AGENCY},
    Role.STAFF: frozenset({Right.READ_FORMS, Right.READ_CATALOGUE}),
}
#: Rights that reach beyond a tenant: only staff give them, to one program at a time.
BEYOND_TENANT: Final = frozenset({Right.CLONE_TO_TENANTS})
#: What a program may do as an AI agent: these count at ``/mcp`` alone, and no others do there but READ_PERSONAL.
MCP_RIGHTS: Final = frozenset({Right.MCP_READ, Right.MCP_PROPOSE, Right.MCP_WRITE})
#: The scopes of a token that is requested without any, and of a new API client.
DEFAULT_SCOPES: Final = (Right.READ_FORMS, Right.READ_CATALOGUE)
#: The rights of a guest, at the one copy of their link.
GUEST_RIGHTS: Final = frozenset({Right.READ_FORMS, Right.WRITE_FORMS, Right.READ_CATALOGUE})


class MissingRight(Exception):
    """The actor lacks a right."""

    def __init__(self, right: Right) -> None:
        super().__init__(f"This requires the right {right.value!r} ({RIGHT_TEXTS[right].lower()}).")
        self.right = right


class TokenInUse(NamedTuple):
    """The access token with which an API client came: the id of its row, and when it expires."""

    id: int
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """The author of an action: ``type`` is user, api_client, guest, staff or system; ``source`` the entry point (web,
    api, admin or job). ``token`` is that of a request to the API. ``is_sandbox``: it works on test forms alone.
    """

    type: str
    id: str
    source: str
    label: str = ""
    rights: frozenset[Right] = field(default_factory=frozenset)
    token: TokenInUse | None = field(default=None, compare=False)
    is_sandbox: bool = False

    def may(self, right: Right) -> bool:
        """Return whether the actor has ``right``."""
        return right in self.rights

    def require(self, right: Right) -> None:
        """Raise ``MissingRight`` unless the actor has ``right``."""
        if right not in self.rights:
            raise MissingRight(right)


def system_actor(name: str, *, source: str = "job") -> Actor:
    """Return the product itself as an actor, under ``name``."""
    return Actor(type="system", id=name, source=source, label=name, rights=frozenset(Right))
