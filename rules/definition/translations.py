"""The texts of a catalogue that guests read, and their translations: ``<code>.<key>`` or ``<choice list>.<choice>``.
Pure.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Final

from rules.definition.catalogue import CatalogueDefinition
from rules.definition.faults import CatalogueFault

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}")
#: The part of a title in parentheses is shown on the card only.
_SHORTER: Final = " ("


def texts_of(definition: CatalogueDefinition) -> dict[str, str]:
    """Return the texts by the keys that name them in ``translations``."""
    return dict(_texts(definition))


def translations_by_text(definition: CatalogueDefinition, language: str) -> dict[str, str]:
    """Return the translations into ``language`` by the texts that they translate."""
    known, by_text = texts_of(definition), {}
    for key, translation in definition.translations.get(language, {}).items():
        text = known.get(key, "")
        by_text[text] = translation
        if _SHORTER in text:
            by_text[text.partition(_SHORTER)[0]] = translation.partition(_SHORTER)[0]
        if text.endswith("?"):
            # An announcement names questions without their marks.
            by_text[text.rstrip("?")] = translation.strip("¿?")
    return by_text


def translation_faults(definition: CatalogueDefinition) -> Iterator[CatalogueFault]:
    """Yield a fault for each language and key that does not exist."""
    known = texts_of(definition) if definition.translations else {}
    for language, texts in definition.translations.items():
        if not _LANGUAGE.fullmatch(language):
            yield CatalogueFault(
                "bad_code",
                f"translations[{language}]",
                f"{language!r} is no code of a language.",
                "Write es, for example.",
            )
        for key in texts.keys() - known.keys():
            close = difflib.get_close_matches(key, known, n=1)
            remedy = f"Did you mean {close[0]!r}?" if close else "Write <code>.label, <code>.help or <list>.<choice>."
            yield CatalogueFault(
                "unknown_text", f"translations[{language}][{key}]", f"There is no text {key!r}.", remedy
            )


def _texts(definition: CatalogueDefinition) -> Iterator[tuple[str, str]]:
    for part in definition.question_sets:
        yield f"{part.code}.title", part.title
        if part.pool and part.pool.noun:
            yield f"{part.pool.code}.noun", part.pool.noun
        if part.same_as_label:
            yield f"{part.code}.same_as_label", part.same_as_label
        for question in part.questions:
            yield f"{question.code}.label", question.label
            if question.help:
                yield f"{question.code}.help", question.help
    for code, choices in definition.choices.items():
        yield from ((f"{code}.{choice}", label) for choice, label in choices.items())
    for derived in definition.derived:
        if derived.label:
            yield f"{derived.code}.label", derived.label
    for rule in definition.form_rules:
        yield f"{rule.id}.say", rule.say
