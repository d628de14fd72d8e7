"""The tools that change something or try it: start, propose, write, what if, prepare quotes.

None of them requests a quote, selects or binds one, or confirms a proposal: a person does. Their requests have only the
rights that are listed here, so none of them can.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from partner_engine.mcp.api_calls import ApiCalls
from partner_engine.mcp.brief import effects_of, row_of_quote
from partner_engine.mcp.tool import AgentTool, Arguments, tool
from tenants.access import Right

_WRITE: Final = frozenset({Right.READ_FORMS, Right.READ_CATALOGUE, Right.WRITE_FORMS})
CopyId = Annotated[UUID, Meta(description="The id of a copy, as read_form and list_forms return it.")]
Path = Annotated[
    str, Meta(min_length=1, max_length=500, description="A question's code, or pool/<row id>/code for one of a row.")
]
Key = Annotated[
    str,
    # ASCII, as a header: other letters would all become the same sign there, and two keys one.
    Meta(
        max_length=100,
        pattern="^[ -~]*$",
        description="A name of your own for this change: repeated with it, the change happens once.",
    ),
]
Version = Annotated[int, Meta(ge=1, description="The version that you read: refused if it has changed since.")]
AnswersByCode = Annotated[dict[str, Any], Meta(description="Values by code of their question; null clears one.")]
RowsByPool = Annotated[
    dict[str, Any],
    Meta(description="Rows by pool: {answers} adds one, {id, answers} changes one, {id, delete: true} removes one."),
]


class StartForm(Arguments, frozen=True, kw_only=True):
    """The fields of a new form."""

    title: Annotated[str, Meta(max_length=200)] = ""
    catalogue: Annotated[str, Meta(max_length=64, description="By default the tenant's.")] = ""
    external_id: Annotated[str, Meta(max_length=100, description="The id in another system, unique.")] = ""
    idempotency_key: Key = ""


class ProposedAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value with the place in the source where it is written, and your confidence from 0 to 1."""

    path: Path
    value: str | float | bool | list[str]
    locator: Annotated[str, Meta(max_length=100, description="Such as: page 2, line 14.")] = ""
    confidence: Annotated[float, Meta(ge=0, le=1)]


class ProposeAnswers(Arguments, frozen=True, kw_only=True):
    """Values of one source to propose."""

    id: CopyId
    source: Literal["document", "model"]
    name: Annotated[str, Meta(min_length=1, max_length=200, description="The document's file name, or the model's.")]
    answers: Annotated[list[ProposedAnswer], Meta(min_length=1, max_length=100)]
    version: Version | None = None
    idempotency_key: Key = ""


class TryAnswers(Arguments, frozen=True, kw_only=True):
    """Answers to try."""

    id: CopyId
    answers: AnswersByCode = {}
    rows: RowsByPool = {}


class WriteAnswers(Arguments, frozen=True, kw_only=True):
    """Answers to write."""

    id: CopyId
    answers: AnswersByCode = {}
    rows: RowsByPool = {}
    version: Version | None = None
    idempotency_key: Key = ""


class WhatIf(Arguments, frozen=True, kw_only=True):
    """The proposals to count as answers, by default all."""

    id: CopyId
    paths: Annotated[list[Path], Meta(max_length=500)] = []


class PrepareQuotes(Arguments, frozen=True, kw_only=True):
    """The products to prepare, by default all open ones."""

    id: CopyId
    products: Annotated[list[str], Meta(max_length=100)] = []
    idempotency_key: Key = ""


@tool("Start a form", StartForm, scope=Right.MCP_PROPOSE, rights=_WRITE)
async def start_form(api: ApiCalls, given: StartForm) -> dict[str, Any]:
    """Start an application form without answers; then propose them. Returns the ids of the form and its copy."""
    body = {name: value for name in ("title", "catalogue", "external_id") if (value := getattr(given, name))}
    copy = await api.write("POST", "/application_forms", body, key=given.idempotency_key)
    names = ("application_form_id", "version", "state", "catalogue", "needed_counts")
    return {"id": copy["id"], **{name: copy[name] for name in names}}


@tool("Propose answers", ProposeAnswers, scope=Right.MCP_PROPOSE, rights=_WRITE, is_idempotent=True)
async def propose_answers(api: ApiCalls, given: ProposeAnswers) -> dict[str, Any]:
    """Propose answers with their source and confidence. A person sees them at their questions and confirms or dismisses
    each; until then rules, prices and carriers do not read them. With one invalid value none is stored. Rows must
    exist, and secret questions take no proposals.
    """
    body = {
        "source": {"type": given.source, "name": given.name},
        "proposals": [msgspec.to_builtins(one) for one in given.answers],
    }
    saved = await api.write(
        "POST", f"/copies/{given.id}/proposals", body, key=given.idempotency_key, version=given.version
    )
    proposed = [one["path"] for one in saved["changes"] if one.get("proposed")]
    return {"version": saved["version"], "proposed": proposed, "needed_counts": saved["needed_counts"]}


@tool("Try answers", TryAnswers, scope=Right.MCP_PROPOSE, rights=_WRITE, is_read_only=True)
async def dry_run_answers(api: ApiCalls, given: TryAnswers) -> dict[str, Any]:
    """Show what answers would change - outcomes, premiums, messages, what is needed - and store nothing."""
    body = {"answers": given.answers, "answer_pools": given.rows}
    return effects_of(await api.write("PATCH", f"/copies/{given.id}/answers", body, dry_run=True))


@tool("What if proposals are confirmed", WhatIf, scope=Right.MCP_PROPOSE, rights=_WRITE, is_read_only=True)
async def what_if(api: ApiCalls, given: WhatIf) -> dict[str, Any]:
    """Show what would change if a person confirmed the proposals: outcomes, premiums, what is needed; stores none."""
    found = (await api.get(f"/copies/{given.id}/proposals"))["proposals"]
    wanted = set(given.paths) or {one["path"] for one in found}
    picked = [{"path": one["path"], "id": one["proposed"]["id"]} for one in found if one["path"] in wanted]
    picked += [{"path": path, "id": "missing"} for path in wanted - {one["path"] for one in found}]
    body = {"proposals": picked}
    return effects_of(await api.write("POST", f"/copies/{given.id}/proposals/accept", body, dry_run=True))


@tool("Write answers", WriteAnswers, scope=Right.MCP_WRITE, rights=_WRITE, is_destructive=True, is_idempotent=True)
async def write_answers(api: ApiCalls, given: WriteAnswers) -> dict[str, Any]:
    """Write answers at once, without a person's confirmation, in place of present ones. Prefer propose_answers; write
    only what the person you work for has told you.
    """
    body = {"answers": given.answers, "answer_pools": given.rows}
    saved = await api.write(
        "PATCH", f"/copies/{given.id}/answers", body, key=given.idempotency_key, version=given.version
    )
    return effects_of(saved)


@tool("Prepare quote requests", PrepareQuotes, scope=Right.MCP_PROPOSE, rights=_WRITE, is_idempotent=True)
async def prepare_quote_requests(api: ApiCalls, given: PrepareQuotes) -> dict[str, Any]:
    """Prepare quote requests as drafts: a person has to send them, no carrier is called. `refused` names the products
    that cannot be quoted, with the reason.
    """
    body: dict[str, Any] = {"draft": True} | ({"products": given.products} if given.products else {})
    done = await api.write("POST", f"/copies/{given.id}/quote_requests", body, key=given.idempotency_key)
    return {"prepared": [row_of_quote(row) for row in done["requested"]], "refused": done["refused"]}


WRITING: Final[Iterable[AgentTool]] = (
    start_form,
    propose_answers,
    dry_run_answers,
    what_if,
    write_answers,
    prepare_quote_requests,
)
