"""The fixtures of the batch, for forms to save."""

from tests.batch.conftest import agent, kennels, make_form

__all__ = ["agent", "kennels", "make_form"]
