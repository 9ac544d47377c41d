# Services and consoles for busybox: its init starts runsvdir, which supervises a folder of /etc/service for each
# service, as runit does. Order is kept by the scripts that start a service: each waits for those it is behind.
# Invariant: nothing is here unless `init` is "busybox".
{
  config,
  lib,
  ...
}:
let
  enabled = lib.filterAttrs (_: service: service.enable) config.services;

  names = builtins.attrNames enabled;

  after =
    name:
    enabled.${name}.after ++ builtins.filter (other: builtins.elem name enabled.${other}.before) names;

  script = text: {
    inherit text;
    mode = "0755";
  };

  quoted = value: "'${builtins.replaceStrings [ "'" ] [ "'\\''" ] value}'";

  lines = lib.concatStringsSep "";

  # A daemon is started and awaited; what is done once leaves a mark.
  awaited =
    other:
    if other == "network" then
      lib.optional (enabled ? dhcpcd) "sv -w 60 start dhcpcd >/dev/null || exit 1\n"
    else if !(enabled ? ${other}) then
      [ ]
    else if enabled.${other}.kind == "once" then
      [ "until [ -e /run/services/${other}.done ]; do sleep 1; done\n" ]
    else
      [ "sv -w 60 start ${other} >/dev/null || exit 1\n" ];

  run =
    name: it:
    let
      group = (config.users.users.${it.user} or config.users.users.root).group;
      command = (if it.user == "root" then "" else "chpst -u ${it.user}:${group} ") + it.command;
    in
    "#!/bin/sh\n# ${it.description}\nexec 2>&1\n"
    + lines (builtins.concatMap awaited (after name))
    + lines (
      lib.mapAttrsToList (variable: value: "export ${variable}=${quoted value}\n") it.environment
    )
    + (
      if it.kind == "once" then "${command} && : >/run/services/${name}.done\n" else "exec ${command}\n"
    );

  # What runsv does not start again.
  finish =
    name: it:
    if it.kind == "once" || it.restart == "never" then
      [ (script "#!/bin/sh\nexec sv down ${name}\n") ]
    else if it.restart == "failure" then
      [ (script "#!/bin/sh\n[ \"$1\" = 0 ] && exec sv down ${name}\n:\n") ]
    else
      [ ];

  files =
    name:
    let
      it = enabled.${name};
      folder = "/etc/service/${name}";
    in
    [
      {
        name = "${folder}/run";
        value = script (run name it);
      }
      {
        name = "${folder}/log/run";
        value = script "#!/bin/sh\nmkdir -p /var/log/${name}\nexec svlogd -tt /var/log/${name}\n";
      }
    ]
    ++ map (value: {
      name = "${folder}/finish";
      inherit value;
    }) (finish name it);

  getty = {
    password = "exec agetty --noclear --keep-baud \"$tty\" 115200,57600,38400,9600 linux";
    automatic = "exec agetty --autologin root --noclear --keep-baud \"$tty\" 115200,57600,38400,9600 linux";
    none = "exec sleep 2147483647";
  };
in
{
  config = lib.mkIf (config.init == "busybox") {
    files = {
      "/init".link = "usr/sbin/init";
      "/etc/fstab" = "";
      "/etc/inittab" = ''
        # Written by modules/system/busybox.nix.
        ::sysinit:/usr/libexec/xsc/start
        ::respawn:/usr/bin/runsvdir -P /etc/service
      ''
      + (
        if config.users.console == "none" then
          ""
        else
          ''
            ::respawn:/usr/libexec/xsc/getty
            tty1::respawn:/usr/libexec/xsc/getty tty1
          ''
      )
      + ''
        ::ctrlaltdel:/usr/sbin/reboot
        ::shutdown:/usr/libexec/xsc/stop
      '';
      "/usr/libexec/xsc/start" = script ''
        #!/bin/sh
        # What a boot needs before any service: the kernel's file systems, devices, a name.
        mount -t proc -o nosuid,nodev,noexec proc /proc
        mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
        mount -t devtmpfs -o nosuid,mode=0755 devtmpfs /dev
        mkdir -p /dev/pts /dev/shm
        mount -t devpts -o nosuid,noexec,gid=${toString config.users.groups.tty.gid},mode=0620,ptmxmode=0666 devpts /dev/pts
        mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs /dev/shm
        mount -t tmpfs -o nosuid,nodev,mode=0755 tmpfs /run
        mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 /sys/fs/cgroup
        [ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
        mkdir -p /run/lock /run/services
        : >/run/utmp
        mount -a
        hostname -F /etc/hostname
        ip link set lo up
      '';
      "/usr/libexec/xsc/stop" = script ''
        #!/bin/sh
        # The end: services first, then what is mounted.
        sv -w 10 force-stop /etc/service/* >/dev/null 2>&1
        sync
        umount -a -r 2>/dev/null
      '';
      "/usr/libexec/xsc/getty" = script ''
        #!/bin/sh
        # A login on the terminal that is named, or on the last console of the kernel.
        tty=''${1-}
        if [ -z "$tty" ]; then
          for tty in $(cat /sys/class/tty/console/active); do :; done
          # tty1's login is one of its own.
          case $tty in tty[0-9]) exec sleep 2147483647 ;; esac
        fi
        ${getty.${config.users.console}}
      '';
      # Where `sv` looks for services.
      "/etc/profile.d/services.sh" = "export SVDIR=/etc/service\n";
    }
    // builtins.listToAttrs (builtins.concatMap files names);

    directories."/etc/service" = { };
  };
}
