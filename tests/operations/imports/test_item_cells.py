"""Items as cells and back: unchanged cells mean the value behind them, changed ones the text that was typed."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from operations.imports.item_cells import Leaf, cell_text, correct, leaves_of
from presentation.csv_cells import safe_cell

ITEM = {
    "title": "A form",
    "answers": {"name": "Acme", "lobs": ["bop", "gl"], "yes": True, "none": None, "ssn": "123-45-6789", "odd": "=1+1"},
    "answer_pools": {"locations": [{"answers": {"zip": "02134"}}, {"id": "r2", "answers": {"zip": 5}, "delete": True}]},
}


def shown(leaf: Leaf) -> str:
    return "••••" if leaf.code == "ssn" else cell_text(leaf.value)


def sent(item: dict[str, Any]) -> dict[str, str]:
    return {column: safe_cell(shown(leaf)) for column, leaf in leaves_of(item).items()}


def test_an_item_has_a_column_for_each_value() -> None:
    assert sent(ITEM) == {
        "title": "A form",
        "name": "Acme",
        "lobs": "bop; gl",
        "yes": "true",
        "none": "",
        "ssn": "••••",
        "odd": "'=1+1",
        "locations[1].zip": "02134",
        "locations[2].id": "r2",
        "locations[2].zip": "5",
        "locations[2].delete": "true",
    }


def test_cells_as_they_were_sent_change_nothing() -> None:
    assert correct(ITEM, sent(ITEM), shown) == (ITEM, [])
    assert correct(ITEM, {}, shown) == (ITEM, [])


def test_a_correction_is_the_text_that_was_typed() -> None:
    cells = {
        **sent(ITEM),
        "name": "'-Acme",
        "lobs": "wc",
        "none": "3",
        "yes": "",
        "locations[1].zip": "78701",
        "locations[3].zip": "1",
        "locations[1].buildings[1].year": "1990",
        "new": "x",
    }

    item, faults = correct(ITEM, cells, shown)

    assert faults == []
    assert item["answers"] == {
        "name": "-Acme", "lobs": ["wc"], "none": "3", "ssn": "123-45-6789", "odd": "=1+1", "new": "x",
    }  # fmt: skip
    assert item["answer_pools"]["locations"] == [
        {"answers": {"zip": "78701"}, "answer_pools": {"buildings": [{"answers": {"year": "1990"}}]}},
        {"id": "r2", "answers": {"zip": 5}, "delete": True},
        {"answers": {"zip": "1"}},
    ]


def test_a_mask_in_another_place_is_no_answer() -> None:
    item, faults = correct(ITEM, {**sent(ITEM), "name": "••••", "a b": "x", "locations[99999].zip": "1"}, shown)

    assert [(fault.column, fault.code) for fault in faults] == [
        ("name", "masked_value"),
        ("a b", "unknown_column"),
        ("locations[99999].zip", "unknown_column"),
    ]
    assert item == ITEM


CODES = st.from_regex(r"[a-z]{1,4}_[a-z0-9]{1,4}", fullmatch=True)
VALUES = st.one_of(
    st.text(max_size=8), st.integers(), st.booleans(), st.none(), st.lists(st.sampled_from(["a", "b"]), max_size=2)
)
ROWS = st.lists(st.fixed_dictionaries({"answers": st.dictionaries(CODES, VALUES, min_size=1, max_size=2)}), max_size=3)
ITEMS = st.fixed_dictionaries(
    {"answers": st.dictionaries(CODES, VALUES, max_size=4), "answer_pools": st.dictionaries(CODES, ROWS, max_size=2)}
)


@given(ITEMS)
def test_every_item_comes_back_as_it_was(item: dict[str, Any]) -> None:
    assert correct(item, sent(item), shown) == (item, [])


@given(ITEMS, st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(str.strip))
def test_one_corrected_cell_changes_nothing_else(item: dict[str, Any], text: str) -> None:
    text = text.lstrip("'•") or "x"
    columns = sent(item)
    texts = [name for name, leaf in leaves_of(item).items() if isinstance(leaf.value, str)]
    if not texts or columns[texts[0]] == text:
        return

    corrected, faults = correct(item, {**columns, texts[0]: safe_cell(text)}, shown)

    assert faults == []
    after = {name: leaf.value for name, leaf in leaves_of(corrected).items()}
    before = {name: leaf.value for name, leaf in leaves_of(item).items()}
    assert after == {**before, texts[0]: text}
