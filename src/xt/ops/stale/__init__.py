"""`xt stale`: what recorded evidence no longer holds, and the plan to do it again."""
