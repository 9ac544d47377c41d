# What the scripts of Debian's base packages would have made: the shells' start files, directories, what is started.
{ ... }:
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
    "sysinit.target" = [ "systemd-resolved.service" ];
    "timers.target" = [ "logrotate.timer" ];
  };
}
