let
  user = {
    name = "ada";
    shell = "/bin/sh";
  };
in
"${user.name} lives in ${user.home}"
