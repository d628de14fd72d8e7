"""The rule language: the value of texts with known, hidden and unknown values, and refused texts."""

from __future__ import annotations

import itertools
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.language.expressions import Language, Scope, Variable
from rules.language.faults import TextFaults
from rules.language.kinds import DATE, NUMBER, TEXT, TEXTS, TRUTH, rows_of
from rules.language.syntax import unparse
from rules.language.values import Unknown

LANGUAGE = Language(
    {"rooms": {"name": Variable(TEXT, 0, 0), "size": Variable(NUMBER, 0, 1), "open": Variable(TRUTH, 0, 2)}}
)
KINDS = {
    "a": TRUTH,
    "b": TRUTH,
    "c": TRUTH,
    "n": NUMBER,
    "m": NUMBER,
    "t": TEXT,
    "d": DATE,
    "many": TEXTS,
    "rooms": rows_of("rooms"),
}
SCOPE = Scope(LANGUAGE, {name: Variable(kind, 0, slot) for slot, (name, kind) in enumerate(KINDS.items(), start=1)})
HIDDEN = None
OPEN_N = Unknown(frozenset({"n"}))


class Row:
    def __init__(self, *values: Any) -> None:
        self.values = list(values)
        self.parent = None


def evaluate(source: str, **values: Any) -> Any:
    root = [date(2026, 6, 1), *(values.get(name) for name in KINDS)]
    return SCOPE.compile(source).evaluate(root)


@pytest.mark.parametrize(
    ("source", "values", "wanted"),
    [
        ("n > 3", {"n": 4}, True),
        ("n > 3", {"n": HIDDEN}, False),
        ("n != 3", {"n": HIDDEN}, False),
        ("!(n == 3)", {"n": HIDDEN}, True),
        ("n > 3", {"n": OPEN_N}, OPEN_N),
        ("n > m", {"n": OPEN_N, "m": HIDDEN}, False),
        ("n + m > 3", {"n": OPEN_N, "m": HIDDEN}, False),
        ("n + m", {"n": Decimal("0.1"), "m": Decimal("0.2")}, Decimal("0.3")),
        ("0.1 + 0.2 == 0.3", {}, True),
        ("n / m", {"n": 1, "m": 0}, None),
        ("n / m > 0.3", {"n": 1, "m": 3}, True),
        ("-n", {"n": 2}, -2),
        ("a ? 1 : 2", {"a": HIDDEN}, 2),
        ("n > 1 ? 1 : 2", {"n": OPEN_N}, OPEN_N),
        ('t in ["x", "y"]', {"t": "y"}, True),
        ('t in ["x", "y"]', {"t": HIDDEN}, False),
        ('"x" in many', {"many": ["x"]}, True),
        ('"x" in many', {"many": HIDDEN}, False),
        ('t.startsWith("72")', {"t": "722"}, True),
        ('t.startsWithAny(["1", "72"])', {"t": "722"}, True),
        ('startsWithAny(t, ["1"])', {"t": HIDDEN}, False),
        ('t.matches("^a+$")', {"t": "aaa"}, True),
        ('t.matches("^a+$")', {"t": HIDDEN}, False),
        ("year(d)", {"d": date(2020, 1, 1)}, 2020),
        ("years(d)", {"d": date(2020, 6, 2)}, 5),
        ("years(d)", {"d": date(2020, 6, 1)}, 6),
        ('d < date("2020-01-02")', {"d": date(2020, 1, 1)}, True),
        ("sum([n, m])", {"n": 1, "m": HIDDEN}, 1),
        ("sum([n, m])", {"n": 1, "m": OPEN_N}, OPEN_N),
        ("min([n, m])", {"n": 1, "m": HIDDEN}, 1),
        ("max([n, m])", {}, None),
        ("size(many)", {"many": ["x", "y"]}, 2),
        ("[n, 2] == [1, 2]", {"n": OPEN_N}, OPEN_N),
        ("[n, 3] == [1, 2]", {"n": OPEN_N}, False),
        ("0x10 > 15", {}, True),
        ("-5 < - 4", {}, True),
    ],
)
def test_a_text_means(source: str, values: dict[str, Any], wanted: Any) -> None:
    assert evaluate(source, **values) == wanted


OPEN_SIZE = Unknown(frozenset({"rooms/2/size"}))


@pytest.mark.parametrize(
    ("source", "sizes", "wanted"),
    [
        ("rooms.exists(r, r.size > 5)", [9, OPEN_SIZE], True),
        ("rooms.exists(r, r.size > 5)", [1, OPEN_SIZE], OPEN_SIZE),
        ("rooms.exists(r, r.size > 5)", [1, HIDDEN], False),
        ("rooms.exists(r, r.size > 5)", [], False),
        ("rooms.all(r, r.size > 5)", [], True),
        ("rooms.all(r, r.size > 5)", [1, OPEN_SIZE], False),
        ("rooms.all(r, r.size > 5)", [9, OPEN_SIZE], OPEN_SIZE),
        ("rooms.exists_one(r, r.size > 5)", [9, 8, OPEN_SIZE], False),
        ("rooms.exists_one(r, r.size > 5)", [9, OPEN_SIZE], OPEN_SIZE),
        ("count(rooms.filter(r, r.size > 5))", [9, 1, HIDDEN], 1),
        ("count(rooms.filter(r, r.size > 5))", [9, OPEN_SIZE], OPEN_SIZE),
        ("count(rooms)", [OPEN_SIZE], 1),
        ("sum(rooms.map(r, r.size > 5, r.size))", [9, 1], 9),
        ("sum(rooms.map(r, r.size))", [9, OPEN_SIZE], OPEN_SIZE),
        ("sum(rooms.map(r, r.size))", [], 0),
        ("max(rooms.map(r, r.size))", [], None),
        ("sum(rooms.filter(r, r.size > 5).map(q, q.size))", [9, 1, 7], 16),
        ("sum(rooms.filter(r, r.size > 5).map(q, q.size))", [9, OPEN_SIZE], OPEN_SIZE),
        ("rooms.filter(r, r.size > 5).exists(r2, r2.size > 7)", [OPEN_SIZE, 8], True),
        ("rooms.filter(r, r.size > 5).all(r2, r2.size > 4)", [9, 6], True),
        ("rooms.exists(r, rooms.exists(q, q.size > r.size))", [1, 2], True),
    ],
)
def test_a_loop_over_rows_means(source: str, sizes: list[Any], wanted: Any) -> None:
    rows = [Row("x", size, True) for size in sizes]

    assert evaluate(source, rooms=rows) == wanted


@pytest.mark.parametrize("rows", ["rooms", "rooms.filter(r, r.size > 5)", "rooms.filter(r, r.size > 50)"])
@pytest.mark.parametrize("sizes", [[], [9, 1, HIDDEN], [9, OPEN_SIZE, HIDDEN, 2]])
@pytest.mark.parametrize("over", ["sum", "min", "max", "count"])
def test_the_short_way_to_a_field_is_the_loop(rows: str, sizes: list[Any], over: str) -> None:
    made = [Row("x", size, True) for size in sizes]

    short = evaluate(f"{over}({rows}.map(q, q.size))", rooms=made)

    assert short == evaluate(f"{over}({rows}.map(q, true ? q.size : q.size))", rooms=made)


@pytest.mark.parametrize(
    ("source", "code", "offset"),
    [
        ("n > ", "syntax_error", 4),
        ("nn > 1", "unknown_question", 0),
        ("1 < 2 && rooms.exists(r, r.siz > 1)", "unknown_question", 26),
        ('10 > 3 && n > "x"', "type_error", 12),
        ('rooms.exists(r, r.size == "x")', "type_error", 23),
        ("n.size > 1", "type_error", 1),
        ("n + 1", "type_error", 0),
        ("n == null", "unknown_function", 5),
        ("has(rooms.name)", "unknown_function", 3),
        ('timestamp("2020-01-01T00:00:00Z") > d', "unknown_function", 9),
        ("rooms[0].size > 1", "unknown_function", 5),
        ('{"a": 1} == {"a": 1}', "unknown_function", 0),
        ("n > 1u", "unknown_function", 4),
        ('date("2026-02-30") < d', "wrong_constant", 4),
        ("date(t) < d", "not_constant", 4),
        ('t.matches("(")', "wrong_constant", 9),
        ("t.matches(t)", "not_constant", 9),
        ("rooms.exists(n, true)", "hidden_name", 12),
        ("(" * 400 + "a" + ")" * 400, "too_deep", 0),
        ("n" + "+1" * 300 + " > 1", "too_deep", 0),
        ("a" + " && a" * 3000, "too_long", 0),
        ("a\x00", "syntax_error", 0),
        ("a \ud800", "syntax_error", 0),
        ("rooms.exists(r1, rooms.exists(r2, rooms.exists(r3, rooms.exists(r4, rooms.exists(r5, a)))))", "too_deep", 73),
    ],
)
def test_a_wrong_text_is_refused_at_its_place(source: str, code: str, offset: int) -> None:
    with pytest.raises(TextFaults) as refused:
        SCOPE.compile(source, wanted=(TRUTH,))

    first = refused.value.faults[0]
    assert first.code == code
    assert first.text.endswith(".") and first.remedy.endswith((".", "?"))
    if code not in ("too_deep", "hidden_name", "unknown_function", "wrong_constant", "not_constant"):
        assert first.offset == offset


def test_all_unknown_names_of_a_text_are_reported_with_the_closest_name() -> None:
    with pytest.raises(TextFaults) as refused:
        SCOPE.compile("maby > 1 && manny > 2")

    assert [fault.remedy for fault in refused.value.faults] == ["Did you mean 'many'?", "Did you mean 'many'?"]


def test_a_text_names_its_reads() -> None:
    assert SCOPE.compile("n > 1 && rooms.exists(r, r.size > as_of.x) ".replace("as_of.x", "m")).reads == {
        "n",
        "m",
        "rooms",
        "size",
    }


@pytest.mark.parametrize(
    "source",
    [
        "a && (b || c)",
        "(a || b) && !c",
        "n - (m - 1) > 2",
        "(n + m) * 2 == 1.5",
        "rooms.map(r, r.open, r.size) == [1]",
        "a ? n : m",
    ],
)
def test_a_tree_is_written_as_its_source_text(source: str) -> None:
    assert unparse(SCOPE.compile(source).term.node) == source


def test_unknown_names_only_the_answers_that_matter() -> None:
    values = {name: Unknown(frozenset({name})) for name in ("a", "b")}

    assert evaluate("a && b", **values).paths == {"a", "b"}
    assert evaluate("a && c", a=values["a"], c=True).paths == {"a"}
    assert evaluate("a || (b && c)", **values, c=False).paths == {"a"}


# Kleene's laws, against a reference that computes with 0, 1/2 and 1

STATES = {"true": True, "false": False, "hidden": None, "unknown": "unknown"}
TREES = st.recursive(
    st.sampled_from(["a", "b", "c"]).map(lambda name: (name,)),
    lambda below: st.one_of(st.tuples(st.just("!"), below), st.tuples(st.sampled_from(["&&", "||"]), below, below)),
    max_leaves=8,
)


def text_of(tree: Any) -> str:
    if len(tree) == 1:
        return str(tree[0])
    if len(tree) == 2:
        return f"!({text_of(tree[1])})"
    return f"({text_of(tree[1])}) {tree[0]} ({text_of(tree[2])})"


def reference(tree: Any, values: dict[str, float]) -> float:
    if len(tree) == 1:
        return values[tree[0]]
    if len(tree) == 2:
        return 1 - reference(tree[1], values)
    return (min if tree[0] == "&&" else max)(reference(tree[1], values), reference(tree[2], values))


@settings(max_examples=150, deadline=None)
@given(tree=TREES, states=st.fixed_dictionaries({name: st.sampled_from(sorted(STATES)) for name in "abc"}))
def test_truth_follows_kleene_and_never_decides_too_early(tree: Any, states: dict[str, str]) -> None:
    given_values = {
        name: Unknown(frozenset({name})) if state == "unknown" else STATES[state] for name, state in states.items()
    }
    degree = {name: {"true": 1.0, "unknown": 0.5}.get(state, 0.0) for name, state in states.items()}
    open_names = [name for name, state in states.items() if state == "unknown"]

    result = evaluate(text_of(tree), **given_values)

    # Hidden as a whole expression stays hidden, which counts as false.
    wanted = reference(tree, degree)
    assert {True: 1.0, False: 0.0, None: 0.0}.get(result, 0.5) == wanted
    if isinstance(result, Unknown):
        assert result.paths <= set(open_names)
        # Answering all named questions decides it.
        for answers in itertools.product([0.0, 1.0], repeat=len(result.paths)):
            assert reference(tree, degree | dict(zip(sorted(result.paths), answers, strict=True))) != 0.5
    else:
        for answers in itertools.product([0.0, 1.0], repeat=len(open_names)):
            assert reference(tree, degree | dict(zip(open_names, answers, strict=True))) == wanted


@settings(max_examples=200, deadline=None)
@given(
    source=st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                [
                    "a",
                    "n",
                    "rooms",
                    "r",
                    ".",
                    "(",
                    ")",
                    "exists",
                    ",",
                    " && ",
                    "1",
                    " > ",
                    "'",
                    "[",
                    "]",
                    "{",
                    "?",
                    ":",
                    "size",
                    "\n",
                    "0x",
                    "1e9",
                    "-",
                ]
            ),
            max_size=20,
        ).map("".join),
    )
)
def test_garbage_is_refused_and_breaks_nothing(source: str) -> None:
    try:
        SCOPE.compile(source)
    except TextFaults as refused:
        assert refused.faults
        assert all(0 <= fault.offset <= len(source) for fault in refused.faults)
