//! Operators and builtins by the type of their result.
//!
//! Invariant: whatever is called with `builtins.` exists in every version of Nix that tests compare with.

use super::{Generator, Type};

const VERSIONS: [&str; 10] = [
    "1.2", "1.10", "2.3pre1", "2.3", "1.2.3a", "", "foo-1.2", "a-b-12x", "1..2", "00.1-rc",
];
const PATTERNS: [&str; 12] = [
    "a",
    "(a|b)*",
    "[a-z]+",
    "([^.]*)\\\\.(.*)",
    "[[:space:]]*([^ ]+).*",
    "",
    "(x)?foo",
    "[0-9]{1,3}",
    "fo*",
    ".*",
    "[^/]+",
    "(f)(o*)",
];
const JSON: [&str; 14] = [
    "1",
    "-1.5",
    "1e3",
    "[1, 2.0, null, true]",
    "{\\\"a\\\": {\\\"b\\\": \\\"x\\\"}}",
    "\\\"\\\\u00e9\\\\n\\\"",
    "[]",
    "{}",
    " [ ] ",
    "[1,]",
    "nul",
    "\\\"",
    "{\\\"a\\\": 1, \\\"a\\\": 2}",
    "0.1",
];

fn has_path(ty: &Type) -> bool {
    match ty {
        Type::Path => true,
        Type::List(item) => has_path(item),
        Type::Set(fields) => fields.iter().any(|(_, ty)| has_path(ty)),
        _ => false,
    }
}

impl Generator<'_> {
    fn list(&mut self, item: &Type, depth: u32) -> String {
        self.of(&Type::List(Box::new(item.clone())), depth)
    }

    /// A function for a builtin to call. Old versions look at it also where newer ones do not, so for them it
    /// is not an error.
    fn function(&mut self, from: &Type, to: &Type, depth: u32) -> String {
        if !self.modern {
            return self.function_of(from, to, depth);
        }
        let ty = Type::Function(Box::new(from.clone()), Box::new(to.clone()));
        self.of(&ty, depth)
    }

    pub(super) fn typed(&mut self, ty: &Type, depth: u32) -> String {
        match ty {
            Type::Int => self.int(depth),
            Type::Bool => self.bool(depth),
            Type::Str => self.str(depth),
            Type::Float => self.float(depth),
            Type::Null => match self.pick(2) {
                0 => "null".to_owned(),
                _ => format!("(builtins.match \"q\" {})", self.of(&Type::Str, depth)),
            },
            Type::Path => self.path(depth),
            Type::List(item) => self.list_of(item, depth),
            Type::Set(fields) => self.set_of(fields, depth),
            Type::Function(from, to) => self.function_of(from, to, depth),
        }
    }

    fn int(&mut self, depth: u32) -> String {
        let mut int = |depth| self.of(&Type::Int, depth);
        let (a, b) = (int(depth), int(depth));
        match self.pick(20) {
            0 => format!("({a} + {b})"),
            1 => format!("({a} - {b})"),
            2 => format!("({a} * {b})"),
            3 => format!("({a} / {b})"),
            // Without parentheses, so that precedence counts.
            4 => {
                let operators = ["+", "-", "*"];
                let (first, second) = (self.one_of(&operators), self.one_of(&operators));
                let c = self.of(&Type::Int, depth);
                format!("({a} {first} {b} {second} {c})")
            }
            5 => format!("(-{a})"),
            6 => format!("(builtins.stringLength {})", self.of(&Type::Str, depth)),
            7 => {
                let item = self.some_type(0);
                format!("(builtins.length {})", self.list(&item, depth))
            }
            8 => {
                let function = self.one_of(&["bitAnd", "bitOr", "bitXor", "add", "sub", "mul"]);
                format!("(builtins.{function} {a} {b})")
            }
            9 => {
                // Beyond the integers the conversion is undefined in older versions.
                let function = self.one_of(&["ceil", "floor"]);
                let float = self.of(&Type::Float, depth);
                format!(
                    "(let f = {float}; in if f < 1.0e9 && f > -1.0e9 then builtins.{function} f else 9)"
                )
            }
            10 => {
                let (a, b) = (self.one_of(&VERSIONS), self.one_of(&VERSIONS));
                format!("(builtins.compareVersions \"{a}\" \"{b}\")")
            }
            11 => {
                let items = self.list(&Type::Int, depth);
                let function = self.one_of(&[
                    "(x: y: x + y)",
                    "builtins.sub",
                    "(x: y: y)",
                    "(x: builtins.mul x)",
                ]);
                format!("(builtins.foldl' {function} {a} {items})")
            }
            12 => format!("(builtins.head {})", self.list(&Type::Int, depth)),
            13 => {
                // Recursion that ends: n is small.
                let n = self.pick(12);
                format!("(let f = n: if n < 1 then {a} else f (n - 1) + {b}; in f {n})")
            }
            14 => format!("(builtins.fromJSON \"{}\")", self.one_of(&JSON)),
            15 => {
                let mut fields = Vec::new();
                for name in self.names(3) {
                    fields.push((name, self.some_type(0)));
                }
                let set = self.of(&Type::Set(fields), depth);
                format!("(builtins.length (builtins.attrNames {set}))")
            }
            16 => format!(
                "(let p = builtins.partition (x: x > {a}) {}; in builtins.length p.right)",
                self.list(&Type::Int, depth)
            ),
            17 => format!("(if builtins.isInt {a} then {b} else 0)"),
            18 => format!("({a} + {})", self.of(&Type::Float, depth)),
            _ => {
                let items = self.list(&Type::Str, depth);
                format!("(builtins.stringLength (toString {items}))")
            }
        }
    }

    fn comparable(&mut self) -> Type {
        match self.pick(6) {
            0 => Type::Int,
            1 => Type::Str,
            2 => Type::Float,
            3 => Type::Path,
            4 => Type::List(Box::new(Type::Int)),
            _ => Type::List(Box::new(Type::Str)),
        }
    }

    fn bool(&mut self, depth: u32) -> String {
        match self.pick(20) {
            0 => {
                let (a, b) = (self.of(&Type::Bool, depth), self.of(&Type::Bool, depth));
                let operator = self.one_of(&["&&", "||", "->", "==", "!="]);
                format!("({a} {operator} {b})")
            }
            1 => {
                let mut text = self.of(&Type::Bool, depth);
                for _ in 0..=self.pick(2) {
                    let operator = self.one_of(&["&&", "||", "->"]);
                    let not = self.one_of(&["", "!"]);
                    text = format!("{text} {operator} {not}{}", self.of(&Type::Bool, depth));
                }
                format!("({text})")
            }
            2 => format!("(!{})", self.of(&Type::Bool, depth)),
            3..=6 => {
                let ty = self.some_type(2);
                let (a, b) = (self.of(&ty, depth), self.of(&ty, depth));
                let operator = self.one_of(&["==", "!="]);
                format!("({a} {operator} {b})")
            }
            7 => {
                // One and the same value on both sides, functions inside included.
                let ty = self.some_type(2);
                let value = self.of(&ty, depth);
                let (left, right) = self.one_of(&[
                    ("v", "v"),
                    ("[ v ]", "[ v ]"),
                    ("{ k = v; }", "{ k = v; }"),
                    ("[ v ]", "(map (x: x) [ v ])"),
                    ("w", "v"),
                    ("[ w ]", "[ v ]"),
                    ("s", "s"),
                    ("[ s.k ]", "[ s.k ]"),
                    ("s.k", "s.k"),
                    ("(s // { })", "s"),
                    ("{ inherit (s) k; }", "s"),
                    ("{ inherit v; }.v", "v"),
                ]);
                format!("(let v = {value}; w = v; s = {{ k = v; }}; in {left} == {right})")
            }
            8 | 9 => {
                let ty = self.comparable();
                let (a, b) = (self.of(&ty, depth), self.of(&ty, depth));
                let operator = self.one_of(&["<", "<=", ">", ">="]);
                format!("({a} {operator} {b})")
            }
            10 => {
                let ty = self.some_type(1);
                format!(
                    "(builtins.elem {} {})",
                    self.of(&ty, depth),
                    self.list(&ty, depth)
                )
            }
            11 => {
                let item = self.some_type(0);
                let function = self.one_of(&["any", "all"]);
                let predicate = self.function(&item, &Type::Bool, depth);
                format!(
                    "(builtins.{function} {predicate} {})",
                    self.list(&item, depth)
                )
            }
            12 => {
                let name = self.name();
                let set = self.of(&Type::Set(vec![(name, Type::Int)]), depth);
                let asked = self.name();
                match self.pick(4) {
                    0 => format!("({set} ? {asked})"),
                    1 => format!("({set} ? {asked}.qb)"),
                    2 => format!("({set} ? \"{asked}\")"),
                    _ => format!("(builtins.hasAttr \"{asked}\" {set})"),
                }
            }
            13 => {
                let test = self.one_of(&[
                    "isInt",
                    "isString",
                    "isList",
                    "isAttrs",
                    "isFunction",
                    "isFloat",
                    "isBool",
                    "isNull",
                    "isPath",
                ]);
                format!("(builtins.{test} {})", self.any(depth))
            }
            14 => format!(
                "(builtins.lessThan {} {})",
                self.of(&Type::Int, depth),
                self.of(&Type::Float, depth)
            ),
            15 => format!("(builtins.tryEval {}).success", self.any(depth)),
            16 => {
                let (a, b) = (self.of(&Type::Int, depth), self.of(&Type::Int, depth));
                let c = self.of(&Type::Int, depth);
                format!("({a} + {b} < {c} && {a} == {b} || {b} != {c})")
            }
            17 => {
                let first = self.any(depth);
                format!(
                    "(builtins.typeOf {first} == builtins.typeOf {})",
                    self.any(depth)
                )
            }
            18 => format!(
                "(builtins.toJSON {} == {})",
                self.of(&Type::Int, depth),
                self.of(&Type::Str, depth)
            ),
            _ => format!("({} == {})", self.any(depth), self.any(depth)),
        }
    }

    fn str(&mut self, depth: u32) -> String {
        match self.pick(20) {
            0..=3 => self.string(depth + 1),
            4 => format!(
                "({} + {})",
                self.of(&Type::Str, depth),
                self.of(&Type::Str, depth)
            ),
            5 | 6 => {
                let ty = match self.pick(7) {
                    0 => Type::Int,
                    1 => Type::Float,
                    2 => Type::Bool,
                    3 => Type::Null,
                    4 => Type::Path,
                    5 => Type::Str,
                    _ => Type::List(Box::new(self.some_type(1))),
                };
                format!("(toString {})", self.of(&ty, depth))
            }
            7 => {
                // Offsets beyond 32 bits make older versions fail.
                let start = self.one_of(&["0", "1", "3", "99", "(-1)"]);
                let length = self.one_of(&["0", "1", "2", "99", "(-1)"]);
                format!(
                    "(builtins.substring {start} {length} {})",
                    self.ascii(depth)
                )
            }
            8 => format!(
                "(builtins.concatStringsSep {} {})",
                self.of(&Type::Str, depth),
                self.list(&Type::Str, depth)
            ),
            9 => {
                let from = self.one_of(&[
                    "[ \"a\" ]",
                    "[ \"a\" \"fo\" ]",
                    "[ \"\" ]",
                    "[ \"o\" \"\" ]",
                    "[ ]",
                    "[ \"f\" \"foo\" ]",
                ]);
                // Older versions need all replacements.
                let lazy = if self.modern {
                    "[ \"\" (throw \"t\") ]"
                } else {
                    "[ ]"
                };
                let to = self.one_of(&[
                    "[ \"X\" ]",
                    "[ \"X\" \"aa\" ]",
                    "[ \"-\" ]",
                    "[ \"Y\" \"-\" ]",
                    "[ ]",
                    "[ \"\" \"x\" ]",
                    lazy,
                ]);
                format!(
                    "(builtins.replaceStrings {from} {to} {})",
                    self.ascii(depth)
                )
            }
            10 => {
                let function =
                    self.one_of(&["baseNameOf", "dirOf", "builtins.unsafeDiscardStringContext"]);
                format!("({function} {})", self.of(&Type::Str, depth))
            }
            11 => {
                let ty = match self.pick(5) {
                    0 => Type::Int,
                    1 => Type::Str,
                    2 => Type::Bool,
                    3 => Type::List(Box::new(Type::Int)),
                    _ => Type::Set(vec![("qa", Type::Str), ("qx", Type::Null)]),
                };
                format!("(builtins.toJSON {})", self.of(&ty, depth))
            }
            12 => format!("(builtins.typeOf {})", self.any(depth)),
            13 => {
                let value = self.of(&Type::Str, depth);
                let set = self.one_of(&[
                    "__toString = self: self.v",
                    "outPath = v",
                    "__toString = _: v; outPath = throw \"o\"",
                ]);
                format!("(let v = {value}; in \"<${{{{ {set}; v = v; }}}}>\")")
            }
            14 => format!(
                "(builtins.head (builtins.attrNames {}))",
                self.of(
                    &Type::Set(vec![("qb", Type::Int), ("qa", Type::Int)]),
                    depth
                )
            ),
            15 => {
                let field = self.one_of(&["name", "version"]);
                format!(
                    "(builtins.parseDrvName \"{}\").{field}",
                    self.one_of(&VERSIONS)
                )
            }
            16 => {
                let algorithm = self.one_of(&["sha256", "sha512"]);
                format!(
                    "(builtins.substring 0 8 (builtins.hashString \"{algorithm}\" {}))",
                    self.of(&Type::Str, depth)
                )
            }
            17 => format!("(baseNameOf {})", self.of(&Type::Path, depth)),
            18 => format!("({} + {})", self.of(&Type::Str, depth), self.no_path(depth)),
            _ => format!("\"${{{}}}\"", self.no_path(depth)),
        }
    }

    /// A string that may be cut anywhere.
    fn ascii(&mut self, depth: u32) -> String {
        let word = self.one_of(&["\"foo\"", "\"a-b-c\"", "\"\"", "\"fooaafoo\""]);
        match self.pick(3) {
            0 => word.to_owned(),
            1 => format!("({word} + toString {})", self.of(&Type::Int, depth)),
            _ => format!("(toString {})", self.of(&Type::Float, depth)),
        }
    }

    fn float(&mut self, depth: u32) -> String {
        let (a, b) = (self.of(&Type::Float, depth), self.of(&Type::Float, depth));
        match self.pick(8) {
            0 => format!("({a} + {b})"),
            1 => format!("({a} - {b})"),
            2 => format!("({a} * {b})"),
            3 => format!("({a} / {b})"),
            4 => format!("({a} * {})", self.of(&Type::Int, depth)),
            5 => format!("({} / {b})", self.of(&Type::Int, depth)),
            6 => format!("(-{a})"),
            _ => format!("(builtins.div {a} {b})"),
        }
    }

    fn path(&mut self, depth: u32) -> String {
        match self.pick(6) {
            0 => format!(
                "({} + {})",
                self.of(&Type::Path, depth),
                self.one_of(&["\"/x\"", "\"x\"", "\"\"", "\"/a/./b/\""])
            ),
            1 => format!("(dirOf {})", self.of(&Type::Path, depth)),
            2 => format!(
                "({} + {})",
                self.of(&Type::Path, depth),
                self.one_of(&["./x", "/y", "/."])
            ),
            3 => format!(
                "./a${{{}}}",
                self.one_of(&["\"b\"", "\"/c/..\"", "\"\"", "\"x\" + \"y\""])
            ),
            4 => format!("(/. + {})", self.one_of(&["\"/a/b\"", "\"a\"", "\"//c\""])),
            _ => format!("(/a/b + \"/{}\")", self.one_of(&["c", "../c", "./"])),
        }
    }

    fn list_of(&mut self, item: &Type, depth: u32) -> String {
        let this = Type::List(Box::new(item.clone()));
        match self.pick(22) {
            0..=3 => {
                let items: Vec<String> = (0..self.pick(4)).map(|_| self.of(item, depth)).collect();
                format!("[ {} ]", items.join(" "))
            }
            4 => format!("({} ++ {})", self.of(&this, depth), self.of(&this, depth)),
            5 => format!(
                "({} ++ {} ++ {})",
                self.of(&this, depth),
                self.of(&this, depth),
                self.of(&this, depth)
            ),
            6 | 7 => {
                let from = self.some_type(1);
                let function = self.function(&from, item, depth);
                format!("(map {function} {})", self.list(&from, depth))
            }
            8 => {
                let predicate = self.function(item, &Type::Bool, depth);
                format!("(builtins.filter {predicate} {})", self.of(&this, depth))
            }
            9 => {
                let function = self.function(&Type::Int, item, depth);
                format!("(builtins.genList {function} {})", self.pick(5))
            }
            10 => {
                let less = self.one_of(&[
                    "builtins.lessThan",
                    "(x: y: x < y)",
                    "(x: y: y < x)",
                    "(x: y: false)",
                ]);
                let ordered = matches!(
                    item,
                    Type::Int | Type::Str | Type::Float | Type::Path | Type::List(_)
                );
                let less = if ordered { less } else { "(x: y: false)" };
                format!("(builtins.sort {less} {})", self.of(&this, depth))
            }
            11 => format!("(builtins.concatLists {})", self.list(&this, depth)),
            12 => {
                let from = self.some_type(0);
                let function = self.function(&from, &this, depth);
                format!(
                    "(builtins.concatMap {function} {})",
                    self.list(&from, depth)
                )
            }
            13 => format!("(builtins.tail {})", self.of(&this, depth)),
            14 => {
                let set = self.of(
                    &Type::Set(vec![("qb", item.clone()), ("qa", item.clone())]),
                    depth,
                );
                format!("(builtins.attrValues {set})")
            }
            15 => {
                let sets = self.list(&Type::Set(vec![("qa", item.clone())]), depth);
                format!("(builtins.catAttrs \"qa\" {sets})")
            }
            16 => {
                let predicate = self.function(item, &Type::Bool, depth);
                let side = self.one_of(&["right", "wrong"]);
                format!(
                    "(builtins.partition {predicate} {}).{side}",
                    self.of(&this, depth)
                )
            }
            17 => {
                let items = self.of(&this, depth);
                format!(
                    "(builtins.concatMap (i: i.v) (builtins.attrValues (builtins.mapAttrs (n: v: {{ inherit v; }}) (builtins.groupBy (x: builtins.typeOf x) {items}))))"
                )
            }
            18 if *item == Type::Str => match self.pick(5) {
                0 => format!("(builtins.splitVersion \"{}\")", self.one_of(&VERSIONS)),
                1 => format!(
                    "(builtins.split \"{}\" {})",
                    self.one_of(&PATTERNS),
                    self.ascii(depth)
                ),
                2 => format!(
                    "(builtins.match \"{}\" {})",
                    self.one_of(&PATTERNS),
                    self.ascii(depth)
                ),
                3 => format!("(builtins.attrNames {})", self.any(depth)),
                _ => format!(
                    "(builtins.filter builtins.isString (builtins.split \"{}\" {}))",
                    self.one_of(&PATTERNS),
                    self.of(&Type::Str, depth)
                ),
            },
            18 if *item == Type::Int => {
                let limit = self.pick(6);
                format!(
                    "(map (e: e.key) (builtins.genericClosure {{ startSet = [ {{ key = 1; }} {{ key = 0; }} ]; operator = e: if e.key < {limit} then [ {{ key = e.key * 2; }} {{ key = e.key + 1; }} ] else [ ]; }}))"
                )
            }
            19 => {
                let first = self.of(item, depth);
                format!(
                    "(let xs = [ {first} ] ++ map (x: x) xs; in [ (builtins.head [ {first} ]) ])"
                )
            }
            _ => {
                let items = self.of(&this, depth);
                format!("(builtins.foldl' (acc: x: [ x ] ++ acc) [ ] {items})")
            }
        }
    }

    fn set_of(&mut self, fields: &[(&'static str, Type)], depth: u32) -> String {
        let this = Type::Set(fields.to_vec());
        match self.pick(18) {
            0..=6 => self.set_literal(fields, depth),
            7 | 8 => format!("({} // {})", self.of(&this, depth), self.of(&this, depth)),
            9 => {
                let (first, second) = fields.split_at(fields.len() / 2);
                let (first, second) = (first.to_vec(), second.to_vec());
                format!(
                    "({} // {})",
                    self.of(&Type::Set(first), depth),
                    self.of(&Type::Set(second), depth)
                )
            }
            10 => {
                let mut more = fields.to_vec();
                more.retain(|(name, _)| *name != "qz");
                more.push(("qz", Type::Int));
                let keep = if fields.iter().any(|(name, _)| *name == "qz") {
                    ""
                } else {
                    "\"qz\""
                };
                format!(
                    "(removeAttrs {} [ {keep} \"nothing\" ])",
                    self.of(&Type::Set(more), depth)
                )
            }
            11 => {
                let names: Vec<(&'static str, Type)> =
                    fields.iter().map(|(name, _)| (*name, Type::Null)).collect();
                format!(
                    "(builtins.intersectAttrs {} {})",
                    self.of(&Type::Set(names), depth),
                    self.of(&this, depth)
                )
            }
            12 => {
                let items: Vec<String> = fields
                    .iter()
                    .map(|(name, ty)| {
                        format!(
                            "{{ name = {}; value = {}; }}",
                            self.quoted(name),
                            self.of(ty, depth)
                        )
                    })
                    .collect();
                format!("(builtins.listToAttrs [ {} ])", items.join(" "))
            }
            13 => format!(
                "(builtins.mapAttrs (name: value: value) {})",
                self.of(&this, depth)
            ),
            14 => format!(
                "(builtins.mapAttrs (n: vs: builtins.head vs) (builtins.zipAttrsWith (n: vs: vs) {}))",
                self.list(&this, depth)
            ),
            15 => {
                let items = self.list(&Type::Str, depth);
                format!(
                    "(builtins.groupBy (x: x) {items} // {})",
                    self.of(&this, depth)
                )
            }
            16 => format!(
                "(builtins.functionArgs ({{ qa, qb ? 1, ... }}: qa) // {})",
                self.of(&this, depth)
            ),
            // A path becomes one in the store, which `fromJSON` refuses.
            _ if has_path(&this) => self.set_literal(fields, depth),
            _ => format!(
                "(builtins.fromJSON (builtins.toJSON {}))",
                self.of(&this, depth)
            ),
        }
    }

    /// A set with all the ways of writing attributes.
    fn set_literal(&mut self, fields: &[(&'static str, Type)], depth: u32) -> String {
        let mut parts = Vec::new();
        for (name, ty) in fields {
            let value = self.of(ty, depth);
            parts.push(match (self.pick(8), ty) {
                (1, _) => format!("\"{name}\" = {value};"),
                (2, _) => format!("${{{}}} = {value};", self.quoted(name)),
                (3, _) => format!("inherit ({{ {name} = {value}; }}) {name};"),
                (4, _)
                    if self
                        .scope
                        .iter()
                        .any(|(other, other_ty)| other == name && other_ty == ty) =>
                {
                    format!("inherit {name};")
                }
                (5, Type::Set(inner)) if !inner.is_empty() => {
                    // Nested names in pieces.
                    let pieces: Vec<String> = inner
                        .iter()
                        .map(|(inner, ty)| format!("{name}.{inner} = {};", self.of(ty, depth)))
                        .collect();
                    pieces.join(" ")
                }
                _ => format!("{name} = {value};"),
            });
        }
        if self.rarely(10) {
            parts.push("${null} = throw \"left out\";".to_owned());
        }
        if self.rarely(10) {
            parts.push("unused = throw \"unused\";".to_owned());
        }
        if self.rarely(30) {
            parts.push("unused.more = abort \"unused\";".to_owned());
        }
        if self.pick(3) == 1 {
            parts.reverse();
        }
        format!("{{ {} }}", parts.join(" "))
    }

    fn function_of(&mut self, from: &Type, to: &Type, depth: u32) -> String {
        let name = self.name();
        match self.pick(8) {
            0..=3 => {
                let body = self.within([(name, from.clone())], |generator| generator.of(to, depth));
                format!("({name}: {body})")
            }
            4 => {
                let (Type::Set(fields), false) = (from, depth == 0) else {
                    return format!("({name}: {})", self.leaf(to));
                };
                let texts: Vec<String> =
                    fields.iter().map(|(name, _)| (*name).to_owned()).collect();
                let fields = fields.clone();
                let body = self.within(fields, |generator| generator.of(to, depth));
                format!(
                    "({{ {} }}: {body})",
                    [texts, vec!["...".to_owned()]].concat().join(", ")
                )
            }
            5 if from == to => "(x: x)".to_owned(),
            5 if *to == Type::Int && *from == Type::Int => "(builtins.add 1)".to_owned(),
            6 => {
                let body = self.within([(name, from.clone())], |generator| generator.of(to, depth));
                format!("{{ __functor = self: {name}: {body}; }}")
            }
            _ => {
                let body = self.of(to, depth);
                format!("(_: {body})")
            }
        }
    }
}
