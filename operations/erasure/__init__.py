"""Erasure of a form, and of a whole tenant, with a certificate that contains counts only."""
