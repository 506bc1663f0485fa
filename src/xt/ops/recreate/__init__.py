"""`--env recreate`: the recorded Python environment, built again with uv and kept in a cache.

`plan.plan` reads from a record what is to be built, or says why it cannot be; `build.build` builds it or
finds it in the cache; `enter.enter` turns a command and its variables towards it.
"""
