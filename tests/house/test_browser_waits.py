"""Browser tests wait for functions: Chromium evaluates an expression anew at each poll, which the pages' strict policy
refuses, but only when the first poll does not succeed.
"""

import ast
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def test_waits_take_functions() -> None:
    waits = [
        (path.name, call.args[0])
        for path in sorted(TESTS.rglob("*.py"))
        if "wait_for_function(" in (text := path.read_text(encoding="utf-8"))
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "wait_for_function"
    ]

    expressions = [
        (name, script.value)
        for name, script in waits
        if isinstance(script, ast.Constant) and isinstance(script.value, str) and "=>" not in script.value
    ]

    assert waits
    assert expressions == []
