"""Forms to save, as the batch's tests have them."""

from tests.batch.conftest import agent, kennels, make_form

__all__ = ["agent", "kennels", "make_form"]
