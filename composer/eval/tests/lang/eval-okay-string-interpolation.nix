let name = "world"; set = { outPath = "/out"; }; text = { __toString = self: "text of ${self.x}"; x = "it"; }; in [ "hello ${name}" "${set}/bin" "${text}" "${"${name}"}!" "a${""}b" ("x" + set) ]
