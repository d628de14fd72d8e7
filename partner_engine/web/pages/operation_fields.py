"""The fields of a new operation: which kinds the page offers, and the arguments that its fields mean. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from presentation.visibility import Visibility
from rules.definition.model import CompiledCatalogue

#: The kinds that the page offers, in this order; the others need a program or a file.
OFFERED: Final = ("set_answers", "transfer_owner", "requote", "re_evaluate", "renew", "clone", "archive", "export")
_MOST_NAMED: Final = 4


class FieldFault(Exception):
    """A field of the page is wrong: ``detail`` says how to correct it."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field
        self.detail = detail


class OrderFault(Protocol):
    """A fault of an order, as the API reports it."""

    @property
    def pointer(self) -> str:
        """Return its place in the order."""

    @property
    def detail(self) -> str:
        """Return the sentence."""


#: The parts of an order that fields of the page stand for, by the beginning of their pointers.
_FIELDS: Final = (("/arguments/answers", "value"), ("/arguments/owner_id", "owner"), ("/depends_on", "after"))


def field_faults(faults: Iterable[OrderFault]) -> dict[str, str]:
    """Return the first fault of each field; nothing if one of ``faults`` is of no field."""
    found: dict[str, str] = {}
    for fault in faults:
        field = next((name for start, name in _FIELDS if fault.pointer.startswith(start)), None)
        if field is None:
            return {}
        found.setdefault(field, fault.detail)
    return found


@dataclass(frozen=True)
class AskableQuestion:
    """A question that an operation can set on every form."""

    code: str
    label: str


def askable_questions(catalogue: CompiledCatalogue, *, visibility: Visibility) -> tuple[AskableQuestion, ...]:
    """Return the questions outside of pools whose answers the reader may see, in the order of their labels."""
    found = [
        AskableQuestion(code, known.question.label)
        for code, known in catalogue.questions.items()
        if not known.pool and not visibility.hides(code)
    ]
    return tuple(sorted(found, key=lambda question: (question.label.casefold(), question.code)))


def arguments_of(kind: str, values: Mapping[str, str], *, questions: Sequence[AskableQuestion]) -> dict[str, Any]:
    """Return the arguments of ``kind`` for the values of the fields. Raises ``FieldFault``."""
    if kind == "set_answers":
        return {"answers": {find_question(values["question"], questions).code: values["value"] or None}}
    if kind == "transfer_owner":
        if not values["owner"]:
            raise FieldFault("owner", "Choose the new owner.")
        return {"owner_id": values["owner"]}
    return {}


def title_of(
    kind: str,
    title: str,
    values: Mapping[str, str],
    *,
    questions: Sequence[AskableQuestion],
    people: Mapping[str, str],
) -> str:
    """Return what the operation is called: the kind, and to what. The answer itself may be personal and stays out."""
    if kind == "set_answers":
        return f"{title}: {find_question(values['question'], questions).label}"[:200]
    if kind == "transfer_owner":
        return f"{title}: {people.get(values['owner'], '')}"[:200]
    return title


def find_question(typed: str, questions: Sequence[AskableQuestion]) -> AskableQuestion:
    """Return the question with the code or label ``typed``, or the only one that contains it. Raises ``FieldFault``."""
    wanted = typed.strip().casefold()
    if not wanted:
        raise FieldFault("question", "Choose the question to answer.")
    exact = [known for known in questions if wanted in (known.code.casefold(), known.label.casefold())]
    found = exact or [known for known in questions if wanted in known.label.casefold()]
    if not found:
        raise FieldFault("question", f"No question is called “{typed.strip()[:60]}”. Choose one of the list.")
    if len(found) > 1:
        named = ", ".join(f"“{known.label}” ({known.code})" for known in found[:_MOST_NAMED])
        more = f" and {len(found) - _MOST_NAMED} others" if len(found) > _MOST_NAMED else ""
        raise FieldFault("question", f"Several questions match: {named}{more}. Type more, or the code.")
    return found[0]
