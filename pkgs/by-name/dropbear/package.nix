# dropbear: SSH server and client, with its own cryptography, one program under several names.
{
  build,
  inputs,
  libxcrypt,
}:
let
  programs = [
    "dropbear"
    "dbclient"
    "dropbearkey"
    "dropbearconvert"
    "scp"
  ];
in
build {
  name = "dropbear";
  src = inputs.dropbear;
  buildInputs = [ libxcrypt ];
  configureFlags = [
    "--enable-bundled-libtom"
    "--disable-zlib"
    "--disable-pam"
    "--disable-harden"
    "--disable-lastlog"
    "--disable-wtmp"
  ];
  makeFlags = [
    "PROGRAMS=${builtins.concatStringsSep " " programs}"
    "MULTI=1"
    "SCPPROGRESS=1"
  ];
  finish = ''
    ln -sf dbclient $image/usr/bin/ssh
    ln -sf ../bin/dropbearmulti $image/usr/sbin/dropbear
  '';
  test = ./test.sh;
  meta = {
    description = "Small SSH server and client";
    homepage = "https://matt.ucc.asn.au/dropbear/dropbear.html";
    license = "MIT";
  };
}
