"""The rate limits of API views: each request is counted once, and each response states what remains."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Final

from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.views import APIView

from partner_engine.rate_limits import allowance_headers, count_entries, count_request, give_request_back
from tenants.limits.scopes import BATCH, FORM_CREATION, GENERAL, SEARCH

#: Scopes that count in place of the general one, because they allow more.
_IN_PLACE: Final = frozenset({SEARCH})
#: Scopes that count results and not attempts: a refused request gives its count back.
_RESULTS: Final = frozenset({BATCH, FORM_CREATION})


class Limited(APIView):
    """A view with rate limits. ``limits`` maps a method to the scopes in which it counts besides the general one."""

    limits: ClassVar[Mapping[str, str | tuple[str, ...]]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Count the request, then check the caller's rights. Raises ``RateLimited``."""
        self.count()
        super().initial(request, *args, **kwargs)

    def count(self) -> None:
        """Count the request for its caller; one with wrong credentials for the visitors of its address."""
        request = self.request._request
        own = self._own_scopes()
        scopes = own if _IN_PLACE.intersection(own) else (GENERAL, *own)
        try:
            self.perform_authentication(self.request)
        except exceptions.APIException:
            count_request(request, *scopes)
            raise
        count_request(request, *scopes)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add the headers of the tightest limit."""
        final = super().finalize_response(request, response, *args, **kwargs)
        allowance = getattr(request._request, "allowance", None)
        if allowance is not None:
            for name, value in allowance_headers(allowance).items():
                final.headers.setdefault(name, value)
            if final.status_code >= HTTPStatus.BAD_REQUEST:
                for scope in _RESULTS.intersection(self._own_scopes()):
                    give_request_back(request._request, scope)
        return final

    def count_entries(self, amount: int) -> None:
        """Count the list of this request as ``amount`` requests, whatever becomes of them: the first is counted.

        Raises ``RateLimited``.
        """
        if amount > 1:
            count_entries(self.request._request, GENERAL, amount - 1)

    def count_entry(self) -> None:
        """Count one more result of this request, for an entry of a list. Raises ``RateLimited``."""
        for scope in _RESULTS.intersection(self._own_scopes()):
            count_entries(self.request._request, scope, 1)

    def give_entry_back(self) -> None:
        """Take the count of one result back, because it came to nothing. Only an entry that was counted has one."""
        for scope in _RESULTS.intersection(self._own_scopes()):
            give_request_back(self.request._request, scope)

    def _own_scopes(self) -> tuple[str, ...]:
        """Return the scopes in which the request counts besides the general one."""
        scopes = self.limits.get(self.request.method or "", ())
        return (scopes,) if isinstance(scopes, str) else scopes
