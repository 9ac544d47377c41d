# GNU sed.
{ build, inputs }:
build {
  name = "sed";
  src = inputs.sed;
  configureFlags = [
    "--disable-acl"
    "--without-selinux"
  ];
  # What runs: neither translations and texts nor tests.
  makeFlags = [ "SUBDIRS=." ];
  test = ./test.sh;
  meta = {
    description = "Stream editor";
    homepage = "https://www.gnu.org/software/sed/";
    license = "GPL-3.0-or-later";
  };
}
