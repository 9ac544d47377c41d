# The text of GRUB's menu, the same on every medium: what it says goes to the serial line and to the screen, keys come
# from both. ./package.nix calls it for an ISO, images/disk/stack.nix for a disk. An entry is a `title`, the `lines`
# that boot it, and perhaps a key; with one entry nobody is waited for.
{
  entries,
  timeout ? 0,
}:
let
  entry =
    {
      title,
      lines,
      hotkey ? null,
    }:
    "menuentry \"${title}\" ${if hotkey == null then "" else "--hotkey=${hotkey} "}{\n${builtins.concatStringsSep "" (map (line: "  ${line}\n") lines)}}\n";
in
''
  serial --unit=0 --speed=115200
  terminal_input console serial
  terminal_output console serial
  set timeout=${toString timeout}
  set default=0
''
+ builtins.concatStringsSep "" (map entry entries)
