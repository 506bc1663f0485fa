# Counts words in an order that no locale changes: deterministic, whatever surrounds it.
LC_ALL=C sort names.txt | LC_ALL=C uniq -c >out.txt
