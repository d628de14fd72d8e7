"""``manage.py doctor``: every check of an installation in one list, with remedies and safe repairs."""
