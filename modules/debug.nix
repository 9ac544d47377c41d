# A kernel that checks itself while tests run; behind `minimal`. Ten times slower, so each test gets
# more time.
{ ... }:
{
  kernel.fragments = [ "debug" ];

  boot.cmdline = [ "xsc.seconds=900" ];
}
