"files: " + ./notes.txt
