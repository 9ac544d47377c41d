# Nothing happens at the first boot only.
{ }:
{ }
