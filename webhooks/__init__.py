"""Webhooks: events for partners' systems, signed, retried and logged."""
