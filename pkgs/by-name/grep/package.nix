# GNU grep, without Perl expressions.
{ build, inputs }:
build {
  name = "grep";
  src = inputs.grep;
  configureFlags = [ "--disable-perl-regexp" ];
  # What runs: neither translations and texts nor tests.
  makeFlags = [ "SUBDIRS=lib src" ];
  test = ./test.sh;
  meta = {
    description = "Searches text for lines that match a pattern";
    homepage = "https://www.gnu.org/software/grep/";
    license = "GPL-3.0-or-later";
  };
}
