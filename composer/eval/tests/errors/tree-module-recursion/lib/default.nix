{
  evaluate =
    module:
    let
      config = module config;
    in
    config;
}
