# Sorts names.
#
# Source: the locale's order. Plain repeats: identical. `--vary locale` changes it, where a locale with
# another order than the recorded one is installed.
sort names.txt >out.txt
