{ }.f or x: x
