{ name, version, name }: name
