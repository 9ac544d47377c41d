# xz and liblzma.
{ build, inputs }:
build {
  name = "xz";
  src = inputs.xz;
  configureFlags = [
    "--disable-doc"
    "--disable-lzmadec"
    "--disable-lzmainfo"
    # Landlock and ifunc bring nothing here; ifunc is how the library was once attacked.
    "--enable-sandbox=no"
    "--disable-ifunc"
  ];
  # What runs: neither translations and texts nor tests.
  makeFlags = [ "SUBDIRS=src" ];
  test = ./test.sh;
  meta = {
    description = "Compression with LZMA, programs and library";
    homepage = "https://tukaani.org/xz/";
    license = "0BSD AND GPL-2.0-or-later";
  };
}
