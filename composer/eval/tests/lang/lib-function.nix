{ first, second ? first * 2 }: { result = [ first second ]; }
