"""The shapes of declines and declinations, as the API and signed exports have them. Pure.

Values are texts to read, so a signed export has no numbers that programs spell differently.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import msgspec

from presentation.listed_values import ActorType, one_of


class DeclineValue(msgspec.Struct, frozen=True):
    """A value that a reason read, as text to read; masked for readers who may not see it."""

    path: str
    label: str
    value: str


class ReasonShown(msgspec.Struct, frozen=True):
    """One reason of a decline."""

    rule: str
    text: str
    values: tuple[DeclineValue, ...] = ()


class ProductDecline(msgspec.Struct, frozen=True, kw_only=True):
    """One product that declines: by our rules with at most four ``reasons``, the most specific first, or by its carrier
    in the carrier's ``words``.
    """

    product: str
    name: str
    carrier: str
    reasons: tuple[ReasonShown, ...] = ()
    words: str = ""
    reference: str = ""


class SurplusRuleShown(msgspec.Struct, frozen=True):
    """A surplus lines rule in force, with its first and last day."""

    id: str
    since: date | None
    until: date | None


class SurplusShown(msgspec.Struct, frozen=True, kw_only=True):
    """A surplus lines product: whether its condition is met, which (``requirement``) by which rules, and the texts that
    must be shown with it.
    """

    product: str
    name: str
    carrier: str
    is_met: bool
    requirement: str
    rules: tuple[SurplusRuleShown, ...] = ()
    disclosures: tuple[str, ...] = ()


class LineDeclines(msgspec.Struct, frozen=True, kw_only=True):
    """What declines now in one requested line of business, in the states concerned."""

    line: str
    label: str
    states: tuple[str, ...]
    declines: tuple[ProductDecline, ...]
    surplus: tuple[SurplusShown, ...]


class DeclinedBy(msgspec.Struct, frozen=True):
    """The actor of an act."""

    type: ActorType
    id: str
    name: str


class DeclinationShown(msgspec.Struct, frozen=True, kw_only=True):
    """A stored declination, with the values of the version that the act led to."""

    id: str
    act: Annotated[str, one_of("requested", "queued", "selected", "bound", "exported")]
    at: datetime
    by: DeclinedBy
    version: int
    release: int
    as_of: date
    line: str
    label: str
    states: tuple[str, ...]
    declines: tuple[ProductDecline, ...]
    surplus: SurplusShown


class DeclinesShape(msgspec.Struct, frozen=True, kw_only=True):
    """The declines of a copy. ``release`` is the number of the release that decided."""

    copy_id: str
    application_form_id: str
    version: int
    release: int
    as_of: date
    lines: tuple[LineDeclines, ...]
    records: tuple[DeclinationShown, ...]
