"""The reasons for which a call of a carrier fails, one class each. Pure.

Messages name the carrier and a status, never a value, a token or a secret.
"""

from __future__ import annotations


class LinkError(Exception):
    """A carrier's link can't be used."""


class LinkMissing(LinkError):
    """No link settings exist for the carrier."""

    def __init__(self, catalogue: str, carrier: str) -> None:
        super().__init__(f"The carrier {carrier} of the catalogue {catalogue} has no link settings.")


class LinkDisabled(LinkError):
    """The link of the carrier is turned off."""

    def __init__(self, catalogue: str, carrier: str) -> None:
        super().__init__(f"The link of the carrier {carrier} of the catalogue {catalogue} is turned off.")


class LinkSecretUnreadable(LinkError):
    """A secret of the link does not open: its master key left the keyring, or the row was altered."""

    def __init__(self, carrier: str) -> None:
        super().__init__(f"A secret of the link of {carrier} does not open. Enter it again in the link settings.")


class CarrierError(Exception):
    """A call of a carrier failed. ``code`` is the stable name of the reason, for logs and metrics."""

    code = "error"


class CarrierBusy(CarrierError):
    """The carrier, or our own pace for it, allows no call before ``retry_after`` seconds have passed. Nothing was
    accepted.
    """

    code = "busy"

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"The carrier can be called again in {retry_after:.1f} s.")
        self.retry_after = retry_after


class CircuitOpen(CarrierError):
    """The carrier failed several times in a row, so it is not called before ``retry_after`` seconds have passed.

    Nothing was sent.
    """

    code = "circuit_open"

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"The carrier does not respond. It is tried again in {retry_after:.1f} s.")
        self.retry_after = retry_after


class CarrierUnreachable(CarrierError):
    """No connection was made, or a read failed: the carrier has certainly accepted nothing."""

    code = "unreachable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The carrier cannot be reached ({reason}).")
        self.reason = reason


class TokenUnavailable(CarrierUnreachable):
    """The carrier's token endpoint cannot be reached, so nothing was requested."""

    code = "no_token"


class OutcomeUnknown(CarrierError):
    """The carrier may have accepted what was sent: a timeout or a cut after sending. Query its status first."""

    code = "unknown"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The carrier may have accepted the request ({reason}).")
        self.reason = reason


class CarrierRefused(CarrierError):
    """The carrier refused the request (4xx). ``reason`` is its own code, ``text`` its sentence, which may quote a value
    and is never logged.
    """

    code = "refused"

    def __init__(self, status: int, reason: str = "", text: str = "") -> None:
        super().__init__(f"The carrier refused the request ({status}).")
        self.status = status
        self.reason = reason
        self.text = text


class UnreadableReply(CarrierError):
    """The reply is too large, not JSON, or not what was agreed. The carrier may have accepted what was sent."""

    code = "unreadable"

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"The carrier's reply cannot be read ({status}, {reason}).")
        self.status = status
        self.reason = reason
