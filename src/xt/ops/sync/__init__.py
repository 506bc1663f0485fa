"""`xt push`, `xt pull`, `xt remote status`: what is missing is copied, nothing is ever overwritten."""
