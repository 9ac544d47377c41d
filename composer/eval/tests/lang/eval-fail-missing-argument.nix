let
  package = { name, version, src ? null }: name;
in
package { name = "x"; }
