# What the scripts of Debian's base packages would have made: the shells' start files, directories, what is started.
{ lib, ... }:
{
  files = {
    "/etc/profile" = ''
      # For login shells of all users.
      if [ "$(id -u)" -eq 0 ]; then
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin
      else
        PATH=/usr/local/bin:/usr/bin
      fi
      export PATH
      [ -r /etc/locale.conf ] && . /etc/locale.conf && export LANG
      if [ -d /etc/profile.d ]; then
        for file in /etc/profile.d/*.sh; do
          [ -r "$file" ] && . "$file"
        done
        unset file
      fi
      if [ -n "''${BASH-}" ] && [ -r /etc/bash.bashrc ]; then
        . /etc/bash.bashrc
      fi
    '';
    "/root/.profile" = ''
      if [ -n "''${BASH-}" ] && [ -r ~/.bashrc ]; then
        . ~/.bashrc
      fi
    '';
    "/root/.bashrc" = ''
      alias ls='ls --color=auto'
    '';
    "/etc/ssl/certs/ca-certificates.crt".derive = ''
      cat usr/share/ca-certificates/mozilla/*.crt
    '';
    "/etc/ca-certificates.conf".derive = ''
      cd usr/share/ca-certificates
      printf '%s\n' mozilla/*.crt
    '';
    # Each system would make it at its first start, for as long as everything else there takes.
    "/usr/lib/udev/hwdb.bin".derive = ''
      root=$(mktemp -d)
      mkdir -p "$root/etc/udev" "$root/usr/lib/udev"
      cp -r usr/lib/udev/hwdb.d "$root/usr/lib/udev/"
      packaged systemd-hwdb update --usr --root="$root" >&2
      cat "$root/usr/lib/udev/hwdb.bin"
    '';
    "/etc/inputrc".derive = "cat usr/share/readline/inputrc";
    "/etc/localtime".link = lib.mkDefault "../usr/share/zoneinfo/UTC";
    "/etc/dpkg/origins/default".link = "debian";
    "/etc/modules" = "";
    "/etc/shells" = ''
      /bin/sh
      /bin/bash
      /bin/dash
    '';
  };

  directories = {
    "/boot" = { };
    "/media" = { };
    "/opt" = { };
    "/usr/local" = { };
    "/var/local" = {
      mode = "2775";
      group = "staff";
    };
    "/usr/local/bin" = { };
    "/usr/local/sbin" = { };
    "/var/backups" = { };
    "/var/lib/dpkg" = { };
    "/var/lib/misc" = { };
    "/var/mail" = {
      mode = "2775";
      group = "mail";
    };
    "/var/spool" = { };
  };

  systemd.wants = {
    "multi-user.target" = [ "remote-fs.target" ];
    "sysinit.target" = [
      "systemd-resolved.service"
      "systemd-timesyncd.service"
    ];
    "timers.target" = [ "logrotate.timer" ];
  };
}
