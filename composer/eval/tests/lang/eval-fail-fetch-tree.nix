fetchTree { type = "github"; owner = "o"; repo = "r"; }
