# What is in the layers together, as text; no part of the image.
{ described, filesystem }:
described filesystem
