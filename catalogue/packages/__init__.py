"""Carrier packages: all that one carrier adds to a catalogue, in one signed file."""
