"""The one policy of the product on who may see which value. Pure.

Every face, message, log and index uses it and compares no sensitivity itself (ADR 19).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Literal, TypeAlias
from unicodedata import normalize

import msgspec

from copies.changes import Change, strictest
from copies.document import Answer, AnswerValue, Document, find_answer, walk_containers
from copies.mask import HIDDEN, begins_like_mask, is_mask
from copies.paths import Path, answer_code, join_path
from presentation.formats import number, reading_text
from rules.definition.catalogue import Question, Sensitivity
from rules.definition.model import CompiledCatalogue
from rules.flow.derived_sensitivity import questions_of_derived, tag_of_derived
from rules.flow.evaluation import Message
from rules.language.kinds import TRUTH
from rules.types.validators import DOES_NOT_FIT, NOT_SHOWN, QUOTING_OWN, RELATIONS, UNIQUE_IN_POOL
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
#: Stands for an answer that was erased.
ERASED_TEXT: Final = "(erased)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """A reader: with or without the right to personal answers; ``guest_id`` is set for a guest.

    Without ``sees_masks`` not even the last characters of a secret answer are shown. Without ``reads_forms`` (a caller
    that may only write) every answer is hidden.
    """

    sees_personal: bool = False
    sees_masks: bool = True
    guest_id: str = ""
    reads_forms: bool = True

    @classmethod
    def for_actor(cls, actor: Actor) -> Reader:
        """Return ``actor`` as a reader."""
        guest_id = actor.id if actor.type == "guest" else ""
        return cls(
            sees_personal=actor.may(Right.READ_PERSONAL),
            guest_id=guest_id,
            reads_forms=actor.may(Right.READ_FORMS),
        )


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
        #: The confidentiality by the codes of parts; today's alone is the same for all policies of the catalogue.
        self._levels: dict[str, Any] = {} if self._past else catalogue.confidentiality

    def at(self, past: Iterable[Mapping[str, Sensitivity]]) -> Visibility:
        """Return the same policy for values that were recorded under ``past`` releases."""
        return Visibility(self._catalogue, self.reader, past=past)

    def of(self, path: str, answer: Answer | None = None, *, tag: str = "") -> Confidentiality:
        """Return the confidentiality of the value at ``path``, at least that of ``tag``, the sensitivity under which it
        was recorded. A sealed ``answer`` stays secret, and each stays as confidential as when it was given.

        A value derived from answers is as confidential as the strictest of them, unless it is yes or no. Rows, and
        fields of copy and form are public.
        """
        code, level = answer_code(path), PUBLIC
        if code is not None:
            level = self._levels[code] if code in self._levels else self._of_code(code)
        # Nearly all values are public, and all are asked for several times in a save.
        if answer is not None and (answer.tag or answer.sealed is not None):
            level = max(level, SECRET if answer.sealed is not None else _OF_QUESTION[answer.tag])
        return max(level, _OF_QUESTION[tag]) if tag else level

    def tag(self, path: str) -> Tag:
        """Return the sensitivity of the value at ``path`` as the catalogue writes it."""
        return self.of(path).tag

    def hides(self, path: str, answer: Answer | None = None, *, tag: str = "") -> bool:
        """Return whether the reader sees a mask in place of the value at ``path``; a guest sees the personal ``answer``
        that they gave.
        """
        return self.hides_level(self.of(path, answer, tag=tag), answer)

    def hides_level(self, level: Confidentiality, answer: Answer | None = None) -> bool:
        """Return what ``hides`` does for a value whose confidentiality is known."""
        if not self.reader.reads_forms:
            return True
        if level is PERSONAL:
            return not self.reader.sees_personal and not self._gave(answer)
        return level is not PUBLIC

    def is_public(self, code: str, answer: Answer) -> bool:
        """Return whether ``answer`` is its value and no more, which every reader of the form may see: public, also when
        it was given, and neither confirmed, proposed nor erased. A code of which nothing is known yet is not.
        """
        return (
            self._levels.get(code) is PUBLIC
            and answer.sealed is None
            and not answer.tag
            and not answer.confirmed
            and answer.proposed is None
            and answer.erased_at is None
            and self.reader.reads_forms
        )

    def is_unchanged(self, path: str, answer: Answer | None, submitted: str) -> bool:
        """Return whether ``submitted``, which begins like a mask, is what the reader is shown for ``answer``."""
        return (
            self.reader.reads_forms
            and answer is not None
            and answer.is_answered
            and normalize("NFC", str(self.answer(path, answer))) == normalize("NFC", submitted.strip())
        )

    def may_leave(self, path: str, *values: object, tag: str = "") -> bool:
        """Return whether ``values`` recorded at ``path`` may go to everybody: public ones, and no masks."""
        return self.of(path, tag=tag) is PUBLIC and not any(map(begins_like_mask, values))

    def shown(self, path: str, value: Any, *, tag: str = "") -> Any:
        """Return ``value`` or its mask for the reader; ``path`` is its place in a change, a trace or an adjustment,
        ``tag`` the sensitivity under which it was recorded.
        """
        level = self.of(path, tag=tag)
        return self._let_through(value, level, is_hidden=self.hides_level(level), is_masked=is_mask(value))

    def change(self, change: Change) -> tuple[Any, Any]:
        """Return the values of ``change`` before and after, or their masks."""
        return (
            self.shown(change.path, change.before, tag=change.tag),
            self.shown(change.path, change.after, tag=change.tag),
        )

    def change_texts(self, change: Change) -> tuple[str, str]:
        """Return the values of ``change`` before and after, or their masks, as text to read."""
        before, after = self.change(change)
        return self.read(change.path, before), self.read(change.path, after)

    def derived(self, catalogue: CompiledCatalogue, document: Document, code: str, value: Any) -> Any:
        """Return the ``value`` that ``catalogue`` derives from ``document``, or its mask: it is as confidential as the
        answers that it is made of, today and when they were given.
        """
        if code not in catalogue.derived:
            return self.shown(code, value)
        today = (self.tag(question) for question in questions_of_derived(catalogue, code))
        return self.shown(code, value, tag=strictest(tag_of_derived(catalogue, document, code), *today))

    def messages(self, messages: Iterable[Message], document: Callable[[], Document]) -> list[Message]:
        """Return the ``messages`` that the reader may read, without what would show something of answers that they may
        not see. ``document`` returns the one that they are about; few messages need it.
        """
        shown = (self._message(message, document) for message in messages)
        return [message for message in shown if message is not None]

    def answer(self, path: str, answer: Answer) -> AnswerValue:
        """Return the value of ``answer`` at ``path``, or its mask, for the reader."""
        return self.answer_of_level(self.of(path, answer), answer)

    def answer_of_level(self, level: Confidentiality, answer: Answer) -> AnswerValue:
        """Return what ``answer`` does for an answer whose confidentiality is known."""
        is_sealed = answer.sealed is not None
        value = answer.mask if is_sealed else answer.value
        is_hidden = self.hides_level(level, answer)
        shown: AnswerValue = self._let_through(value, level, is_hidden=is_hidden, is_masked=is_sealed)
        return shown

    def text(self, path: str, value: Any, *, tag: str = "") -> str:
        """Return ``value`` or its mask as text to read: labels, yes or no, money; a dash for none."""
        return self.read(path, self.shown(path, value, tag=tag))

    def answer_text(self, path: str, answer: Answer) -> str:
        """Return ``answer`` or its mask as text to read, ``(erased)`` for one that was erased."""
        return ERASED_TEXT if answer.is_erased else self.read(path, self.answer(path, answer))

    def _let_through(self, value: Any, level: Confidentiality, *, is_hidden: bool, is_masked: bool) -> Any:
        if value in _NO_VALUES:
            return value
        if is_hidden:
            # A mask already, unless the question became secret only after the value was recorded.
            is_shown = is_masked and level is not PERSONAL and self.reader.sees_masks and self.reader.reads_forms
            return value if is_shown else HIDDEN
        if level is PERSONAL:
            self.personal_shown += 1
        return value

    def read(self, path: str, shown: Any) -> str:
        """Return ``shown``, a value or mask for the reader, as text to read."""
        if is_mask(shown):
            return str(shown)
        question = self._question(Path(path).code)
        if question is not None:
            labels: Mapping[str, str] = self._catalogue.choices(question) if question.choices else {}
            return reading_text(question.type, shown, labels, self._catalogue.definition.currency)
        if isinstance(shown, int | float) and not isinstance(shown, bool):
            return number(shown)
        return "–" if shown in _NO_VALUES else str(shown)

    def _of_code(self, code: str) -> Confidentiality:
        """Return the confidentiality of a question, derived value or pool: the strictest of today and then."""
        level = self._level_of(code)
        # Callers may ask for any code, so the unknown ones are not remembered.
        return level if level is UNKNOWN else self._levels.setdefault(code, level)

    def _level_of(self, code: str) -> Confidentiality:
        known = self._catalogue.questions.get(code)
        if known is not None:
            if not self._past:
                return _OF_QUESTION[known.question.sensitivity]
            then = (_OF_QUESTION[past[code]] for past in self._past if code in past)
            return max(_OF_QUESTION[known.question.sensitivity], *then, PUBLIC)
        if code in self._catalogue.pools:
            return PUBLIC
        derived = self._catalogue.derived.get(code)
        if derived is None:
            return UNKNOWN
        level = _OF_QUESTION[derived.tag]
        if self._past and derived.value.kind != TRUTH:
            level = max(level, *(self._of_code(read) for read in derived.value.reads))
        return level

    def _message(self, message: Message, document: Callable[[], Document]) -> Message | None:
        """Return ``message`` as the reader may see it, None for one that would tell a hit from a guess."""
        path = Path(message.path)
        if message.code in QUOTING_OWN and self.hides(path, find_answer(document(), path)):
            return msgspec.structs.replace(message, text=NOT_SHOWN)
        if message.code not in RELATIONS or not self._hides_related(path.code, message.code, document()):
            return message
        return None if message.code == UNIQUE_IN_POOL else msgspec.structs.replace(message, text=DOES_NOT_FIT)

    def _hides_related(self, code: str, name: str, document: Document) -> bool:
        """Return whether the reader may not see an answer that a relation ``name`` of the question ``code`` compares
        with. What an earlier release compared with is not known.
        """
        known = self._catalogue.questions.get(code)
        reads = known.related(name) if known else frozenset[str]()
        if not reads:
            return True
        for derived in reads & self._catalogue.derived.keys():
            reads |= questions_of_derived(self._catalogue, derived)
        answers = {
            join_path(prefix, read): container.answers[read]
            for prefix, container in walk_containers(document)
            for read in reads & container.answers.keys()
        }
        unanswered = reads - {Path(path).code for path in answers}
        return any(self.hides(path, answer) for path, answer in answers.items()) or any(map(self.hides, unanswered))

    def _question(self, code: str) -> Question | None:
        known = self._catalogue.questions.get(code)
        return known.question if known else None

    def _gave(self, answer: Answer | None) -> bool:
        by = answer.answered_by if answer is not None and answer.is_answered else None
        return by is not None and self.reader.guest_id != "" and (by.type, by.id) == ("guest", self.reader.guest_id)
