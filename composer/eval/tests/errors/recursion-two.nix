rec {
  width = height * 2;
  height = width / 2;
}
