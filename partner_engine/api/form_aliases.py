"""The older routes below ``/application_forms/{id}``: deprecated aliases of the routes of a copy.

One table, ``FORM_ALIASES``, makes the views, their headers and their description. An alias takes the id of a copy or of
a form, finds the copy that it means, and responds like the copy's route.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request

from forms.selectors import find_meant_copy
from partner_engine.api.answers import Answers
from partner_engine.api.events import Events
from partner_engine.api.explain import Explain
from partner_engine.api.guest_links import GuestLink, GuestLinks
from partner_engine.api.history import Changes, History
from partner_engine.api.http.deprecation import announce_end
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.schema import documentation_of
from partner_engine.api.messages import Message, Messages
from partner_engine.api.needed import Needed
from partner_engine.api.processes import Processes
from partner_engine.api.question_sets import QuestionSet, QuestionSets

_METHODS: Final = ("get", "post", "patch", "delete")
#: Path below the form, name of the copy's route and its view.
FORM_ALIASES: Final[tuple[tuple[str, str, type[Endpoint]], ...]] = (
    ("answers", "answers", Answers),
    ("answer_pools", "answers", Answers),
    ("question_sets", "question_sets", QuestionSets),
    ("question_sets/<slug:code>", "question_set", QuestionSet),
    ("messages", "messages", Messages),
    ("messages/<id:message_id>", "message", Message),
    ("events", "events", Events),
    ("processes", "processes", Processes),
    ("guest_links", "guest_links", GuestLinks),
    ("guest_links/<id:link_id>", "guest_link", GuestLink),
    ("needed", "needed", Needed),
    ("changes", "changes", Changes),
    ("history", "history", History),
    ("explain", "explain", Explain),
)


class FormAlias(Endpoint):
    """What an alias adds to the view of the copy's route, whose URL name is ``successor``."""

    successor: ClassVar[str]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the caller, then put the copy that the id means in the place of the id.

        An id without a copy stays: the copy's route responds that it is not found, or repeats a stored response.
        """
        super().initial(request, *args, **kwargs)
        self.kwargs["id"] = find_meant_copy(self.kwargs["id"]) or self.kwargs["id"]
        # Links lead to the same copy, whichever the form means by then.
        request.successor_path = self._successor_path()  # type: ignore[attr-defined]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add the headers of deprecation to every response, errors included."""
        finished = super().finalize_response(request, response, *args, **kwargs)
        announce_end(finished, successor=self._successor_path())
        return finished

    def _successor_path(self) -> str:
        return reverse(f"api:{self.successor}", kwargs=self.kwargs)


def alias_of(path: str, successor: str, view: type[Endpoint]) -> type[Endpoint]:
    """Return the view of the alias ``path``, with the methods of ``view`` described as deprecated."""
    name = "".join(part.title() for part in path.partition("/<")[0].split("_"))
    attributes = {
        "successor": successor,
        "__doc__": f"Deprecated: ``{path}`` of the copy that a form's or copy's id means.",
        "__module__": __name__,
    }
    made = type(f"Form{name}{'Item' if '<' in path else ''}", (FormAlias, view), attributes)
    suffix = "by_form" if path.startswith(successor) or "<" in path else f"by_form_{path}"
    described = {method: _deprecated(getattr(view, method), suffix) for method in _METHODS if hasattr(view, method)}
    return extend_schema_view(**described)(made)


def _deprecated(handler: Any, suffix: str) -> Any:
    documented = documentation_of(handler)
    return extend_schema(
        operation_id=f"{documented.operation_id}_{suffix}",
        summary=f"{documented.summary} (by form)",
        description="Use the route that `Link` names. The id is a copy's or a form's.",
        deprecated=True,
    )


#: The routes of the aliases, by URL name: address and view.
ALIAS_ROUTES: Final[dict[str, tuple[str, type[Endpoint]]]] = {
    f"form_{successor if '<' in path else path}": (
        f"application_forms/<id:id>/{path}",
        alias_of(path, successor, view),
    )
    for path, successor, view in FORM_ALIASES
}
