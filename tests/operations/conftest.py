"""The fixtures of the operations' tests: a tenant with the kennel catalogue, an agent, and forms to work on."""

from tests.harness.kennel_forms import agent, form_id, kennels, make_form, saved

__all__ = ["agent", "form_id", "kennels", "make_form", "saved"]
