{ name, port = 80 }: name
