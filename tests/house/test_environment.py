"""The environment of the product's programs."""

import pytest

from house.environment import product_environment


@pytest.mark.parametrize("name", ["PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE"])
def test_misleading_and_slow_variables_of_the_caller_are_left_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "1")
    monkeypatch.setenv("LOG_LEVEL", "ERROR")

    environment = product_environment({})

    assert name not in environment
    assert environment["LOG_LEVEL"] == "ERROR"
