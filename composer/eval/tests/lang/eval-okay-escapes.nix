"tab\there \"quoted\" back\\slash \${not} $${also not} $ dollar \x"
