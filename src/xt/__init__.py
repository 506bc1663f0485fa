"""Put `xt run --` in front of any command and get evidence."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt import errors
    from xt.api.reading import Runs, Store, open  # noqa: A004
    from xt.api.run import Run, Series
    from xt.api.sending import log
else:
    #: Name → where it is: importing xt loads none of it.
    _HOMES = {
        "open": "xt.api.reading:open",
        "log": "xt.api.sending:log",
        "Store": "xt.api.reading:Store",
        "Runs": "xt.api.reading:Runs",
        "Run": "xt.api.run:Run",
        "Series": "xt.api.run:Series",
        "errors": "xt.errors:",
    }

    def __getattr__(name):
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module 'xt' has no attribute {name!r}")
        from importlib import import_module

        module, _, attribute = home.partition(":")
        found = import_module(module)
        found = globals()[name] = getattr(found, attribute) if attribute else found
        return found

    def __dir__():
        return sorted({*globals(), *_HOMES})


__version__ = "0.1.0"
__all__ = ["Run", "Runs", "Series", "Store", "__version__", "errors", "log", "open"]
