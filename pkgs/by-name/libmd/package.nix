# libmd: the digests that dpkg computes; glibc has none.
{ build, inputs }:
build {
  name = "libmd";
  src = inputs.libmd;
  library = true;
  meta = {
    description = "Message digest functions from BSD systems";
    homepage = "https://www.hadrons.org/software/libmd/";
    license = "BSD-3-Clause AND ISC AND LicenseRef-public-domain";
  };
}
