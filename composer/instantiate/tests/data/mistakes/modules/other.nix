# Wants another name.
{ ... }:
{
  boot.volumeId = "OTHER";
}
