# dhcpcd: addresses by DHCP and IPv6's own ways. Its configure is its own; no separation of privileges, no udev.
{
  build,
  inputs,
  bash,
  coreutils,
  sed,
}:
build {
  name = "dhcpcd";
  src = inputs.dhcpcd;
  configure = ''
    ./configure --build=x86_64-pc-linux-gnu --host=$XSC_TRIPLET --os=linux --prefix=/usr --libdir=/usr/lib64 \
      --libexecdir=/usr/libexec --sysconfdir=/etc --rundir=/run --runstatedir=/run --dbdir=/var/lib/dhcpcd \
      --disable-privsep --without-udev --without-openssl
  '';
  # Scripts among its programs run them.
  runtimeInputs = [
    bash
    coreutils
    sed
  ];
  test = ./test.sh;
  meta = {
    description = "DHCP client";
    homepage = "https://roy.marples.name/projects/dhcpcd";
    license = "BSD-2-Clause";
  };
}
