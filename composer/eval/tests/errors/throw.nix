{
  kernel = throw "no kernel is configured";
}
