"""Put `xt run --` in front of any command and get evidence."""

__version__ = "0.1.0"
