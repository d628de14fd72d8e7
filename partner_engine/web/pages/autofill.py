"""The autofill token of a guest's field, by which a browser offers the guest's own name and address. Pure.

Agents get none: a browser would offer the agent's own data.
"""

from __future__ import annotations

from typing import Final

from partner_engine.web.pages.reading import Reading
from presentation.formats import element_id
from rules.definition.catalogue import Question
from rules.definition.model import CompiledCatalogue
from rules.types.email import EMAIL
from rules.types.phone import PHONE
from rules.types.text import TEXT
from rules.types.zip import ZIP

OFF: Final = "off"
_OF_ADDRESS: Final = {
    "street": "street-address",
    "city": "address-level2",
    "state": "address-level1",
    "zip": "postal-code",
}
_OF_TYPE: Final = {EMAIL.code: "email", PHONE.code: "tel", ZIP.code: "postal-code"}
#: The parts of a name, in the order in which a question that joins them lists them (``same_as``).
_NAME_PARTS: Final = ("given-name", "family-name")


def autofill_token(reading: Reading, question: Question, prefix: str, *, masked: bool) -> str:
    """Return the token of ``question`` in the container at ``prefix``; each row is a section of its own."""
    if not reading.reader.is_guest or masked:
        return OFF
    token = _OF_ADDRESS.get(question.address) or _OF_TYPE.get(question.type) or _of_name(reading.catalogue, question)
    if not token or not prefix:
        return token or OFF
    return f"section-{element_id(prefix)} {token}"


def _of_name(catalogue: CompiledCatalogue, question: Question) -> str:
    """Return the token of a name: of the insured, of a person, or of a part that another question joins to one."""
    if question.code == catalogue.definition.title_question:
        return "organization"
    if question.type != TEXT.code:
        return ""
    if _joins_names(question):
        return "name"
    for known in catalogue.questions.values():
        if _joins_names(known.question) and question.code in known.question.same_as:
            return _NAME_PARTS[known.question.same_as.index(question.code)]
    return ""


def _joins_names(question: Question) -> bool:
    return question.type == TEXT.code and not question.address and len(question.same_as) == len(_NAME_PARTS)
