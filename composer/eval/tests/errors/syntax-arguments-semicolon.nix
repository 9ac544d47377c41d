{ name; port; }: name
