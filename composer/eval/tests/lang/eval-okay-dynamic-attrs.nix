let name = "x"; in {
  ${name} = 1;
  "${name}y" = 2;
  ${null} = 3;
  a.${name}.b = 4;
  sel = { x.y = 5; }.${name}."y";
  has = { x = 1; } ? ${name};
}
