{
  script = ''
    for f in *.c; do
      cc -c "${f}"
    done
  '';
}
