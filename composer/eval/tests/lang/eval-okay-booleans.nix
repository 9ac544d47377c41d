[ (true && false) (true || throw "not needed") (false && throw "not needed") (false -> throw "not needed") (true -> false) (!true) (!(1 == 2) && true) ]
