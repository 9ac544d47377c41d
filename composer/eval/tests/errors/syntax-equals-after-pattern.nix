{ lib, config } = {
  x = 1;
}
