let
  area = { width, height }: width * height;
in
area {
  width = 3;
  height = "4";
}
