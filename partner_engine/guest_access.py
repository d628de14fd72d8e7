"""Guest access, shared by API, pages and sockets: the URL and validity of links, the cookie of the socket."""

from __future__ import annotations

from typing import Final, Protocol
from uuid import UUID

from django.urls import reverse

#: The default validity of a new link in days.
DEFAULT_DAYS: Final = 14
#: The cookie with the secret of a guest's session, for the socket of their copy.
GUEST_SOCKET_COOKIE: Final = "guest_socket"


class _Request(Protocol):
    def build_absolute_uri(self, location: str | None = None) -> str: ...


def guest_address(request: _Request, copy_id: UUID, secret: str) -> str:
    """Return the URL to send to a guest.

    The secret follows the ``#``: browsers send it to no server, so no log contains it, not even of a proxy on the way.
    """
    return f"{request.build_absolute_uri(reverse('guest:open', args=[copy_id]))}#{secret}"
