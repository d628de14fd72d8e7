"""Calls of carriers over HTTP: wire shapes, clients per link mode, tokens, the breaker of the fleet, traffic log."""
