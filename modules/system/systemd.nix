# Services, network and consoles in systemd's words: units, networkd's files, links that enable and mask.
# Invariant: nothing is here unless `init` is "systemd".
{
  config,
  lib,
  ...
}:
let
  inherit (lib) mkOption types;

  cfg = config.systemd;

  units = "/etc/systemd/system";

  list =
    of: what: example:
    mkOption {
      type = types.listOf of;
      default = [ ];
      inherit example;
      description = what;
    };

  unit = types.strMatching "[a-zA-Z0-9:_.@\\-]+\\.[a-z]+" // {
    description = "the name of a unit";
  };

  lines = lib.concatStringsSep "\n";

  field = key: values: map (value: "${key}=${value}") values;

  enabled = lib.filterAttrs (_: service: service.enable) config.services;

  # A service's own wish, and those of others that want to be behind or before it.
  after =
    name:
    enabled.${name}.after
    ++ builtins.filter (other: builtins.elem name enabled.${other}.before) (builtins.attrNames enabled);

  unitOf =
    other:
    if other == "network" then
      "network.target"
    else if enabled ? ${other} then
      "${other}.service"
    else
      other;

  restart = {
    always = "always";
    failure = "on-failure";
    never = "no";
  };

  section = title: body: "[${title}]\n${lines (builtins.filter (line: line != "") body)}\n";

  service =
    name: it:
    section "Unit" (
      [ "Description=${it.description}" ]
      ++ field "After" (map unitOf (after name))
      ++ field "Before" (map unitOf (builtins.filter (other: !(enabled ? ${other})) it.before))
    )
    + "\n"
    + section "Service" (
      (
        if it.kind == "once" then
          [
            "Type=oneshot"
            "RemainAfterExit=yes"
          ]
        else
          [
            "Type=exec"
            "Restart=${restart.${it.restart}}"
          ]
      )
      ++ [ "ExecStart=${it.command}" ]
      ++ lib.optional (it.user != "root") "User=${it.user}"
      ++ lib.mapAttrsToList (
        variable: value:
        "Environment=\"${variable}=${
          builtins.replaceStrings [ "\\" "\"" "%" ] [ "\\\\" "\\\"" "%%" ] value
        }\""
      ) it.environment
    );

  interface =
    it:
    section "Network" (
      [ "DHCP=${if it.dhcp then "yes" else "no"}" ]
      ++ field "Address" it.addresses
      ++ field "Gateway" (lib.optional (it.gateway != null) it.gateway)
      ++ field "DNS" config.network.nameServers
      ++ field "Domains" (lib.optional (config.network.domain != null) config.network.domain)
    );

  # Where a unit is; an instance of a template is a link to the template.
  target =
    name:
    let
      instance = builtins.match "([^@]+@)[^.]+(\\..*)" name;
      own = builtins.match "(.*)\\.service" name;
      folder = if own != null && enabled ? ${builtins.head own} then units else "/usr/lib/systemd/system";
    in
    "${folder}/${if instance == null then name else lib.concatStringsSep "" instance}";

  wanted =
    by:
    map (name: {
      name = "${units}/${by}.wants/${name}";
      value.link = target name;
    }) cfg.wants.${by};

  getty = {
    password = { };
    automatic = builtins.listToAttrs (
      map
        (name: {
          name = "${units}/${name}@.service.d/console.conf";
          # The first one empties the list.
          value = "[Service]\nExecStart=\nExecStart=-/sbin/agetty --autologin root --noclear --keep-baud 115200,57600,38400,9600 %I $TERM\n";
        })
        [
          "getty"
          "serial-getty"
        ]
    );
    none = { };
  };
in
{
  options.systemd = {
    wants = mkOption {
      type = types.attrsOf (types.listOf unit);
      default = { };
      example = {
        "multi-user.target" = [ "ssh.service" ];
      };
      description = "Units of packages that a target starts, as `systemctl enable` would have it. Services of `services` are started anyway.";
    };

    masked = list unit "Units that are never started, whoever wants them." [
      "systemd-timesyncd.service"
    ];

    defaultTarget = mkOption {
      type = unit;
      default = "multi-user.target";
      example = "rescue.target";
      description = "What a boot leads to.";
    };
  };

  config = lib.mkIf (config.init == "systemd") {
    files = {
      "/init".link = "usr/lib/systemd/systemd";
      "${units}/default.target".link = "/usr/lib/systemd/system/${cfg.defaultTarget}";
      # Empty: made at each boot, and not the sign of a first boot that asks questions.
      "/etc/machine-id" = {
        text = "";
        mode = "0444";
      };
      "/etc/fstab" = "";
      "/etc/resolv.conf" = lib.mkDefault (
        if config.network.nameServers == [ ] then
          { link = "../run/systemd/resolve/stub-resolv.conf"; }
        else
          {
            text =
              lib.concatStringsSep "" (map (server: "nameserver ${server}\n") config.network.nameServers)
              + lib.concatStringsSep "" (
                map (domain: "search ${domain}\n") (
                  lib.optional (config.network.domain != null) config.network.domain
                )
              );
          }
      );
    }
    // builtins.listToAttrs (
      builtins.concatMap wanted (builtins.attrNames cfg.wants)
      ++ map (name: {
        name = "${units}/${name}";
        value.link = "/dev/null";
      }) cfg.masked
      ++ lib.mapAttrsToList (name: it: {
        name = "${units}/${name}.service";
        value.text = service name it;
      }) enabled
      ++ lib.imap0 (n: name: {
        # In the order of the names; networkd takes the first file that fits.
        name = "/etc/systemd/network/${toString (50 + n)}-${
          builtins.replaceStrings [ "*" "?" ] [ "any" "one" ] name
        }.network";
        value.text =
          section "Match" [ "Name=${name}" ] + "\n" + interface config.network.interfaces.${name};
      }) (builtins.attrNames config.network.interfaces)
    )
    // getty.${config.users.console};

    systemd = {
      wants = {
        "multi-user.target" =
          map (name: "${name}.service") (builtins.attrNames enabled)
          ++ lib.optional (config.network.interfaces != { }) "systemd-networkd.service";
        "sockets.target" = lib.optional (config.network.interfaces != { }) "systemd-networkd.socket";
        "getty.target" = lib.optional (config.users.console != "none") "getty@tty1.service";
      };
      masked = builtins.concatMap (name: lib.optional (config.users.console == "none") name) [
        "getty@tty1.service"
        "serial-getty@ttyS0.service"
        "serial-getty@ttyAMA0.service"
      ];
    };
  };
}
