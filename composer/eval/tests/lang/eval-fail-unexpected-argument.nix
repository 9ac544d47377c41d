let
  package = { name, version ? "1" }: name;
in
package { name = "x"; verison = "2"; }
