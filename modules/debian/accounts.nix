# The users and groups of Debian's packages: those of base-passwd by its numbers, and those that other packages add,
# with numbers of ours, so that files of an image always have the same owner.
{ lib, ... }:
let
  # base-passwd; a user's group has its name and number, unless it says another.
  users = {
    daemon = 1;
    bin = 2;
    sys = 3;
    man = 6;
    lp = 7;
    mail = 8;
    news = 9;
    uucp = 10;
    proxy = 13;
    www-data = 33;
    backup = 34;
    list = 38;
    irc = 39;
    # systemd, dbus.
    systemd-network = 998;
    systemd-resolve = 997;
    messagebus = 996;
    systemd-timesync = 994;
  };

  groups = {
    daemon = 1;
    bin = 2;
    sys = 3;
    adm = 4;
    tty = 5;
    disk = 6;
    lp = 7;
    mail = 8;
    news = 9;
    uucp = 10;
    man = 12;
    proxy = 13;
    kmem = 15;
    dialout = 20;
    fax = 21;
    voice = 22;
    cdrom = 24;
    floppy = 25;
    tape = 26;
    sudo = 27;
    audio = 29;
    dip = 30;
    www-data = 33;
    backup = 34;
    operator = 37;
    list = 38;
    irc = 39;
    src = 40;
    shadow = 42;
    utmp = 43;
    video = 44;
    sasl = 45;
    plugdev = 46;
    staff = 50;
    games = 60;
    users = 100;
    # systemd (and its udev), openssh-client, dbus; udev's rules of ifupdown.
    netdev = 988;
    systemd-journal = 999;
    systemd-network = 998;
    systemd-resolve = 997;
    messagebus = 996;
    input = 995;
    systemd-timesync = 994;
    clock = 993;
    kvm = 992;
    render = 991;
    _ssh = 990;
    sgx = 989;
  };

  homes = {
    bin = "/bin";
    daemon = "/usr/sbin";
    sys = "/dev";
    man = "/var/cache/man";
    lp = "/var/spool/lpd";
    mail = "/var/mail";
    news = "/var/spool/news";
    uucp = "/var/spool/uucp";
    proxy = "/bin";
    www-data = "/var/www";
    backup = "/var/backups";
    list = "/var/list";
    irc = "/run/ircd";
    systemd-network = "/";
    systemd-resolve = "/";
    systemd-timesync = "/";
  };
in
{
  users = {
    groups = builtins.mapAttrs (_: gid: { inherit gid; }) groups;

    users =
      builtins.mapAttrs (name: uid: {
        inherit uid;
        home = lib.mkIf (homes ? ${name}) homes.${name};
      }) users
      // {
        sync = {
          uid = 4;
          group = "nogroup";
          home = "/bin";
          shell = "/bin/sync";
        };
        games = {
          uid = 5;
          home = "/usr/games";
        };
        _apt = {
          uid = 42;
          group = "nogroup";
        };
        sshd = {
          uid = 995;
          group = "nogroup";
          home = "/run/sshd";
        };
      };
  };

  permissions =
    let
      setuid = {
        mode = "4755";
      };
      setgid = group: {
        mode = "2755";
        inherit group;
      };
    in
    {
      "/usr/bin/chage" = setgid "shadow";
      "/usr/bin/chfn" = setuid;
      "/usr/bin/chsh" = setuid;
      "/usr/bin/expiry" = setgid "shadow";
      "/usr/bin/gpasswd" = setuid;
      "/usr/bin/mount" = setuid;
      "/usr/bin/newgrp" = setuid;
      "/usr/bin/passwd" = setuid;
      "/usr/bin/ssh-agent" = setgid "_ssh";
      "/usr/bin/su" = setuid;
      "/usr/bin/umount" = setuid;
      "/usr/lib/dbus-1.0/dbus-daemon-launch-helper" = {
        mode = "4754";
        group = "messagebus";
      };
      "/usr/sbin/unix_chkpwd" = setgid "shadow";
    };
}
