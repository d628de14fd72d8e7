"""A small catalogue of another trade, made by hand for the batch's tests: boarding kennels."""

from typing import Final

from rules.definition.catalogue import (
    Carrier,
    CatalogueDefinition,
    FormRule,
    Line,
    Link,
    Pool,
    Product,
    ProductRule,
    Question,
    QuestionSet,
    Rating,
    Term,
)

KENNELS: Final = CatalogueDefinition(
    code="kennels",
    title="Boarding kennels",
    allow_test_identities=True,
    lines_question="lines",
    title_question="kennel_name",
    choices={"lines": {"care": "Animals in care", "premises": "Premises"}, "states": {"TX": "Texas", "OH": "Ohio"}},
    question_sets=(
        QuestionSet(
            code="start",
            title="The kennel",
            questions=(
                Question(
                    code="kennel_name",
                    label="Name of the kennel",
                    type="text",
                    required="quote",
                    validate=("max:40",),
                    indexed=True,
                ),
                Question(code="lines", label="Cover wanted", type="multi_choice", choices="lines", required="quote"),
                Question(code="state", label="State", type="choice", choices="states", required="quote"),
                Question(code="trade", label="Trade", type="naics", required="quote"),
                Question(code="owner_ssn", label="Owner's SSN", type="ssn", required="bind", sensitivity="spi"),
                Question(code="owner_phone", label="Phone", type="phone", sensitivity="pii", indexed=True),
                Question(code="has_cats", label="Are cats boarded?", type="boolean", required="quote"),
                Question(
                    code="cat_count",
                    label="Cats at most",
                    type="integer",
                    required="quote",
                    validate=("min:1",),
                    when="has_cats",
                ),
            ),
        ),
        QuestionSet(
            code="houses",
            title="Kennel houses",
            when='"care" in lines',
            pool=Pool(code="houses", min=1, max=3, key=("house_name",)),
            questions=(
                Question(code="house_name", label="House", type="text", required="quote"),
                Question(code="runs", label="Runs", type="integer", required="quote", validate=("min:1", "max:200")),
            ),
        ),
        QuestionSet(
            code="fences",
            title="Fences of a house",
            when='"care" in lines',
            pool=Pool(code="fences", parent="houses", max=5),
            questions=(Question(code="fence_feet", label="Height in feet", type="number", required="quote"),),
        ),
    ),
    form_rules=(FormRule(id="K-01", when="cat_count > 50", then="warn", at="cat_count", say="Many cats - check"),),
    lines=(
        Line(code="care", label="Animals in care", states="[state]", industry="trade"),
        Line(code="premises", label="Premises", states="[state]", industry="trade"),
    ),
    carriers=(
        Carrier(code="PA", name="Pawprint Mutual", admitted=True, link=Link(mode="sync")),
        Carrier(code="WO", name="Wolfhound Specialty", admitted=False, link=Link(mode="manual")),
    ),
    products=(
        Product(
            code="PA-CARE",
            carrier="PA",
            line="care",
            rate_type="bindable",
            states=("TX", "OH"),
            rating=Rating(minimum="300", terms=(Term(rate="12.5", of="sum(houses.map(h, h.runs))"),)),
            rules=(
                ProductRule(id="P1", when="cat_count > 100", then="decline", why="More than 100 cats"),
                ProductRule(id="P2", when="houses.exists(h, h.runs > 50)", then="refer", why="A large house"),
            ),
        ),
        Product(code="WO-CARE", carrier="WO", line="care", rate_type="indication", rating=Rating(minimum="900")),
    ),
)

#: Answers with which, and with ``HOUSES``, PA-CARE is eligible at 300 dollars.
ANSWERS: Final = {
    "kennel_name": "Happy Tails",
    "lines": ["care"],
    "state": "TX",
    "trade": "812910",
    "has_cats": False,
}
HOUSES: Final = [
    {"answers": {"house_name": "North", "runs": 20}, "answer_pools": {"fences": [{"answers": {"fence_feet": 6}}]}}
]
