{ name, shell ? "/bin/false" }: "${name}:${shell}"
