# A container does not boot; what is to happen in a new one is its engine's to say.
{ }:
{ }
