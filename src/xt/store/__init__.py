"""The store `.xt`: immutable records and content, written so that no reader ever sees half of either."""

from xt.store.layout import find_root, locate
from xt.store.live import Live, State, supervisor
from xt.store.store import Store

__all__ = ["Live", "State", "Store", "find_root", "locate", "supervisor"]
