{
  script = ''
    for f in *.c; do
      cc -c "$f" -o "${f%.c}.o"
    done
  '';
}
