"""Forms to save, as the batch's tests have them."""

from tests.harness.kennel_forms import agent, kennels, make_form

__all__ = ["agent", "kennels", "make_form"]
