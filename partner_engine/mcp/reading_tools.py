"""The tools that read: forms, needed answers, explanations, comparisons, quotes, questions, industries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import msgspec
from msgspec import Meta

from copies.paths import Path
from partner_engine.mcp.api_calls import ApiCalls
from partner_engine.mcp.brief import answers_in, found_questions, outcomes_in, questions_of, row_of_quote
from partner_engine.mcp.tool import AgentTool, Arguments, tool
from tenants.access import Right

_READ: Final = frozenset({Right.READ_FORMS, Right.READ_CATALOGUE})
Limit = Annotated[int, Meta(ge=1, le=50, description="The most entries to return.")]
FormId = Annotated[UUID, Meta(description="The id of a form or of one of its copies.")]
CopyId = Annotated[UUID, Meta(description="The id of a copy, as read_form and list_forms return it.")]
Words = Annotated[str, Meta(min_length=1, max_length=100)]


class ListForms(Arguments, frozen=True, kw_only=True):
    """Words and a state to filter by; ``cursor`` is that of the page before."""

    q: Annotated[str, Meta(max_length=200, description="Words of the insured, the title or an id.")] = ""
    state: Annotated[str, Meta(max_length=40)] = ""
    cursor: Annotated[str, Meta(max_length=200)] = ""
    limit: Limit = 10


class ReadForm(Arguments, frozen=True, kw_only=True):
    """A form, and which parts of it to return beside its state."""

    id: FormId
    include: Annotated[list[Literal["answers", "rows", "outcomes", "messages", "proposals"]], Meta(max_length=5)] = (
        msgspec.field(default_factory=lambda: ["outcomes"])
    )


class NeededAnswers(Arguments, frozen=True, kw_only=True):
    """The copy, and what the answers are needed for."""

    id: CopyId
    goal: Literal["quote", "bind"] = "quote"
    limit: Limit = 10


class ExplainTarget(Arguments, frozen=True, kw_only=True):
    """What to explain."""

    id: CopyId
    target: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=300,
            description="product:CODE, premium:CODE, question:PATH, set:CODE, derived:CODE, message:RULE or a code.",
        ),
    ]
    with_rules: bool = False


class CompareCopies(Arguments, frozen=True, kw_only=True):
    """The copies to compare with."""

    id: CopyId
    others: Annotated[list[CopyId], Meta(min_length=1, max_length=3)]
    limit: Limit = 20


class ReadQuotes(Arguments, frozen=True, kw_only=True):
    """The copy, and how many of its latest requests to return."""

    id: CopyId
    limit: Limit = 20


class ListProposals(Arguments, frozen=True, kw_only=True):
    """The copy whose proposals to list."""

    id: CopyId
    limit: Limit = 50


class SearchQuestions(Arguments, frozen=True, kw_only=True):
    """Words of a question; ``catalogue`` is by default the tenant's."""

    q: Words
    catalogue: Annotated[str, Meta(max_length=64)] = ""
    limit: Limit = 10


class FindIndustries(Arguments, frozen=True, kw_only=True):
    """Words or the first digits of a code; ZIP code and employees influence the order."""

    q: Words
    zip: Annotated[str, Meta(pattern=r"^([0-9]{5})?$")] = ""
    employees: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None
    limit: Limit = 5


@tool("List forms", ListForms, scope=Right.MCP_READ, rights=_READ, is_read_only=True)
async def list_forms(api: ApiCalls, given: ListForms) -> dict[str, Any]:
    """List application forms, the newest first, with the copy that a person changed last: its id, insured, state and
    number of answers that a quote needs.
    """
    fields = "id,external_id,copy.id,copy.title,copy.insured,copy.state,copy.version,copy.needed_counts"
    page = await api.get(
        "/application_forms", q=given.q, state=given.state, cursor=given.cursor, limit=given.limit, fields=fields
    )
    return {"forms": page["results"], "cursor": _cursor(page["next"])}


@tool("Read a form", ReadForm, scope=Right.MCP_READ, rights=_READ, is_read_only=True)
async def read_form(api: ApiCalls, given: ReadForm) -> dict[str, Any]:
    """Read a form and the copy that its id means. `include` selects parts: answers and rows (values by code, only of
    visible questions), outcomes (products with premium and reasons), messages, proposals.
    """
    parts = {
        "answers": ("answers",),
        "rows": ("answer_pools",),
        "outcomes": ("eligibility",),
        "messages": ("messages",),
        "proposals": (),
    }
    names = ["id", "title", "version", "state", "as_of", "locked_at", "needed_counts"]
    names += [name for part in given.include for name in parts[part]]
    fields = ["id", "external_id", "catalogue", "state", "copies.id", "copies.title", "copies.state"]
    form = await api.get(
        f"/application_forms/{given.id}", fields=",".join([*fields, *(f"copy.{name}" for name in names)])
    )
    copy = form["copy"]
    if "answers" in copy:
        copy["answers"] = answers_in(copy["answers"])
    if "answer_pools" in copy:
        copy["rows"] = _rows(copy.pop("answer_pools"))
    if "eligibility" in copy:
        copy["outcomes"] = outcomes_in(copy.pop("eligibility"))
    if "proposals" in given.include:
        copy["proposals"] = (await api.get(f"/copies/{copy['id']}/proposals"))["proposals"]
    return dict(form)


@tool("What is needed", NeededAnswers, scope=Right.MCP_READ, rights=_READ, is_read_only=True)
async def needed(api: ApiCalls, given: NeededAnswers) -> dict[str, Any]:
    """List the next questions whose answers are missing or wrong, before a quote or before binding: path, label, type
    and choices. Answer with propose_answers.
    """
    copy = await api.get(f"/copies/{given.id}", fields="version,catalogue,needed,needed_counts,messages")
    paths = copy["needed"][given.goal]
    catalogue = await api.get("/catalogue", code=copy["catalogue"], fields="question_sets")
    known = questions_of(catalogue)
    first = paths[: given.limit]
    errors = [one for one in copy["messages"] if one.get("path") in first and one.get("kind") == "error"]
    return {
        "version": copy["version"],
        "questions": [{"path": path, **known.get(Path(path).code, {})} for path in first],
        "more": len(paths) - len(first),
        "needed_counts": copy["needed_counts"],
        "errors": errors,
    }


@tool("List proposals", ListProposals, scope=Right.MCP_READ, rights=_READ, is_read_only=True)
async def list_proposals(api: ApiCalls, given: ListProposals) -> dict[str, Any]:
    """List the proposed values that wait for a person, each with its source beside the present answer."""
    found = await api.get(f"/copies/{given.id}/proposals")
    shown = found["proposals"][: given.limit]
    return {"version": found["version"], "proposals": shown, "more": len(found["proposals"]) - len(shown)}


@tool("Explain", ExplainTarget, scope=Right.MCP_READ, rights=_READ, is_read_only=True)
async def explain(api: ApiCalls, given: ExplainTarget) -> dict[str, Any]:
    """Explain why a product is open or declined, what makes up a premium, why a question is asked, and what would take
    a decline back. `with_rules` adds each rule with the values that it read.
    """
    fields = "target,kind,version,result,text,way_back,nearest,premium_steps"
    fields += ",rules" if given.with_rules else ""
    return dict(await api.get(f"/copies/{given.id}/explain", target=given.target, fields=fields))


@tool("Compare copies", CompareCopies, scope=Right.MCP_READ, rights=_READ, is_read_only=True)
async def compare(api: ApiCalls, given: CompareCopies) -> dict[str, Any]:
    """Compare a copy with one to three others: outcome and premium of each product, and the answers that differ with
    their share of the difference.
    """
    with_ = ",".join(map(str, given.others))
    found = await api.get(f"/copies/{given.id}/compare", with_=with_)
    differences = found["differences"]
    return {
        "copies": found["copies"],
        "currency": found["currency"],
        "products": found["products"],
        "differences": [_difference(one) for one in differences[: given.limit]],
        "more": max(0, len(differences) - given.limit),
        "note": found["note"],
    }


@tool("Status of quotes", ReadQuotes, scope=Right.MCP_READ, rights=_READ, is_read_only=True)
async def quote_status(api: ApiCalls, given: ReadQuotes) -> dict[str, Any]:
    """List the quote requests of a copy with their states and premiums, newest first. A draft was prepared and waits
    for a person who sends it.
    """
    page = await api.get(f"/copies/{given.id}/quote_requests", limit=given.limit)
    return {"quotes": [row_of_quote(row) for row in page["results"]]}


@tool("Search questions", SearchQuestions, scope=Right.MCP_READ, rights=_READ, is_read_only=True)
async def search_questions(api: ApiCalls, given: SearchQuestions) -> dict[str, Any]:
    """Find questions of the catalogue whose label, code, help or choices contain all words: code, type, choices, and
    the pool whose rows they belong to.
    """
    catalogue = await api.get("/catalogue", code=given.catalogue, fields="code,release,question_sets")
    found = found_questions(catalogue, given.q)
    return {"questions": found[: given.limit], "more": max(0, len(found) - given.limit)}


@tool("Find industries", FindIndustries, scope=Right.MCP_READ, rights=_READ, is_read_only=True)
async def find_industries(api: ApiCalls, given: FindIndustries) -> dict[str, Any]:
    """Find NAICS industry codes by everyday words such as "coffee shop", or by the first digits of a code."""
    found = await api.get("/naics", q=given.q, zip=given.zip, employees=given.employees)
    return {"industries": found["results"][: given.limit]}


def _cursor(next_: str | None) -> str | None:
    """Return the cursor in the address of the next page."""
    return parse_qs(urlsplit(next_).query).get("cursor", [""])[0] if next_ else None


def _rows(pools: dict[str, Any]) -> dict[str, Any]:
    return {
        code: [{"id": row["id"], "answers": answers_in(row["answers"]), **_nested(row["answer_pools"])} for row in rows]
        for code, rows in pools.items()
        if rows
    }


def _nested(pools: dict[str, Any]) -> dict[str, Any]:
    rows = _rows(pools)
    return {"rows": rows} if rows else {}


def _difference(one: dict[str, Any]) -> dict[str, Any]:
    shown = {name: one[name] for name in ("kind", "path", "label", "effects")}
    if one.get("answers"):
        shown["answers"] = [answer and answer["value"] for answer in one["answers"]]
    if one.get("rows"):
        shown["rows"] = [row and {"id": row["id"], "answers": answers_in(row["answers"])} for row in one["rows"]]
    return shown


READING: Final[Iterable[AgentTool]] = (
    list_forms,
    read_form,
    needed,
    list_proposals,
    explain,
    compare,
    quote_status,
    search_questions,
    find_industries,
)
