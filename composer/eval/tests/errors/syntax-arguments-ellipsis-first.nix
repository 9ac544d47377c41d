{ ..., name }: name
