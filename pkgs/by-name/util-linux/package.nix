# util-linux: mount, agetty, dmesg and the rest that a system without udev, PAM and systemd uses; libblkid, libmount,
# libuuid, libsmartcols. login, su and passwd are shadow's.
{
  build,
  inputs,
  libxcrypt,
  ncurses,
}:
build {
  name = "util-linux";
  src = inputs.util-linux;
  buildInputs = [
    libxcrypt
    ncurses
  ];
  configureFlags = [
    "--bindir=/usr/bin"
    "--sbindir=/usr/sbin"
    "--disable-use-tty-group"
    "--disable-makeinstall-chown"
    "--disable-makeinstall-setuid"
    "--without-systemd"
    "--with-systemdsystemunitdir=no"
    "--without-udev"
    "--without-python"
    "--without-readline"
    "--without-btrfs"
    "--without-cryptsetup"
    "--without-econf"
    "--without-selinux"
    "--without-audit"
    "--without-user"
    "--without-cap-ng"
    "--without-util"
    "--disable-login"
    "--disable-su"
    "--disable-runuser"
    "--disable-chfn-chsh"
    "--disable-nologin"
    "--disable-liblastlog2"
    "--disable-pam-lastlog2"
    "--disable-bash-completion"
    "--disable-asciidoc"
    "--disable-poman"
    "--disable-vipw"
    "--disable-newgrp"
    "--disable-eject"
    "--disable-bfs"
    "--disable-cramfs"
    "--disable-minix"
    "--disable-fdformat"
    "--disable-setpriv"
    "--disable-kill"
    "--disable-pg"
    "--disable-more"
    "--disable-hwclock-gplv3"
    "--disable-scriptutils"
    "--disable-wall"
    "--disable-mesg"
    "--disable-write"
    "--disable-line"
    "--disable-raw"
    "--disable-uuidd"
    "--disable-zramctl"
    "--disable-last"
    "--disable-utmpdump"
  ];
  answers.scanf_cv_alloc_modifier = "ms";
  # libtool links again when it installs: with what it has installed, not with the libraries of the machine that builds.
  configure = ''
    configure_default
    sed -i 's/add_dir=-L$lt_sysroot$libdir/add_dir=/' libtool
  '';
  test = ./test.sh;
  library = true;
  modes = {
    "/usr/bin/mount" = "4755";
    "/usr/bin/umount" = "4755";
  };
  meta = {
    description = "The basic programs of a Linux system";
    homepage = "https://github.com/util-linux/util-linux";
    license = "GPL-2.0-or-later AND LGPL-2.1-or-later AND BSD-3-Clause";
  };
}
