{
  script = ''
    cc ${flags[@]} x.c
  '';
}
