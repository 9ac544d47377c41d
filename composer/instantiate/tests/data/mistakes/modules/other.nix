# Wants another name.
{ lib, ... }:
{
  boot.volumeId = "OTHER";
}
