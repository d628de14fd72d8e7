"""The fixtures of the batch, for forms to save."""

from tests.harness.kennel_forms import agent, kennels, make_form

__all__ = ["agent", "kennels", "make_form"]
