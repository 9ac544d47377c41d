# xz and liblzma.
{
  build,
  inputs,
  bash,
  grep,
  sed,
}:
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
  configure = ''
    configure_default
    sed -i 's/^SUBDIRS = .*/SUBDIRS = src/' Makefile
  '';
  # Scripts among its programs run them.
  runtimeInputs = [
    bash
    grep
    sed
  ];
  test = ./test.sh;
  library = true;
  meta = {
    description = "Compression with LZMA, programs and library";
    homepage = "https://tukaani.org/xz/";
    license = "0BSD AND GPL-2.0-or-later";
  };
}
