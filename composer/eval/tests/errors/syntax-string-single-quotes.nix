{
  name = 'zlib';
}
