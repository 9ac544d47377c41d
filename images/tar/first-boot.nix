# An archive does not boot.
{ }:
{ }
