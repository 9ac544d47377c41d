# Which modules there are: files read, functions called, imports followed, each module once.
# Called by eval.nix. Invariant: imports come before the module that names them, siblings in
# the order they are named; a key that was met before is left out.
{ util, errors }:
let
  inherit (util)
    attrNames
    concatMap
    elem
    filter
    foldl'
    isAttrs
    isCallable
    isFunction
    isPath
    isString
    ;

  inherit (errors) fail unknownFile;

  structural = [
    "_class"
    "_file"
    "key"
    "disabledModules"
    "imports"
    "options"
    "config"
    "meta"
    "freeformType"
  ];

  # What may stand next to definitions in a module that has neither `options` nor `config`.
  apart = [
    "_class"
    "_file"
    "key"
    "disabledModules"
    "imports"
    "freeformType"
  ];

  # Calls a module that is a function with what it names, and what goes to every module.
  apply =
    file: args: config: f:
    let
      formals = if isFunction f then util.functionArgs f else util.functionArgs (f.__functor f);
      given = util.mapAttrs (
        name: _hasDefault:
        args.${name} or (config._module.args.${name} or (fail {
          message = "a module asks for the argument `${name}`, and nobody gives it";
          at = [
            {
              pos = builtins.unsafeGetAttrPos name formals;
              inherit file;
              label = "asked for here";
            }
          ];
          help = errors.didYouMean name (attrNames args ++ attrNames config._module.args);
        })
        )
      ) (util.filterAttrs (name: hasDefault: !hasDefault || args ? ${name}) formals);
    in
    f (args // given);

  # A path as a file beside it would write it.
  relative =
    file: path:
    let
      folder = "${dirOf (toString file)}/";
      length = builtins.stringLength folder;
      text = toString path;
    in
    if builtins.substring 0 length text == folder then
      "./${builtins.substring length (-1) text}"
    else
      text;

  # "did you mean", from what is in the folder.
  similarFile =
    path:
    let
      folder = dirOf path;
    in
    if builtins.pathExists folder then
      errors.didYouMean (baseNameOf path) (attrNames (builtins.readDir folder))
    else
      null;

  # A module as { key; file; imports; disabled; options; config; class; }.
  normalise =
    {
      args,
      config,
      class,
    }:
    origin: module:
    let
      isFile = isPath module || isString module;
      file = if isFile then module else origin.file;
      loaded =
        if !isFile then
          module
        else if builtins.pathExists module then
          import module
        else
          fail {
            message = "the module ${relative origin.file module} is imported, and there is no such file";
            at = [
              {
                inherit (origin) pos file;
                label = "imported here";
              }
            ];
            help = similarFile module;
          };
      called = if isCallable loaded then apply file args config loaded else loaded;
      # What a property wraps is config.
      body =
        if !isAttrs called then
          fail {
            message = "a module must be a set, a function or a path, and this is ${util.showValue called}";
            at = [
              {
                inherit (origin) pos;
                inherit file;
                label = "imported here";
              }
            ];
          }
        else if
          called._type or null == "if"
          || called._type or null == "merge"
          || called._type or null == "override"
          || called._type or null == "order"
        then
          { config = called; }
        else if called._type or null == "option-type" || called._type or null == "option" then
          fail {
            message = "a module must be a set, a function or a path, and this is the declaration of an option";
            at = [
              {
                inherit (origin) pos;
                inherit file;
                label = "imported here";
              }
            ];
          }
        else
          removeAttrs called [ "_type" ];
      explicit = body ? config || body ? options;
      stray = filter (name: !elem name structural) (attrNames body);
      name = util.head stray;
      moduleFile = body._file or file;
      whole =
        if explicit && stray != [ ] then
          fail {
            message = "a module with `config` or `options` has its definitions in `config`; `${name}` stands beside it";
            at = [
              {
                pos = builtins.unsafeGetAttrPos name body;
                file = moduleFile;
                label = "move it into `config`";
              }
            ];
          }
        else if (body._class or null) != null && class != null && body._class != class then
          fail {
            message = "this is a module of class ${body._class}, in a configuration of class ${class}";
            at = [
              {
                pos = builtins.unsafeGetAttrPos "_class" body;
                file = moduleFile;
                label = "said here";
              }
            ];
          }
        else
          body;
      freeform = util.optionalAttrs (body ? freeformType) {
        _module.freeformType = body.freeformType;
      };
    in
    {
      key = toString (body.key or (if isFile then module else origin.key));
      file = moduleFile;
      imports = body.imports or [ ];
      importsPos = builtins.unsafeGetAttrPos "imports" body;
      disabled = map (disabledKey moduleFile (builtins.unsafeGetAttrPos "disabledModules" body)) (
        body.disabledModules or [ ]
      );
      options = whole.options or { };
      # The module's own set, for the lines of its definitions.
      configs =
        (if explicit then util.optional (body ? config) body.config else [ (removeAttrs whole apart) ])
        ++ util.optional (freeform != { }) freeform
        ++ util.optional (explicit && body ? meta) { inherit (body) meta; };
    };

  disabledKey =
    file: pos: disabled:
    if isPath disabled || isString disabled then
      toString disabled
    else if isAttrs disabled && disabled ? key then
      toString disabled.key
    else
      fail {
        message = "`disabledModules` holds paths or sets with `key`, and this is ${util.showValue disabled}";
        at = [
          {
            inherit pos file;
            label = "named here";
          }
        ];
      };
in
# The normalised modules in the order their definitions are merged.
{
  modules,
  args,
  config,
  class,
}:
let
  normal = normalise { inherit args config class; };

  # With their imports: { module; children; }.
  node =
    origin: module:
    let
      it = normal origin module;
    in
    {
      module = it;
      children = nodes {
        inherit (it) file key;
        pos = it.importsPos;
      } it.imports;
    };

  nodes =
    origin: list:
    if builtins.isList list then
      util.imap0 (
        n:
        node {
          inherit (origin) file pos;
          key = "${origin.key}:${toString n}";
        }
      ) list
    else
      fail {
        message = "`imports` must be a list of modules, and this is ${util.showValue list}";
        at = [
          {
            inherit (origin) pos file;
            label = "imported here";
          }
        ];
      };

  walk =
    disabled:
    let
      step =
        state: it:
        if state.seen ? ${it.module.key} || disabled ? ${it.module.key} then
          state
        else
          let
            below = foldl' step (
              state
              // {
                seen = state.seen // {
                  ${it.module.key} = null;
                };
              }
            ) it.children;
          in
          below // { found = below.found ++ [ it.module ]; };
    in
    (foldl' step {
      seen = { };
      found = [ ];
    } top).found;

  top = nodes {
    file = unknownFile;
    pos = null;
    key = "";
  } modules;

  every = walk { };

  disabled = concatMap (module: module.disabled) every;
in
if disabled == [ ] then
  every
else
  walk (util.listToAttrs (map (key: util.nameValuePair key null) disabled))
