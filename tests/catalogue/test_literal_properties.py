"""For random catalogues: a literal is accepted exactly if an answer can equal it, and choices match in every Unicode
form.
"""

from __future__ import annotations

import json
import unicodedata
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.files import read_catalogue, write_catalogue
from catalogue.strict_check import check_catalogue
from copies.document import Answer, Document
from rules.definition.catalogue import CatalogueDefinition, Question, QuestionSet
from rules.definition.compiler import compile_catalogue
from rules.definition.faults import CatalogueErrors
from rules.flow import check_flow
from rules.types.cleaning import InvalidValue, clean
from tests.harness.boarding_catalogue import AS_OF
from tests.harness.tiers import amount

#: Codes with accents, capitals and spaces, right and wrong ones.
CODES = st.text("aAbB\u00e9e\u0301 -1", min_size=1, max_size=4)
CLEAN_CODES = CODES.map(lambda code: " ".join(unicodedata.normalize("NFC", code).split())).filter(bool)
CHOICES = st.lists(CLEAN_CODES, min_size=1, max_size=4, unique=True)
TEXTS = st.one_of(
    CODES,
    st.sampled_from(["", "02108", "2108", "02108-1234", "a  b", " a", "722511", "442110", "12-3456789", "a@b.com"]),
    st.text(max_size=6).filter(lambda text: text.isprintable()),
)
NUMBERS = st.one_of(
    st.integers(-5, 3000),
    st.sampled_from([26, 1026, 9999, 10000, 10**13]),
    st.decimals(0, 100, places=3).map(float),
)
TYPES = {
    "text": TEXTS,
    "long_text": TEXTS,
    "choice": TEXTS,
    "multi_choice": st.lists(TEXTS, max_size=3),
    "zip": TEXTS,
    "email": TEXTS,
    "naics": TEXTS,
    "integer": NUMBERS,
    "money": NUMBERS,
    "year": NUMBERS,
    "percent": NUMBERS,
    "number": NUMBERS,
    "boolean": st.booleans(),
}


@st.composite
def cases(draw: Any) -> tuple[CatalogueDefinition, Any]:
    """Return a catalogue in which a question is shown while another one equals a literal, and the literal."""
    kind = draw(st.sampled_from(sorted(TYPES)))
    choices = draw(CHOICES)
    literal = draw(TYPES[kind])
    if kind in ("choice", "multi_choice") and draw(st.booleans()):
        literal = draw(st.sampled_from(choices)) if kind == "choice" else draw(st.permutations(choices))
    written = json.dumps(literal, ensure_ascii=False)
    condition = draw(st.sampled_from([f"asked == {written}", f"{written} == asked"]))
    if kind != "multi_choice" and draw(st.booleans()):
        condition = f"asked in [{written}]"
    asked = Question(code="asked", label="A", type=kind, choices="codes" if "choice" in kind else "")
    shown = Question(code="shown", label="S", type="text", when=condition)
    definition = CatalogueDefinition(
        code="c",
        title="C",
        choices={"codes": dict.fromkeys(choices, "Label")},
        question_sets=(QuestionSet(code="s", title="S", questions=(asked, shown)),),
    )
    return definition, literal


def is_shown(definition: CatalogueDefinition, literal: Any) -> bool:
    """Return whether answering with ``literal`` shows the question behind the condition."""
    compiled = compile_catalogue(definition)
    try:
        answer = clean(compiled, compiled.questions["asked"].question, literal)
    except InvalidValue:
        return False
    document = Document(answers={"asked": Answer(value=answer, active=True)})
    result = check_flow.run(compiled, document, as_of=AS_OF, release=1, reveal=lambda path, item: item.value)
    return any(state.path == "shown" and state.active for state in result.states)


@settings(max_examples=amount(40, full=300), deadline=None)
@given(case=cases())
def test_a_literal_is_accepted_exactly_if_an_answer_equals_it(case: tuple[CatalogueDefinition, Any]) -> None:
    definition, literal = case
    try:
        check_catalogue(definition)
    except CatalogueErrors as error:
        assert {fault.code for fault in error.faults} <= {"unknown_choice", "never_true"}
        # A literal industry code must exist, which cleaning does not ask of answers.
        assert definition.question_sets[0].questions[0].type == "naics" or not is_shown(definition, literal)
    else:
        assert is_shown(definition, literal)


@settings(max_examples=amount(20, full=100), deadline=None)
@given(codes=CHOICES, file=st.sampled_from(["NFC", "NFD"]), answer=st.sampled_from(["NFC", "NFD"]), data=st.data())
def test_a_choice_can_be_chosen_in_every_unicode_form(codes: list[str], file: Any, answer: Any, data: Any) -> None:
    question = Question(code="asked", label="A", type="choice", choices="codes")
    definition = CatalogueDefinition(
        code="c",
        title="C",
        choices={"codes": dict.fromkeys(codes, "Label")},
        question_sets=(QuestionSet(code="s", title="S", questions=(question,)),),
    )
    code = data.draw(st.sampled_from(codes))

    read = read_catalogue(unicodedata.normalize(file, write_catalogue(definition)))

    assert read == definition
    assert clean(compile_catalogue(read), question, unicodedata.normalize(answer, code)) == code
