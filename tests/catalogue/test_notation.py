"""The Python-like notation in CEL, expression by expression."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.notation import NotationError, Vocabulary, to_cel

SHOP = Vocabulary(
    industry_question="industry",
    lines_question="lines",
    pools={"sites": ("sites",), "rooms": ("sites", "rooms"), "staff": ("staff",)},
    fields={"site_kind": "sites", "room_size": "rooms", "room_use": "rooms", "pay": "staff", "pay_kind": "staff"},
)


@pytest.mark.parametrize(
    ("notation", "cel"),
    [
        ("a and b or not c", "a && b || !c"),
        ("a and (b or c)", "a && (b || c)"),
        ("not (a and b)", "!(a && b)"),
        ("not has('x')", '!("x" in lines)'),
        ("has('x') and has('y')", '"x" in lines && "y" in lines'),
        ("naics('722')", 'industry.startsWith("722")'),
        ("naics('722', '44')", 'industry.startsWithAny(["722", "44"])'),
        ("a == False or b == True", "a == false || b == true"),
        ("a in ['x', \"y\"]", 'a in ["x", "y"]'),
        ("a not in ['x']", '!(a in ["x"])'),
        ("1 < a <= 2.5", "1 < a && a <= 2.5"),
        ("(a > 1) == (b > 1)", "(a > 1) == (b > 1)"),
        ("a - (b - c) - d", "a - (b - c) - d"),
        ("(a + b) * c / d % 2", "(a + b) * c / d % 2"),
        ("-a * -(b + 1)", "-a * -(b + 1)"),
        ("a if b else c", "b ? a : c"),
        ("a if b else c if d else e", "b ? a : d ? c : e"),
        ("1 + (a if b else c)", "1 + (b ? a : c)"),
        ("a if (b if c else d) else e", "(c ? b : d) ? a : e"),
        ("year(as_of) - started", "year(as_of) - started"),
        ("years(born) < 3", "years(born) < 3"),
        ("name == 'O\\'Neil \"x\"'", 'name == "O\'Neil \\"x\\""'),
        ("pay > 5", "pay > 5"),
        ("any(staff, pay > 5)", "staff.exists(s, s.pay > 5)"),
        ("all(staff, pay > limit)", "staff.all(s, s.pay > limit)"),
        ("count(staff)", "count(staff)"),
        ("count(staff, pay_kind != 'none')", 'count(staff.filter(s, s.pay_kind != "none"))'),
        ("sum(staff, pay)", "sum(staff.map(s, s.pay))"),
        ("min(staff, pay * 2)", "min(staff.map(s, s.pay * 2))"),
        ("any(sites.rooms, room_size > 5)", "sites.exists(s, s.rooms.exists(r, r.room_size > 5))"),
        ("all(sites.rooms, room_use == site_kind)", "sites.all(s, s.rooms.all(r, r.room_use == s.site_kind))"),
        ("max(sites.rooms, room_size)", "max(sites.map(s, max(s.rooms.map(r, r.room_size))))"),
        ("sum(sites.rooms, room_size)", "sum(sites.map(s, sum(s.rooms.map(r, r.room_size))))"),
        ("count(sites.rooms)", "sum(sites.map(s, count(s.rooms)))"),
        ("count(sites.rooms, room_size > 5)", "sum(sites.map(s, count(s.rooms.filter(r, r.room_size > 5))))"),
        ("any(sites, sum(staff, pay) > 5)", "sites.exists(s, sum(staff.map(s2, s2.pay)) > 5)"),
        ("any(staff, naics('7'))", 'staff.exists(s, industry.startsWith("7"))'),
    ],
)
def test_expressions(notation, cel):
    assert to_cel(notation, SHOP) == cel


@pytest.mark.parametrize(
    ("notation", "words", "column"),
    [
        ("a is b", "==", 1),
        ("a == None", "None", 6),
        ("f(a)", "f()", 1),
        ("any(rooms, room_size > 5)", "'rooms' is not a pool", 5),
        ("any(cellars, a)", "'cellars' is not a pool", 5),
        ("any(staff)", "any() takes", 1),
        ("any(staff, a, b)", "any() takes", 1),
        ("any(staff, any(staff, pay > 1))", "outer loop", 16),
        ("a[0]", "a[0]", 1),
        ("lambda: 1", "lambda", 1),
        ("a.b", "a.b", 1),
        ("a ** 2", "a ** 2", 1),
        ("year(a, b)", "year() with 2", 1),
        ("sum(staff, key=pay)", "key", 1),
        ("1e400", "not a value", 1),
        ("b'x'", "not a value", 1),
    ],
)
def test_what_the_notation_does_not_have_is_refused(notation, words, column):
    with pytest.raises(NotationError, match=".") as caught:
        to_cel(notation, SHOP)

    assert words in str(caught.value)
    assert caught.value.column == column


@pytest.mark.parametrize("notation", ["a +", "", "a b", "(", "'x", "a = 5", "\x00"])
def test_what_is_no_expression_is_refused(notation):
    with pytest.raises(NotationError, match="not an expression"):
        to_cel(notation, SHOP)


@pytest.mark.parametrize(("notation", "words"), [("has('x')", "lines"), ("naics('7')", "industry")])
def test_a_catalogue_without_the_question_is_told(notation, words):
    with pytest.raises(NotationError, match=words):
        to_cel(notation, Vocabulary())


@given(st.text(max_size=60))
def test_no_text_does_more_than_be_refused(text):
    try:
        to_cel(text, SHOP)
    except NotationError as error:
        assert error.column >= 1
