{
  script = ''
    echo ''hello''
  '';
}
