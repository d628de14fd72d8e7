"""The JSON bodies of the carrier API, which its OpenAPI document describes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

QuoteStatus: TypeAlias = Literal[
    "received", "estimated", "quoted", "referred", "declined", "blocked", "expired", "withdrawn"
]
BindingStatus: TypeAlias = Literal["pending", "bound", "refused"]
Token: TypeAlias = Annotated[str, Field(min_length=1, max_length=64)]


class Body(BaseModel):
    """A body. Unknown fields are ignored, so that both sides may add some."""

    model_config = ConfigDict(frozen=True)


class Premium(Body):
    """A yearly premium in whole units of its currency."""

    amount: int = Field(ge=0, examples=[2451])
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$")


class Change(Body):
    """A value that the carrier changed by itself: the field of ``risk``, the value requested, the value offered."""

    field: str = Field(examples=["cyber_limit"])
    asked: str | int | float | bool | None = Field(default=None, examples=["c1m"])
    offered: str | int | float | bool | None = Field(default=None, examples=["c500"])
    reason: str = ""


class Reason(Body):
    """A reason of a result, for the agent to read."""

    code: str = Field(min_length=1, max_length=64)
    text: str = Field(default="", max_length=500)


class Subjectivity(Body):
    """A condition that must be met before the policy is bound or stays in force."""

    code: str
    kind: Literal["pay", "sign", "upload", "answer"]
    text: str = ""
    due_on: date | None = None
    field: str | None = Field(default=None, description="The field of `risk` that must be answered, for `answer`.")


class Quote(Body):
    """A quote as the carrier sees it now."""

    reference: str = Field(description="The carrier's id of the quote. A re-quote may have another one.")
    request_token: str
    product: str
    status: QuoteStatus
    sequence: int = Field(description="Rises with each change of one request token: an older message is ignored.")
    premium: Premium | None = None
    is_bindable: bool = False
    valid_until: date | None = None
    changes: list[Change] = []
    reasons: list[Reason] = []
    subjectivities: list[Subjectivity] = []
    previous_reference: str | None = None
    updated_at: datetime


class QuoteSubmission(Body):
    """A request for a quote."""

    request_token: Token = Field(description="Chosen by the caller. A repeated request returns the same quote.")
    product: str = Field(min_length=1, max_length=64, examples=["QM-BOP"])
    callback_url: str | None = Field(default=None, max_length=2_000)
    replaces: str | None = Field(default=None, max_length=100, description="The reference of the last quote.")
    risk: dict[str, Any] = Field(description="The fields of the product, as agreed with the carrier.")


class Consent(Body):
    """The insured's consent to the wording with this hash."""

    wording_hash: str
    accepted_at: datetime
    accepted_by: str


class BindSubmission(Body):
    """A request to bind a quote."""

    bind_token: Token = Field(description="Chosen by the caller. A repeated request returns the same binding.")
    payment_plan: str = Field(examples=["monthly"])
    payment_token: str | None = None
    consent: Consent
    answers: dict[str, Any] = Field(description="The fields that are needed to bind.")


class Binding(Body):
    """The result of binding one quote."""

    reference: str
    bind_token: str
    status: BindingStatus
    policy_number: str | None = None
    reasons: list[Reason] = []
    updated_at: datetime


class EligibilityQuery(Body):
    """A question about a risk whose form is not finished yet."""

    product: str = Field(min_length=1, max_length=64)
    risk: dict[str, Any]


class Message(Body):
    """A message for the agent."""

    kind: Literal["info", "warning", "error"]
    text: str


class Eligibility(Body):
    """The carrier's view of a risk before a quote."""

    status: Literal["open", "refer", "decline", "unknown"]
    reasons: list[Reason] = []
    messages: list[Message] = []


class AccessToken(Body):
    """The response of the token endpoint (RFC 6749, section 5.1)."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a type, not a token
    expires_in: int


class Problem(Body):
    """A refusal (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str = ""


class QuoteUpdated(Body):
    """The callback about a quote."""

    type: Literal["quote.updated"] = "quote.updated"
    data: Quote


class BindingUpdated(Body):
    """The callback about a binding."""

    type: Literal["binding.updated"] = "binding.updated"
    data: Binding
