# Takes an argument that nobody gives.
{ cofnig, ... }:
{
  site.motto = cofnig.boot.volumeId;
}
