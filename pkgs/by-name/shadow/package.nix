# shadow: login, su, passwd and the programs that change accounts. Without PAM: hashes by libxcrypt alone.
{
  build,
  inputs,
  libxcrypt,
}:
build {
  name = "shadow";
  src = inputs.shadow;
  buildInputs = [ libxcrypt ];
  configureFlags = [
    "--without-libpam"
    "--without-selinux"
    "--without-audit"
    "--without-acl"
    "--without-attr"
    "--without-libbsd"
    "--without-tcb"
    "--without-nscd"
    "--without-sssd"
    "--without-group-name-max-length"
    "--with-yescrypt"
    "--with-bcrypt"
    "--disable-man"
    "--disable-subordinate-ids"
    "--disable-logind"
    "--disable-account-tools-setuid"
    "--bindir=/usr/bin"
    "--sbindir=/usr/sbin"
  ];
  answers = {
    shadow_cv_maildir = "/var/mail";
    shadow_cv_mailfile = "/var/mail";
    shadow_cv_utmpdir = "/var/run";
    shadow_cv_logdir = "/var/log";
    shadow_cv_passwd_dir = "/usr/bin";
  };
  finish = ''
    for name in groups; do rm -f $image/usr/bin/$name; done
    for folder in bin sbin; do
      if [ -d $image/$folder ]; then
        mkdir -p $image/usr/$folder
        cp -a $image/$folder/. $image/usr/$folder/
        rm -r $image/$folder
      fi
    done
  '';
  test = ./test.sh;
  modes = {
    "/usr/bin/newgrp" = "4755";
    "/usr/bin/passwd" = "4755";
    "/usr/bin/su" = "4755";
  };
  meta = {
    description = "Accounts, passwords and login";
    homepage = "https://github.com/shadow-maint/shadow";
    license = "BSD-3-Clause";
  };
}
