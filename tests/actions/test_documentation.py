"""The example of ``docs/actions.md`` works as written."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

from actions.kinds import DeferredAction, FieldsPayload, PayloadTime
from actions.registry import Budget, Delivered, Handler, PermanentFailure, Registry
from actions.relay import drain
from tenants.models import Tenant
from tests.harness.outboxes import put

PAGE = Path(__file__).resolve().parents[2] / "docs" / "actions.md"


@pytest.mark.django_db
def test_a_kind_is_added_as_the_page_says(harbor: Tenant) -> None:
    registry = Registry()

    def handles(kind: type[DeferredAction], *, budget: Budget | None = None) -> Callable[[Handler], None]:
        return partial(registry.register, kind, budget=budget)

    known: dict[str, Any] = {
        "dataclass": dataclass, "ClassVar": ClassVar, "Any": Any, "PayloadTime": PayloadTime,
        "FieldsPayload": FieldsPayload, "Budget": Budget,
        "Delivered": Delivered, "PermanentFailure": PermanentFailure, "handles": handles,
        "registry": registry, "drain": drain, "put": put, "__name__": __name__,
    }  # fmt: skip
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 3

    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), known)  # noqa: S102 - the page is ours

    test: Callable[[Tenant], None] = known["test_an_owner_is_greeted"]
    test(harbor)
    assert len(known["greeted"]) == 1
