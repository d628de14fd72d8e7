"""What several doors know of a guest's way in: the link's address and how long it is valid, the socket's cookie."""

from __future__ import annotations

from typing import Final, Protocol
from uuid import UUID

from django.urls import reverse

#: For how many days a new link is valid unless its maker says otherwise.
DEFAULT_DAYS: Final = 14
#: The cookie with the secret of a guest's session, for the socket at their copy.
GUEST_SOCKET_COOKIE: Final = "guest_socket"


class _Request(Protocol):
    def build_absolute_uri(self, location: str | None = None) -> str: ...


def guest_address(request: _Request, copy_id: UUID, secret: str) -> str:
    """Return the address to send to a guest.

    The secret stands behind ``#``: browsers send that to no server, so it is in no log, also of proxies on the way.
    """
    return f"{request.build_absolute_uri(reverse('guest:open', args=[copy_id]))}#{secret}"
