let
  sha256 = builtins.hashString "sha256" "text";
  convert = hash: toHashFormat: builtins.convertHash { inherit hash toHashFormat; };
  formats = map (convert "sha256:${sha256}") [ "base16" "nix32" "base64" "sri" ];
  back = map (hash: builtins.convertHash { inherit hash; hashAlgo = "sha256"; toHashFormat = "base16"; }) formats;
in
{
  inherit formats;
  same = builtins.all (hash: hash == sha256) back;
  short = map (algorithm: convert "${algorithm}:${builtins.hashString algorithm "text"}" "sri") [ "md5" "sha1" "sha512" "blake3" ];
  old = convert "sha256:${sha256}" "base32" == builtins.elemAt formats 1;
}
