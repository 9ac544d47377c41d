{
  script = ''
    make install
  ;
}
