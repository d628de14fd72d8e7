"""Formats of dates and times in the admin, which Django looks up by language."""
