let
  package = "zlib";
in
package.version
