# Services and consoles in finit's words: a line each in /etc/finit.d. Invariant: nothing is here unless `init` is
# "finit".
{
  config,
  lib,
  ...
}:
let
  enabled = lib.filterAttrs (_: service: service.enable) config.services;

  after =
    name:
    enabled.${name}.after
    ++ builtins.filter (other: builtins.elem name enabled.${other}.before) (builtins.attrNames enabled);

  # What must hold before a service starts. A service that ends takes those behind it along.
  condition =
    other:
    if other == "network" then
      lib.optional (enabled ? dhcpcd) "service/dhcpcd/running"
    else if !(enabled ? ${other}) then
      [ ]
    else if enabled.${other}.kind == "once" then
      [ "task/${other}/success" ]
    else
      [ "service/${other}/running" ];

  # `!`: a reload restarts it, as not every program takes SIGHUP for one.
  conditions = name: "<!${lib.concatStringsSep "," (builtins.concatMap condition (after name))}>";

  restart = {
    always = "restart:always";
    failure = "restart:10";
    never = "norestart";
  };

  service =
    name: it:
    let
      daemon = it.kind == "daemon";
      group = (config.users.users.${it.user} or config.users.users.root).group;
    in
    lib.concatStringsSep " " (
      [
        (if daemon then "service" else "task")
        "[2345]"
        (conditions name)
        "name:${name}"
      ]
      ++ lib.optional daemon "notify:none"
      ++ lib.optional daemon restart.${it.restart}
      ++ lib.optional (it.user != "root") "@${it.user}:${group}"
      ++ lib.optional (it.environment != { }) "env:/etc/finit.d/${name}.env"
      ++ [
        "log:/var/log/${name}.log"
        it.command
        "--"
        it.description
      ]
    )
    + "\n";

  environment =
    it:
    lib.concatStringsSep "" (
      lib.mapAttrsToList (
        variable: value:
        "${variable}=\"${builtins.replaceStrings [ "\\" "\"" "$" ] [ "\\\\" "\\\"" "\\$" ] value}\"\n"
      ) it.environment
    );

  tty = {
    password = "tty [12345] @console noclear nowait\n";
    automatic = "tty [12345] @console noclear nowait nologin\n";
    none = "";
  };
in
{
  config.files = lib.mkIf (config.init == "finit") (
    {
      "/init".link = "usr/sbin/finit";
      "/usr/sbin/init".link = "finit";
      "/etc/fstab" = "";
      "/etc/finit.conf" = ''
        # Written by modules/system/finit.nix.
        runlevel 2
        ${tty.${config.users.console}}'';
    }
    // builtins.listToAttrs (
      map
        (name: {
          name = "/usr/sbin/${name}";
          value.link = "initctl";
        })
        [
          "halt"
          "poweroff"
          "reboot"
          "shutdown"
        ]
      ++ builtins.concatMap (
        name:
        let
          it = enabled.${name};
        in
        [
          {
            name = "/etc/finit.d/${name}.conf";
            value.text = service name it;
          }
        ]
        ++ lib.optional (it.environment != { }) {
          name = "/etc/finit.d/${name}.env";
          value.text = environment it;
        }
      ) (builtins.attrNames enabled)
    )
  );
}
