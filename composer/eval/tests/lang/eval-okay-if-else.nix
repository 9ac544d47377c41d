map (x: if x < 0 then "negative" else if x == 0 then "zero" else "positive") [ (-1) 0 1 ]
