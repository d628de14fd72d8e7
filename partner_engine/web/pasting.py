"""Rows pasted from a spreadsheet into a pool: matched and judged first, then added in one save."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.views.decorators.http import require_POST

from batch.changes.changeset import Changeset
from copies.paths import Path
from partner_engine.web import row_commands
from partner_engine.web.access import Agent, for_agents, refuse
from partner_engine.web.copy_view import read_context
from partner_engine.web.order_keys import carried_out, order_key
from partner_engine.web.pages.pasted_rows import MOST_COLUMNS, PastedRows, read_pasted
from partner_engine.web.row_orders import MOST_STEPS
from partner_engine.web.save_response import Saved, respond_to_repetition, respond_to_save
from tenants.access import Right

#: The beginning of the names of the fields with the question of each column.
_COLUMN: Final = "column-"


@require_POST
@for_agents(Right.WRITE_FORMS)
def paste(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Return the preview of the rows in ``text`` for the pool at ``path``; with the ``step`` save add them in one save.

    Cells that are not valid are left empty. Rows are added all or none.
    """
    path = request.POST.get("path", "")
    if len(Path(path).steps) > MOST_STEPS:
        return HttpResponseBadRequest()
    if request.POST.get("step") == "save":
        return _save(request, agent, copy_id, path)
    pasted = _read(request, agent.find(copy_id).changeset_of_current_release(), path)
    return render(request, "web/parts/pasted_rows.html", {"pasted": pasted})


def _save(request: HttpRequest, agent: Agent, copy_id: UUID, path: str) -> HttpResponse:
    with agent.find_and_lock(copy_id, key=order_key(request, agent)) as context:
        if context.stored_response is not None:
            return respond_to_repetition(request, agent, context)
        changeset, before, loaded = context.changeset, context.evaluation, context.version
        pasted = _read(request, changeset, path)
        pool = row_commands.find_pool(changeset, path)
        if pasted.problem:
            return refuse(request, 422, "These rows cannot be added", pasted.problem)
        pool.require_room(for_rows=len(pasted.answers))
        for answers in pasted.answers:
            pool.add(answers=answers)
        result = context.save(respond=lambda _: carried_out())
        reading = read_context(context, request, agent, result=result)
        saved = Saved(reading=reading, result=result, before=before, version=loaded, shown={"pasted": pasted})
        return respond_to_save(request, saved)


def _read(request: HttpRequest, changeset: Changeset, path: str) -> PastedRows:
    """Return the pasted rows with the columns that were chosen. Raises ``UnknownPool`` or ``UnknownRow``."""
    pool = row_commands.find_pool(changeset, path)
    was_named = request.POST.get("named")
    has_names = None if was_named is None else request.POST.get("has_names") == "1"
    # Other names of columns mean other questions.
    is_same = was_named is not None and has_names == (was_named == "1")
    codes = {place: request.POST.get(f"{_COLUMN}{place}", "") for place in range(MOST_COLUMNS)} if is_same else None
    return read_pasted(
        request.POST.get("text", ""),
        catalogue=changeset.catalogue,
        pool=pool.code,
        room=changeset.catalogue.pools[pool.code].pool.max - len(pool.rows),
        has_names=has_names,
        codes=codes,
    )
