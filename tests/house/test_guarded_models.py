"""Only the batch writes rows of forms and copies: ``save()`` warns as it runs, other writes are detected here."""

import ast
from pathlib import Path

import pytest
from django.apps import apps

from copies.guarded_models import BatchWrittenModel
from copies.models import Copy
from forms.models import Message
from tests.house.test_promises import CHECKOUT, floors, tracked_files

WRITES = {
    "acreate",
    "adelete",
    "aupdate",
    "bulk_create",
    "bulk_update",
    "create",
    "delete",
    "get_or_create",
    "update",
    "update_or_create",
}
MANAGERS = {"objects", "unscoped_objects", "_base_manager", "_default_manager"}
MODELS = [model for model in apps.get_models() if issubclass(model, BatchWrittenModel)]
NAMES = {model.__name__ for model in MODELS}


def found_in(source: str) -> list[str]:
    """Return the writes on querysets of the batch's models, also through a variable."""
    if not any(manager in source for manager in MANAGERS):
        return []  # Reading a module as a tree takes much longer.
    tree = ast.parse(source)
    querysets = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _is_queryset(node.value, set())
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return [
        f"{node.lineno}: {ast.unparse(node)[:80]}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in WRITES
        and _is_queryset(node.func.value, querysets)
    ]


def _is_queryset(node: ast.AST, querysets: set[str]) -> bool:
    has_manager = False
    while isinstance(node, ast.Call | ast.Attribute):
        if isinstance(node, ast.Attribute):
            has_manager |= node.attr in MANAGERS
            node = node.value
        else:
            node = node.func
    return isinstance(node, ast.Name) and (node.id in querysets or (has_manager and node.id in NAMES))


def product_files() -> list[Path]:
    return [
        path
        for path in tracked_files()
        if path.suffix == ".py"
        and path.relative_to(CHECKOUT).parts[0] in floors() | {"failpoints.py", "long_running.py", "tracing.py"}
        and "migrations" not in path.parts
    ]


def test_every_row_of_a_form_or_copy_belongs_to_the_batch() -> None:
    assert {
        "ApplicationForm",
        "Copy",
        "CopyRevision",
        "Declination",
        "Binding",
        "Disposition",
        "EligibilityResult",
        "Event",
        "GuestLink",
        "Message",
        "NaicsSearch",
        "PaymentMethod",
        "Process",
        "QuoteRequest",
        "Subjectivity",
    } == NAMES


def test_no_product_code_writes_them_without_the_batch() -> None:
    found = [f"{path.relative_to(CHECKOUT)}:{line}" for path in product_files() for line in found_in(path.read_text())]

    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "Copy.objects.filter(id=1).update(title='x')",
        "Copy.objects.using('default').bulk_create([copy])",
        "Message.unscoped_objects.create(text='x')",
        "late = Copy.objects.filter(id=1)\nlate.delete()",
    ],
)
def test_such_a_write_is_detected(source: str) -> None:
    assert len(found_in(source)) == 1


def test_other_rows_and_reads_are_allowed() -> None:
    assert found_in("Tenant.objects.create(code='x')\nCopy.objects.filter(id=1).first()\n{}.update(a=1)") == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_save_outside_the_batch_warns_with_the_call_to_use(model: type[BatchWrittenModel]) -> None:
    with pytest.warns(DeprecationWarning, match="written by the batch: with batch.find_and_lock") as warned:
        model()._warn()

    assert model.batch_call in str(warned[0].message)


@pytest.mark.django_db
def test_the_warning_comes_before_anything_is_written() -> None:
    for act in (Copy().save, Message().delete):
        with pytest.raises(DeprecationWarning, match=r"context\.save\(\)"):
            act()
