"""The fixtures of the scenarios' tests: the kennel tenant, an agent, and a form to work on."""

from tests.harness.kennel_forms import agent, form_id, kennels, make_form, saved

__all__ = ["agent", "form_id", "kennels", "make_form", "saved"]
