"""The one policy of the product on who may see which value. Pure.

Every face, message, log and index uses it and compares no sensitivity itself (ADR 19).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Literal, TypeAlias

from copies.document import Answer, AnswerValue
from copies.mask import HIDDEN, is_mask
from copies.paths import Path
from presentation.formats import number, reading_text
from rules.definition.catalogue import Question, Sensitivity
from rules.definition.model import CompiledCatalogue
from tenants.access import Actor, Right

Tag: TypeAlias = Literal["", "pii", "spi"]


class Confidentiality(IntEnum):
    """The confidentiality of a value, the strictest last. UNKNOWN: the catalogue no longer has the question."""

    PUBLIC = 0
    PERSONAL = 1
    SECRET = 2
    UNKNOWN = 3

    @property
    def tag(self) -> Tag:
        """Return the catalogue's code for it; a value of an unknown question is treated as secret."""
        return _TAGS[self]


PUBLIC: Final = Confidentiality.PUBLIC
PERSONAL: Final = Confidentiality.PERSONAL
SECRET: Final = Confidentiality.SECRET
UNKNOWN: Final = Confidentiality.UNKNOWN
_TAGS: Final[dict[Confidentiality, Tag]] = {PUBLIC: "", PERSONAL: "pii", SECRET: "spi", UNKNOWN: "spi"}
_OF_QUESTION: Final = {"": PUBLIC, "pii": PERSONAL, "spi": SECRET}
_NO_VALUES: Final[tuple[object, ...]] = (None, "", [])


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """A reader: with or without the right to personal answers; ``guest_id`` is set for a guest.

    Without ``sees_masks`` not even the last characters of a secret answer are shown.
    """

    sees_personal: bool = False
    sees_masks: bool = True
    guest_id: str = ""

    @classmethod
    def for_actor(cls, actor: Actor) -> Reader:
        """Return ``actor`` as a reader."""
        guest_id = actor.id if actor.type == "guest" else ""
        return cls(sees_personal=actor.may(Right.READ_PERSONAL), guest_id=guest_id)


#: The reader of texts that go to many at once or are stored: live updates, webhooks, logs, summaries.
NOBODY: Final = Reader(sees_masks=False)


class Visibility:
    """The policy for one reader of one copy. ``personal_shown`` counts the personal values let through, for the audit
    log.
    """

    def __init__(
        self, catalogue: CompiledCatalogue, reader: Reader, *, past: Iterable[Mapping[str, Sensitivity]] = ()
    ) -> None:
        """Take the catalogue of today's release; ``past`` are the sensitivities, by question code, of the releases
        under which the values were recorded.

        A past value has the strictest confidentiality among these releases.
        """
        self.reader = reader
        self.personal_shown = 0
        self._catalogue = catalogue
        self._past = tuple(past)

    def at(self, past: Iterable[Mapping[str, Sensitivity]]) -> Visibility:
        """Return the same policy for values that were recorded under ``past`` releases."""
        return Visibility(self._catalogue, self.reader, past=past)

    def of(self, path: str, answer: Answer | None = None) -> Confidentiality:
        """Return the confidentiality of the value at ``path``; a sealed ``answer`` stays secret.

        Derived values, rows, and fields of copy and form are public.
        """
        place = Path(path)
        code = place.code
        known = self._catalogue.questions.get(code)
        if known is None:
            is_computed = code in self._catalogue.derived or code in self._catalogue.pools
            return PUBLIC if is_computed or not place.is_answer else UNKNOWN
        level = _OF_QUESTION[known.question.sensitivity]
        level = max(level, *(_OF_QUESTION[then[code]] for then in self._past if code in then), PUBLIC)
        return max(level, SECRET) if answer is not None and answer.sealed is not None else level

    def hides(self, path: str, answer: Answer | None = None) -> bool:
        """Return whether the reader sees a mask in place of the value at ``path``; a guest sees the personal ``answer``
        that they gave.
        """
        level = self.of(path, answer)
        if level is PERSONAL:
            return not self.reader.sees_personal and not self._gave(answer)
        return level is not PUBLIC

    def may_leave(self, path: str, *values: object) -> bool:
        """Return whether ``values`` recorded at ``path`` may go to everybody: public ones, and no masks."""
        return self.of(path) is PUBLIC and not any(map(is_mask, values))

    def shown(self, path: str, value: Any) -> Any:
        """Return ``value`` or its mask for the reader; ``path`` is its place in a change, a trace or an adjustment."""
        return self._let_through(value, self.of(path), is_hidden=self.hides(path))

    def answer(self, path: str, answer: Answer) -> AnswerValue:
        """Return the value of ``answer`` at ``path``, or its mask, for the reader."""
        value = answer.value if answer.sealed is None else answer.mask
        shown: AnswerValue = self._let_through(value, self.of(path, answer), is_hidden=self.hides(path, answer))
        return shown

    def text(self, path: str, value: Any) -> str:
        """Return ``value`` or its mask as text to read: labels, yes or no, money; a dash for none."""
        return self._read(path, self.shown(path, value))

    def answer_text(self, path: str, answer: Answer) -> str:
        """Return ``answer`` or its mask as text to read."""
        return self._read(path, self.answer(path, answer))

    def _let_through(self, value: Any, level: Confidentiality, *, is_hidden: bool) -> Any:
        if value in _NO_VALUES:
            return value
        if is_hidden:
            # A mask already, unless the question became secret only after the value was recorded.
            is_shown = level is not PERSONAL and self.reader.sees_masks and is_mask(value)
            return value if is_shown else HIDDEN
        if level is PERSONAL:
            self.personal_shown += 1
        return value

    def _read(self, path: str, shown: Any) -> str:
        if is_mask(shown):
            return str(shown)
        question = self._question(Path(path).code)
        if question is not None:
            labels: Mapping[str, str] = self._catalogue.choices(question) if question.choices else {}
            return reading_text(question.type, shown, labels, self._catalogue.definition.currency)
        if isinstance(shown, int | float) and not isinstance(shown, bool):
            return number(shown)
        return "–" if shown in _NO_VALUES else str(shown)

    def _question(self, code: str) -> Question | None:
        known = self._catalogue.questions.get(code)
        return known.question if known else None

    def _gave(self, answer: Answer | None) -> bool:
        by = answer.answered_by if answer is not None and answer.is_answered else None
        return by is not None and self.reader.guest_id != "" and (by.type, by.id) == ("guest", self.reader.guest_id)
