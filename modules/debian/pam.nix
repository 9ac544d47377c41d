# What pam-auth-update writes for password files and sessions of systemd; Debian's own files in /etc/pam.d include these.
{ ... }:
{
  files = {
    "/etc/pam.d/common-account" = ''
      account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so
      account requisite pam_deny.so
      account required pam_permit.so
    '';
    "/etc/pam.d/common-auth" = ''
      auth [success=1 default=ignore] pam_unix.so nullok
      auth requisite pam_deny.so
      auth required pam_permit.so
    '';
    "/etc/pam.d/common-password" = ''
      password [success=1 default=ignore] pam_unix.so obscure yescrypt
      password requisite pam_deny.so
      password required pam_permit.so
    '';
    "/etc/pam.d/common-session" = ''
      session [default=1] pam_permit.so
      session requisite pam_deny.so
      session required pam_permit.so
      session required pam_unix.so
      session optional pam_systemd.so
    '';
    "/etc/pam.d/common-session-noninteractive" = ''
      session [default=1] pam_permit.so
      session requisite pam_deny.so
      session required pam_permit.so
      session required pam_unix.so
    '';
    "/etc/environment" = "";
    "/etc/security/opasswd" = {
      text = "";
      mode = "0600";
    };
  };
}
