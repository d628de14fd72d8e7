"""The fixtures of the scenarios' tests: a tenant with the kennel catalogue, an agent, and a form to work on."""

from tests.harness.kennel_forms import agent, form_id, kennels, make_form, saved

__all__ = ["agent", "form_id", "kennels", "make_form", "saved"]
