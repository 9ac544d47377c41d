map builtins.splitVersion [ "1.2.3" "6.12.94-rc1" "2.3a" "" "1..2" ]
