"""The verbs: what `xt` can do, as functions from a request to a report. They never print."""
