# features: parse-toml-timestamps
builtins.fromTOML ''
  day = 2024-02-29
  moment = 2024-02-29 12:30:00.5Z
  there = 2024-02-29T12:30:00.123456789+01:00
  here = 2024-02-29T12:30:00.000250
  noon = 12:00:00
  plain = 1
''
