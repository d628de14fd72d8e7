"""Page models: the data that templates show, built from catalogue, document, and evaluation. Pure."""
