{ lib config }:
{ }
