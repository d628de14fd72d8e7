"""The checks of an installation, shared by the admin's start page and ``manage.py doctor``. They know neither."""
