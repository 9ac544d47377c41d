let
  jobs = 4;
in
''
  cd build
  make -j${jobs}
  make install
''
