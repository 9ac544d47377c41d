# busybox as init of systems built from source: init, the supervision of services as in runit, and small programs that
# no other package has. There are links for these alone; what GNU and util-linux have is not compiled.
{
  build,
  inputs,
  libxcrypt,
}:
build {
  name = "busybox";
  src = inputs.busybox;
  configure = ''
    cp /src/files/config wanted
    make allnoconfig >/dev/null
    # A later line wins; then every question that is new takes its default.
    sed 's/^\([A-Z0-9_]*\)=.*/\1/' wanted | while read -r name; do
      sed -i "/^CONFIG_$name=/d; /^# CONFIG_$name is not set/d" .config
    done
    sed 's/^/CONFIG_/' wanted >>.config
    yes "" | make oldconfig >/dev/null || :
    while read -r line; do
      case $line in
      '#'* | "" | *=n) ;;
      *) grep -qxF "CONFIG_$line" .config || { echo "busybox: $line is not in the configuration"; exit 1; } ;;
      esac
    done <wanted
  '';
  compile = ''
    make -j$XSC_CORES CROSS_COMPILE=$XSC_TRIPLET- CC="$CC" CONFIG_EXTRA_CFLAGS="$CFLAGS" SKIP_STRIP=y busybox busybox.links
  '';
  install = ''
    install -Dm755 busybox $image/usr/bin/busybox
    while read -r link; do
      case $link in
      /bin/* | /usr/bin/*) folder=/usr/bin target=busybox ;;
      *) folder=/usr/sbin target=../bin/busybox ;;
      esac
      mkdir -p $image$folder
      ln -s $target $image$folder/''${link##*/}
    done <busybox.links
  '';
  files = [ ./config ];
  test = ./test.sh;
  meta = {
    description = "Init, supervision of services and small programs in one file";
    homepage = "https://busybox.net/";
    license = "GPL-2.0-only";
  };
}
