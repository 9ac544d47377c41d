with { hello = 1; }; helo
