# iproute2: ip, ss, tc, bridge. Its configure is its own and looks for libraries where it is told not to: the
# lines of what is not wanted are taken out of what it writes. Without libmnl there are no extended messages of errors.
{
  build,
  inputs,
  libcap,
}:
build {
  name = "iproute2";
  src = inputs.iproute2;
  buildInputs = [ libcap ];
  configure = ''
    ./configure --prefix /usr --libdir /usr/lib64 --include_dir "$XSC_SYSROOT/usr/include" --libbpf_force off
    cat config.mk
    # iptables' folder of extensions, Berkeley DB and the rest are not for us.
    sed -i '/HAVE_BERKELEY_DB\|HAVE_ELF\|HAVE_SELINUX\|HAVE_LIBBSD\|TC_CONFIG_XT/d' config.mk
  '';
  makeFlags = [
    "HOSTCC=gcc"
    "SBINDIR=/usr/sbin"
    "CONF_USR_DIR=/usr/share/iproute2"
    "SUBDIRS=lib ip tc bridge misc"
  ];
  compile = ''
    read_words "$XSC_MAKE_FLAGS"
    make -j$XSC_CORES CC="$CC" AR="$AR" CCOPTS="$CFLAGS" "''${words[@]}"
  '';
  finish = ''
    # arpd needs Berkeley DB, routel Python.
    rm -rf $image/usr/share/bash-completion $image/usr/sbin/arpd $image/usr/sbin/routel
  '';
  test = ./test.sh;
  meta = {
    description = "Programs to see and set up the network";
    homepage = "https://wiki.linuxfoundation.org/networking/iproute2";
    license = "GPL-2.0-or-later";
  };
}
