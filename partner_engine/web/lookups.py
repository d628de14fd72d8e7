"""Lookups for fields with too many choices for a list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from msgspec.structs import replace

from batch import service as batch
from batch.context import BatchContext
from copies.document import Answer
from partner_engine.web.access import Agent, for_agents, for_visitors
from partner_engine.web.industry_context import place_and_size
from partner_engine.web.pages.new_form import open_count
from partner_engine.web.visitors import Visitor
from rules.flow.appetite import appetites
from rules.industries import Industry, corrected
from search.industries import search_industries
from tenants.access import Right

#: Only the first industries of a list are decided: each takes a decision per line, at every key that is pressed.
MOST_COUNTED: Final = 6


@dataclass(frozen=True)
class _Hit:
    """One industry of a list: how many of ``products`` are open for it, as words and as a tone; "" for guests, and
    after the first ``MOST_COUNTED``.
    """

    code: str
    title: str
    formerly: str
    products: str = ""
    tone: str = ""


@require_GET
@for_visitors(Right.READ_FORMS)
def industries(request: HttpRequest, visitor: Visitor, copy_id: UUID) -> HttpResponse:
    """Return the industries that match the words or code in ``q`` as options of the field ``for``, for agents the
    first ones with the number of products that each opens.

    The order is that of ``/api/v1/naics`` for the copy's ZIP code and number of employees.
    """
    return _options(request, visitor.find(copy_id), counts=visitor.guest is None)


@require_GET
@for_agents(Right.WRITE_FORMS)
def industries_of_new(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Return the industries that match ``q`` as options of the field ``for`` on the page of a form that does not exist
    yet; ``catalogue`` is the code of its catalogue.
    """
    catalogue = request.GET.get("catalogue", "").replace("\0", "")[:64]
    with batch.build_context(scope=agent.tenant, actor=agent.actor, catalogue=catalogue) as context:
        return _options(request, context, counts=True)


def _options(request: HttpRequest, context: BatchContext, *, counts: bool) -> HttpResponse:
    query = request.GET.get("q", "")[:100].strip()
    catalogue = context.release.compiled
    changeset = context.read_only_changeset()
    zip_code, employees = place_and_size(changeset.document, catalogue)
    if not changeset.guest_scope.is_whole:
        # The order of the results would show something of answers that the guest is not asked about.
        zip_code, employees = "", None
    found = search_industries(query, catalogue, zip_code=zip_code, employees=employees)
    hits = _counted(context, found) if counts else (_Hit(*industry) for industry in found)
    shown = {
        "found": list(hits),
        "query": query,
        "meant": corrected(query, found) if found else "",
        "prefix": request.GET.get("for", "")[:200],
    }
    return render(request, "web/parts/industries.html", shown)


def _counted(context: BatchContext, found: list[Industry]) -> Iterator[_Hit]:
    """Yield the ``found`` industries, the first with the number of products that each one opens in the form of
    ``context``.
    """
    catalogue, changeset = context.release.compiled, context.read_only_changeset()
    question = catalogue.definition.industry_question
    for industry in found[:MOST_COUNTED]:
        answers = {**changeset.document.answers, question: Answer(value=industry.code)}
        wanted = appetites(
            catalogue,
            replace(changeset.document, answers=answers),
            as_of=context.save_context.as_of,
            reveal=changeset.sealing.reveal,
        ).products
        opened, total = open_count(wanted)
        words = f"{opened} of {total} products" if total else ""
        yield _Hit(*industry, words, "" if opened * 2 < total else "most")
    yield from (_Hit(*industry) for industry in found[MOST_COUNTED:])
