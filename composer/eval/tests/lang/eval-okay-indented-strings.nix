[
  ''
    first
      indented
    last
  ''
  ''one line''
  ''
    with ${"interpolation"}
      ${"at the start"} of a line
  ''
  ''  kept''
  ''
    escapes: '''x ''${no} ''\n ''\t| ''' $ $$ \n
  ''
  ''

    blank first line
  ''
  ''
    a
  b ''
  ''
    a

      
    b
  ''
]
