"""The store `.xt`: immutable records and content, written so that no reader ever sees half of either."""

from xt.store.layout import FOLDER, find_root
from xt.store.live import Live, State, supervisor
from xt.store.store import Store

__all__ = ["FOLDER", "Live", "State", "Store", "find_root", "supervisor"]
