"""The formats in English."""
