"""The declared carriers: their credentials, behavior, products and rates, read from ``demo/carriers/<CODE>.yaml``."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeAlias

import yaml
from pydantic import BaseModel, ConfigDict, Field

Operation: TypeAlias = Literal["token", "submit", "find", "read", "withdraw", "bind", "binding", "eligibility"]
Outcome: TypeAlias = Literal["rated", "quoted", "referred", "declined", "blocked"]
#: Conditions by field: a value, a list of values, or comparisons such as ``{under: 5}``; of rows ``{any: {...}}``.
Condition: TypeAlias = dict[str, Any]


class Declaration(BaseModel):
    """A part of a declaration."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Fault(Declaration):
    """A fault in the calls of some operations, before the carrier works on a call or after.

    The calls go in turns: ``good`` ones without the fault, then ``bad`` ones with it; at most ``times`` with it in all.
    """

    kind: Literal["slow", "hang", "reset", "error", "busy", "malformed", "huge"]
    on: tuple[Operation, ...] = ("submit",)
    stage: Literal["before", "after"] = "before"
    good: int = Field(default=0, ge=0)
    bad: int = Field(default=1, ge=1)
    times: int | None = None
    seconds: float = Field(default=60, ge=0, description="Of slow and hang, in real seconds.")
    status: int = Field(default=500, ge=400, le=599, description="Of error.")
    retry_after: int | None = Field(default=None, ge=0, description="Of error and busy, in real seconds.")
    size: int = Field(default=5_000_000, ge=1, le=50_000_000, description="Of huge, in bytes.")


class CallbackManner(Declaration):
    """The manner of sending callbacks."""

    copies: int = Field(default=1, ge=0, le=10, description="How often each is sent; 0 loses them all.")
    is_reversed: bool = Field(default=False, description="Send the callbacks of a quote at its end, newest first.")
    signature: Literal["valid", "wrong", "missing"] = "valid"
    age_seconds: int = Field(default=0, description="How far in the past the signed time is.")
    replays_older: bool = Field(default=False, description="Send the last callback again after each newer one.")
    tries: int = Field(default=5, ge=1, le=10)


class Behavior(Declaration):
    """The behavior of a carrier. Times in seconds are divided by the speed of the simulator, faults' excepted."""

    mode: Literal["sync", "poll", "callback", "manual"] = "sync"
    p50_seconds: float = Field(default=1, gt=0)
    p95_seconds: float = Field(default=2, gt=0)
    fail_percent: float = Field(default=0, ge=0, le=100)
    per_minute: int | None = Field(default=None, ge=1, description="More calls than this get 429.")
    token_seconds: int = Field(default=3_600, ge=1)
    outcome: Outcome = Field(default="rated", description="`rated` follows the rate sheet and the appetite.")
    has_estimate: bool = Field(default=False, description="An estimate comes first, the firm quote later.")
    revived_as: Literal["referred", "quoted"] | None = Field(default=None, description="What a decline becomes later.")
    expires: bool = Field(default=False, description="The quote expires by itself.")
    valid_days: int = Field(default=30, description="Days until `valid_until`; negative ones are over.")
    renames: bool = Field(default=False, description="A re-quote gets a new reference.")
    binding: Literal["bound", "pending", "pending_refused", "refused"] = "bound"
    callbacks: CallbackManner = CallbackManner()
    faults: tuple[Fault, ...] = ()


class Term(Declaration):
    """A term of a premium: a rate per so many units of a field."""

    rate: Decimal
    per: Decimal = Decimal(1)
    of: str


class Table(Declaration):
    """Rates by a field of the rows in ``rows``, per so many units of ``amount``, or per row."""

    rows: str
    by: str
    rates: dict[str, Decimal]
    amount: str | None = None
    per: Decimal = Decimal(1)
    times: str | None = Field(default=None, description="The field of the whole risk that multiplies the sum.")


class Factor(Declaration):
    """Multiplies the premium while its condition is true."""

    id: str
    when: Condition
    times: Decimal


class AppetiteRule(Declaration):
    """Declines or refers a risk."""

    id: str
    when: Condition
    then: Literal["decline", "refer"]
    text: str


class Adjustment(Declaration):
    """Rates and offers another value of a field than the submitted one."""

    id: str
    when: Condition
    field: str
    offered: str
    text: str


class DeclaredSubjectivity(Declaration):
    """A subjectivity of each quote of a product."""

    code: str
    kind: Literal["pay", "sign", "upload", "answer"]
    text: str
    due_days: int | None = None
    field: str | None = None


class Product(Declaration):
    """A product: the fields of ``risk`` that it reads, its appetite, and its rate sheet."""

    code: str
    fields: dict[str, str] = Field(description="The fields that it reads, each with its meaning.")
    states: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    is_bindable: bool = True
    minimum: int = 0
    terms: tuple[Term, ...] = ()
    tables: tuple[Table, ...] = ()
    factors: tuple[Factor, ...] = ()
    appetite: tuple[AppetiteRule, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    subjectivities: tuple[DeclaredSubjectivity, ...] = ()


class Credentials(Declaration):
    """The client's id and secret, and the secret that signs callbacks."""

    client_id: str
    client_secret: str
    callback_secret: str


class DeclaredCarrier(Declaration):
    """A carrier as its file declares it."""

    code: str
    name: str
    credentials: Credentials
    behavior: Behavior
    products: tuple[Product, ...]

    def product(self, code: str) -> Product | None:
        """Return the product with ``code``, or None."""
        return next((product for product in self.products if product.code == code), None)


def read_declarations(folder: Path) -> dict[str, DeclaredCarrier]:
    """Return the carriers of ``folder`` by code. Other keys of the files are left alone.

    Raises ``pydantic.ValidationError`` for a section ``simulator`` of another shape.
    """
    carriers = {}
    for path in sorted(folder.glob("*.yaml")):
        section = yaml.safe_load(path.read_text(encoding="utf-8")).get("simulator")
        if section is not None:
            carrier = DeclaredCarrier.model_validate(section)
            carriers[carrier.code] = carrier
    return carriers
