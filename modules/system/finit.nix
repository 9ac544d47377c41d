# Services, network and consoles in finit's words: a line each in /etc/finit.d, dhcpcd's file. docs/adr/0010 says
# why it is finit. Invariant: nothing is here unless `init` is "finit".
{
  config,
  lib,
  ...
}:
let
  cfg = config.network;

  enabled = lib.filterAttrs (_: service: service.enable) config.services;

  wiredByDhcpcd = cfg.interfaces != { };

  after =
    name:
    enabled.${name}.after
    ++ builtins.filter (other: builtins.elem name enabled.${other}.before) (builtins.attrNames enabled);

  # What must hold before a service starts. A service that ends takes those behind it along.
  condition =
    other:
    if other == "network" then
      lib.optional wiredByDhcpcd "service/dhcpcd/running"
    else if !(enabled ? ${other}) then
      [ ]
    else if enabled.${other}.kind == "once" then
      [ "task/${other}/success" ]
    else
      [ "service/${other}/running" ];

  conditions =
    name:
    let
      all = builtins.concatMap condition (after name);
    in
    # `!`: a reload restarts it, as not every program takes SIGHUP for one.
    "<!${lib.concatStringsSep "," all}>";

  restart = {
    always = "restart:always";
    failure = "restart:10";
    never = "norestart";
  };

  words = lib.concatStringsSep " ";

  service =
    name: it:
    let
      environment = lib.optional (it.environment != { }) "env:/etc/finit.d/${name}.env";
    in
    words (
      (
        if it.kind == "once" then
          [
            "task"
            "[2345]"
          ]
        else
          [
            "service"
            "[2345]"
          ]
      )
      ++ [ (conditions name) ]
      ++ [ "name:${name}" ]
      ++ lib.optional (it.kind != "once") "notify:none"
      ++ lib.optional (it.kind != "once") restart.${it.restart}
      ++
        lib.optional (it.user != "root")
          "@${it.user}:${(config.users.users.${it.user} or config.users.users.root).group}"
      ++ environment
      ++ [
        "log:/var/log/${name}.log"
        it.command
        "--"
        it.description
      ]
    )
    + "\n";

  tty = {
    password = "tty [12345] @console noclear nowait\n";
    automatic = "tty [12345] @console noclear nowait nologin\n";
    none = "";
  };

  isPattern = name: builtins.match ".*[*?].*" name != null;

  fixed =
    name: it:
    "\ninterface ${name}\n"
    + lib.concatStringsSep "" (map (address: "static ip_address=${address}\n") it.addresses)
    + lib.concatStringsSep "" (
      map (gateway: "static routers=${gateway}\n") (lib.optional (it.gateway != null) it.gateway)
    );
in
{
  config = lib.mkIf (config.init == "finit") {
    files = {
      "/init".link = "usr/sbin/finit";
      "/usr/sbin/init".link = "finit";
      "/etc/fstab" = "";
      "/etc/finit.conf" = ''
        # Written by modules/system/finit.nix.
        runlevel 2
        ${tty.${config.users.console}}'';
    }
    // builtins.listToAttrs (
      builtins.concatMap (
        name:
        [
          {
            name = "/etc/finit.d/${name}.conf";
            value.text = service name enabled.${name};
          }
        ]
        ++ lib.optional (enabled.${name}.environment != { }) {
          name = "/etc/finit.d/${name}.env";
          value.text = lib.concatStringsSep "" (
            lib.mapAttrsToList (
              variable: value:
              "${variable}=\"${builtins.replaceStrings [ "\\" "\"" "$" ] [ "\\\\" "\\\"" "\\$" ] value}\"\n"
            ) enabled.${name}.environment
          );
        }
      ) (builtins.attrNames enabled)
    )
    // lib.optionalAttrs wiredByDhcpcd {
      "/etc/dhcpcd.conf" =
        "# Written by modules/system/finit.nix.\n"
        + "allowinterfaces ${words (builtins.attrNames cfg.interfaces)}\n"
        + "hostname\nduid\npersistent\nvendorclassid\n"
        + "option domain_name_servers, domain_name, interface_mtu\nrequire dhcp_server_identifier\n"
        + lib.concatStringsSep "" (
          map (servers: "static domain_name_servers=${words servers}\n") (
            lib.optional (cfg.nameServers != [ ]) cfg.nameServers
          )
        )
        + lib.concatStringsSep "" (
          lib.mapAttrsToList fixed (lib.filterAttrs (_: it: it.addresses != [ ]) cfg.interfaces)
        );
    };

    services = lib.mkIf wiredByDhcpcd {
      dhcpcd = {
        description = "Addresses of network cards";
        command = "/usr/sbin/dhcpcd --nobackground --config /etc/dhcpcd.conf";
      };
    };

    directories = lib.mkIf wiredByDhcpcd {
      "/var/lib/dhcpcd" = { };
    };

    assertions = map (name: {
      assertion = cfg.interfaces.${name}.addresses == [ ] || !isPattern name;
      message = "dhcpcd, which works for finit, gives fixed addresses only to a card by its whole name, not to `${name}`";
      about = [
        [
          "network"
          "interfaces"
          name
        ]
      ];
    }) (builtins.attrNames cfg.interfaces);
  };
}
