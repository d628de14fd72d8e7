"""Page models: catalogue, document and evaluation turned into what templates show. Pure."""
