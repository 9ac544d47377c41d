let
  join = parts: builtins.concatStringsSep "-" parts;
  name = pname: version: join [ pname version ];
in
{
  package = name "zlib" 13;
}
