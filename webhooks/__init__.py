"""Webhooks: what partners' systems are told of events, signed, retried and logged."""
