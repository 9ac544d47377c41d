//! Random expressions that mostly mean something: made from a tape of numbers that proptest draws and shrinks.
//!
//! `expression` is the entry. Each choice takes a number from the tape; when it ends, all choices are the
//! first, which is the simplest. Invariant: the text depends on the tape and the dialect only, and evaluates
//! without recursion that has no end.

mod literals;
mod typed;

/// What a generated expression is meant to be. A few are something else on purpose.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    Int,
    Bool,
    Str,
    Float,
    Null,
    Path,
    List(Box<Type>),
    Set(Vec<(&'static str, Type)>),
    Function(Box<Type>, Box<Type>),
}

/// Names of variables and attributes: unusual ones, which the text around an expression does not have.
pub(crate) const NAMES: [&str; 10] = ["_q", "qa", "q-b", "qb", "qc", "or1", "qx", "q'", "qy", "qz"];

/// The expression that `tape` stands for. `modern`: what old versions of Nix do differently may occur.
pub(crate) fn expression(tape: &[u16], modern: bool) -> String {
    let mut generator = Generator {
        tape,
        at: 0,
        scope: Vec::new(),
        modern,
    };
    let ty = generator.some_type(2);
    generator.of(&ty, 5)
}

struct Generator<'t> {
    tape: &'t [u16],
    at: usize,
    scope: Vec<(&'static str, Type)>,
    modern: bool,
}

impl Generator<'_> {
    /// A number below `count`; 0 once the tape has ended.
    fn pick(&mut self, count: usize) -> usize {
        let value = self.tape.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(value) % count
    }

    /// True once in `count` times.
    fn rarely(&mut self, count: usize) -> bool {
        self.pick(count) == count - 1
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.pick(choices.len())]
    }

    fn name(&mut self) -> &'static str {
        self.one_of(&NAMES)
    }

    /// Up to `most` different names.
    fn names(&mut self, most: usize) -> Vec<&'static str> {
        let mut names = Vec::new();
        for _ in 0..self.pick(most + 1) {
            let name = self.name();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    fn some_type(&mut self, depth: u32) -> Type {
        match self.pick(if depth == 0 { 6 } else { 10 }) {
            0 => Type::Int,
            1 => Type::Str,
            2 => Type::Bool,
            3 => Type::Float,
            4 => Type::Null,
            5 => Type::Path,
            6 | 7 => Type::List(Box::new(self.some_type(depth - 1))),
            8 => {
                let names = self.names(3);
                let fields = names
                    .into_iter()
                    .map(|name| (name, self.some_type(depth - 1)));
                Type::Set(fields.collect())
            }
            _ => {
                let from = self.some_type(depth - 1);
                Type::Function(Box::new(from), Box::new(self.some_type(depth - 1)))
            }
        }
    }

    /// Runs `body` with more variables in scope.
    fn within<T>(
        &mut self,
        variables: impl IntoIterator<Item = (&'static str, Type)>,
        body: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let outer = self.scope.clone();
        for (name, ty) in variables {
            self.scope.retain(|(other, _)| *other != name);
            self.scope.push((name, ty));
        }
        let result = body(self);
        self.scope = outer;
        result
    }

    fn variable(&mut self, ty: &Type) -> Option<&'static str> {
        let fitting: Vec<&'static str> = self
            .scope
            .iter()
            .filter(|(_, other)| other == ty)
            .map(|(name, _)| *name)
            .collect();
        if fitting.is_empty() {
            None
        } else {
            Some(self.one_of(&fitting))
        }
    }

    /// An expression of any type.
    fn any(&mut self, depth: u32) -> String {
        let ty = self.some_type(1);
        self.of(&ty, depth)
    }

    /// An expression of any type but a path, which would be copied to the store as text.
    fn no_path(&mut self, depth: u32) -> String {
        match self.some_type(1) {
            Type::Path => "null".to_owned(),
            ty => self.of(&ty, depth),
        }
    }

    /// An expression of type `ty`, in parentheses where its surroundings may need them.
    fn of(&mut self, ty: &Type, depth: u32) -> String {
        if depth == 0 || self.at >= self.tape.len() {
            return match self.variable(ty) {
                Some(name) if self.pick(2) == 1 => name.to_owned(),
                _ => self.leaf(ty),
            };
        }
        match self.pick(24) {
            0 => self.leaf(ty),
            1..=2 => match self.variable(ty) {
                Some(name) => name.to_owned(),
                None => self.leaf(ty),
            },
            3..=13 => self.typed(ty, depth - 1),
            14 => self.let_in(ty, depth - 1),
            15 => {
                let condition = self.of(&Type::Bool, depth - 1);
                let (then, other) = (self.of(ty, depth - 1), self.of(ty, depth - 1));
                format!("(if {condition} then {then} else {other})")
            }
            16 => self.with(ty, depth - 1),
            17 => self.select(ty, depth - 1),
            18 => self.call(ty, depth - 1),
            19 => self.attempt(ty, depth - 1),
            20 => self.recursive(ty, depth - 1),
            21 => {
                let first = self.any(depth - 1);
                let function = self.one_of(&["seq", "deepSeq"]);
                format!("(builtins.{function} {first} {})", self.of(ty, depth - 1))
            }
            22 => {
                let items: Vec<String> =
                    (0..=self.pick(2)).map(|_| self.of(ty, depth - 1)).collect();
                let beyond = usize::from(self.rarely(8));
                let index = self.pick(items.len() + beyond);
                format!("(builtins.elemAt [ {} ] {index})", items.join(" "))
            }
            _ => self.wrong(ty, depth - 1),
        }
    }

    /// Something else than asked for: an error or another type.
    fn wrong(&mut self, ty: &Type, depth: u32) -> String {
        match self.pick(10) {
            0..=2 => format!("(throw {})", self.of(&Type::Str, depth.min(1))),
            3 => "(abort \"no\")".to_owned(),
            4 => format!(
                "(assert {}; {})",
                self.of(&Type::Bool, depth),
                self.of(ty, depth)
            ),
            5 => "(let loop = loop; in loop)".to_owned(),
            6 => "(throw \"a\" + abort \"b\")".to_owned(),
            7 => "{ }.missing".to_owned(),
            _ => self.any(depth),
        }
    }

    fn let_in(&mut self, ty: &Type, depth: u32) -> String {
        let names = self.names(3);
        let variables: Vec<_> = names
            .into_iter()
            .map(|name| (name, self.some_type(1)))
            .collect();
        let bindings = self.bindings(&variables, depth);
        let body = self.within(variables, |generator| generator.of(ty, depth));
        match self.pick(8) {
            7 => format!("(let {{ {bindings}body = {body}; }})"),
            _ => format!("(let {bindings}in {body})"),
        }
    }

    /// Definitions of variables, each of which may use those before it, in a shuffled order.
    fn bindings(&mut self, variables: &[(&'static str, Type)], depth: u32) -> String {
        let mut lines = Vec::new();
        for (index, (name, ty)) in variables.iter().enumerate() {
            // Those that come later hide outer ones of the same name, so neither is in scope.
            let hidden: Vec<&str> = variables[index..].iter().map(|(name, _)| *name).collect();
            let outer = self.scope.clone();
            self.scope.retain(|(name, _)| !hidden.contains(name));
            let before = variables[..index].to_vec();
            let value = self.within(before, |generator| generator.of(ty, depth));
            self.scope = outer;
            lines.push(match self.pick(6) {
                5 => format!("inherit ({{ {name} = {value}; }}) {name}; "),
                _ => format!("{name} = {value}; "),
            });
        }
        if self.pick(2) == 1 {
            lines.reverse();
        }
        lines.concat()
    }

    /// `with`: its names are used only where nothing else binds them.
    fn with(&mut self, ty: &Type, depth: u32) -> String {
        let names = self.names(2);
        let mut fields = Vec::new();
        for name in names {
            fields.push((name, self.some_type(1)));
        }
        let set = self.of(&Type::Set(fields.clone()), depth);
        let bound: Vec<&str> = self.scope.iter().map(|(name, _)| *name).collect();
        let new: Vec<_> = fields
            .into_iter()
            .filter(|(name, _)| !bound.contains(name))
            .collect();
        let body = self.within(new, |generator| generator.of(ty, depth));
        format!("(with {set}; {body})")
    }

    fn select(&mut self, ty: &Type, depth: u32) -> String {
        let name = self.name();
        let set = self.of(&Type::Set(vec![(name, ty.clone())]), depth);
        match self.pick(7) {
            0 | 1 => format!("({set}).{name}"),
            2 => format!("({set}.{name} or {})", self.of(ty, depth)),
            3 => format!("({set}.nothing.{name} or {})", self.of(ty, depth)),
            4 => format!("({set}).${{{}}}", self.quoted(name)),
            5 => format!("(builtins.getAttr {} {set})", self.quoted(name)),
            _ => format!(
                "({{ {name} = {set}; }}.{name}.{name} or {})",
                self.of(ty, depth)
            ),
        }
    }

    /// A name as the text of a string, sometimes computed.
    fn quoted(&mut self, name: &str) -> String {
        match self.pick(3) {
            0 => format!("\"{name}\""),
            1 => format!("(\"{}\" + \"{}\")", &name[..1], &name[1..]),
            _ => format!("\"${{\"{name}\"}}\""),
        }
    }

    fn call(&mut self, ty: &Type, depth: u32) -> String {
        let from = self.some_type(1);
        if self.pick(2) == 0 {
            let argument = self.of(&from, depth);
            let function = self.of(&Type::Function(Box::new(from), Box::new(ty.clone())), depth);
            return format!("({function} {argument})");
        }
        let mut formals = Vec::new();
        for name in self.names(3) {
            formals.push((name, self.some_type(1)));
        }
        let (mut texts, mut attrs) = (Vec::new(), Vec::new());
        let all = formals.clone();
        for (name, ty) in &formals {
            match self.pick(3) {
                0 => {
                    attrs.push(format!("{name} = {};", self.of(ty, depth)));
                    texts.push((*name).to_owned());
                }
                given => {
                    // A default may use what comes before it.
                    let before: Vec<_> = all
                        .iter()
                        .take_while(|(other, _)| other != name)
                        .cloned()
                        .collect();
                    let outer = self.scope.clone();
                    self.scope
                        .retain(|(other, _)| all.iter().all(|(name, _)| name != other));
                    let default = self.within(before, |generator| generator.of(ty, depth));
                    self.scope = outer;
                    texts.push(format!("{name} ? {default}"));
                    if given == 2 {
                        attrs.push(format!("{name} = {};", self.of(ty, depth)));
                    }
                }
            }
        }
        if self.rarely(12) {
            attrs.push("extra = throw \"extra\";".to_owned());
        }
        let ellipsis = self.pick(3) == 1;
        if ellipsis {
            texts.push("...".to_owned());
        }
        let pattern = format!("{{ {} }}", texts.join(", "));
        let pattern = match self.pick(4) {
            0 => format!("{pattern}@all"),
            1 => format!("all@{pattern}"),
            _ => pattern,
        };
        let body = self.within(formals, |generator| generator.of(ty, depth));
        let argument = format!("{{ {} }}", attrs.join(" "));
        match self.pick(3) {
            0 => format!("(({pattern}: {body}) {argument})"),
            1 => format!("(let f = {pattern}: {body}; in f {argument})"),
            _ => format!("({{ __functor = self: {pattern}: {body}; }} {argument})"),
        }
    }

    fn attempt(&mut self, ty: &Type, depth: u32) -> String {
        let value = self.of(ty, depth);
        let other = self.of(ty, depth);
        format!(
            "(let attempt = builtins.tryEval {value}; in if attempt.success then attempt.value else {other})"
        )
    }

    fn recursive(&mut self, ty: &Type, depth: u32) -> String {
        let names = self.names(3);
        let variables: Vec<_> = names
            .into_iter()
            .map(|name| (name, self.some_type(1)))
            .collect();
        let bindings = self.bindings(&variables, depth);
        let body = self.within(variables, |generator| generator.of(ty, depth));
        format!("rec {{ {bindings}body = {body}; }}.body")
    }
}
