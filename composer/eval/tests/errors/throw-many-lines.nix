throw ''
  the profile is not complete:
    - a hostname is missing
    - no user may log in''
