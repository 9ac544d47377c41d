map builtins.parseDrvName [ "nix-js-1.20" "hello" "a-b-2.0pre1" "name-" "linux-headers-6.12" ]
