# A system in the manner of the Enterprise Linux family, all of it rebuilt from source with control-flow integrity:
# busybox as init (docs/adr/0010), dropbear for SSH, dhcpcd for addresses.
{ lib, ... }:
{
  imports = [ ./system.nix ];

  init = "busybox";

  userland = "rebuilt";

  packages = [
    "bash"
    "busybox"
    "coreutils"
    "curl"
    "dhcpcd"
    "dropbear"
    "findutils"
    "gawk"
    "grep"
    "gzip"
    "iproute2"
    "less"
    "procps"
    "sed"
    "shadow"
    "tar"
    "util-linux"
    "xz"
    "zstd"
  ];

  system.osRelease = {
    NAME = "XSC OS";
    ID = "xsc";
    ID_LIKE = "rhel centos fedora";
    PRETTY_NAME = "XSC OS (alma-cfi)";
    VERSION_ID = "10";
    PLATFORM_ID = "platform:el10";
  };

  network.interfaces."e*".dhcp = lib.mkDefault true;

  # The numbers of the family's setup package.
  users = {
    groups = {
      bin.gid = 1;
      daemon.gid = 2;
      sys.gid = 3;
      adm.gid = 4;
      tty.gid = 5;
      disk.gid = 6;
      lp.gid = 7;
      mem.gid = 8;
      kmem.gid = 9;
      wheel.gid = 10;
      mail.gid = 12;
      shadow.gid = 42;
      utmp.gid = 22;
      users.gid = 100;
    };
    users = {
      bin = {
        uid = 1;
        home = "/bin";
      };
      daemon = {
        uid = 2;
        home = "/sbin";
      };
      mail = {
        uid = 8;
        home = "/var/spool/mail";
      };
    };
  };

  services.sshd = {
    description = "SSH server";
    # Host keys are made at the first connection.
    command = "/usr/sbin/dropbear -F -E -R";
    after = [ "network" ];
  };

  files = {
    "/usr/bin/ssh".link = "dbclient";
    "/etc/profile" = ''
      # For login shells of all users.
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin
      export PATH
      [ -r /etc/locale.conf ] && . /etc/locale.conf && export LANG
      for file in /etc/profile.d/*.sh; do
        [ -r "$file" ] && . "$file"
      done
      unset file
      PS1='[\u@\h \W]\$ '
    '';
    "/etc/shells" = "/bin/sh\n/bin/bash\n";
    "/etc/redhat-release" = "XSC OS release 10 (alma-cfi)\n";
    "/etc/system-release".link = "redhat-release";
    "/etc/login.defs" = lib.mkDefault ''
      MAIL_DIR /var/spool/mail
      ENV_SUPATH PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin
      ENV_PATH PATH=/usr/local/bin:/usr/bin
      TTYGROUP tty
      TTYPERM 0600
      UMASK 022
      HOME_MODE 0700
      UID_MIN 1000
      UID_MAX 60000
      GID_MIN 1000
      GID_MAX 60000
      SYS_UID_MIN 201
      SYS_UID_MAX 999
      SYS_GID_MIN 201
      SYS_GID_MAX 999
      LOGIN_TIMEOUT 60
      ENCRYPT_METHOD SHA512
    '';
  };

  directories = {
    "/boot" = { };
    "/opt" = { };
    "/usr/local" = { };
    "/usr/local/bin" = { };
    "/usr/local/sbin" = { };
    "/etc/dropbear".mode = "0700";
    "/var/empty" = { };
    "/var/spool" = { };
    "/var/spool/mail" = {
      mode = "0775";
      group = "mail";
    };
  };

  permissions =
    let
      setuid = {
        mode = "4755";
      };
    in
    {
      "/usr/bin/mount" = setuid;
      "/usr/bin/newgrp" = setuid;
      "/usr/bin/passwd" = setuid;
      "/usr/bin/su" = setuid;
      "/usr/bin/umount" = setuid;
    };
}
