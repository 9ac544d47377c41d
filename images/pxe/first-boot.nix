# Every boot is the first: the root is in memory and nothing is kept.
{ }:
{ }
