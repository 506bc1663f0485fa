"""What xt does when it is killed, or the system fails it, at any one of its calls; see `__main__.py`."""
