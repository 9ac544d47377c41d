# Every package for XSC with its test, and the program that runs the tests: /usr/libexec/xsc-tests/run-tests.sh.
{ ... }:
{
  packages = [ "userland-tests" ];
}
