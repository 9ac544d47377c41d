# The SSH server: its configuration, and keys of its own that each system makes at its first start.
{ ... }:
{
  files = {
    "/etc/ssh/sshd_config" = ''
      Include /etc/ssh/sshd_config.d/*.conf
      HostKey /etc/ssh/ssh_host_ed25519_key
      PermitRootLogin prohibit-password
      KbdInteractiveAuthentication no
      UsePAM yes
      PrintMotd no
      AcceptEnv LANG LC_*
      Subsystem sftp /usr/lib/openssh/sftp-server
    '';
    "/usr/libexec/xsc/ssh-host-key" = {
      text = ''
        #!/bin/sh
        # Makes the key by which this system is known, unless it has one.
        set -eu
        key=/etc/ssh/ssh_host_ed25519_key
        [ -s "$key" ] || exec ssh-keygen -q -t ed25519 -N "" -C "" -f "$key"
      '';
      mode = "0755";
    };
  };

  services.ssh-host-key = {
    description = "The key of this system for SSH";
    command = "/usr/libexec/xsc/ssh-host-key";
    kind = "once";
    before = [ "ssh.service" ];
  };

  systemd.wants."multi-user.target" = [ "ssh.service" ];
}
