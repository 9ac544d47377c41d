builtins.readFile ./lib-dir/text.txt
