//! Infinite recursion: which value needs which, from one back to itself.
//!
//! A part of the report. Invariant: uses inside of the library are left out where the user's own remain.

use super::report::{Place, Reader, Report};
use super::{EvalError, Frame, FrameKind};
use crate::source::Span;

/// Places of a cycle that are marked in the excerpt; the rest is only named.
const MARKED: usize = 2;

/// A use in a cycle of values: what is there needs something.
struct Link {
    span: Span,
    owner: String,
    needed: String,
    /// The use is a call of `needed`.
    calls: bool,
}

impl Link {
    fn label(&self) -> String {
        let Link { owner, needed, .. } = self;
        match (owner.as_str(), self.calls) {
            ("", _) => format!("`{needed}` is needed"),
            (_, true) => format!("`{owner}` calls `{needed}`"),
            (_, false) => format!("`{owner}` needs `{needed}`"),
        }
    }
}

impl Reader<'_> {
    /// The chain of names that leads from a value back to itself, each marked where it is used.
    pub(super) fn cycle(&mut self, error: &EvalError, report: &mut Report) {
        let frames = error.cycle();
        let mut links: Vec<Link> = Vec::new();
        for (index, frame) in frames.iter().enumerate() {
            let (FrameKind::Variable(name) | FrameKind::Reference(name)) = &frame.kind else {
                continue;
            };
            let Some(span) = frame.span else { continue };
            links.extend(self.link(span, name, &frames[index + 1..]));
        }
        if links.iter().any(|link| !self.is_library(link.span)) {
            links.retain(|link| !self.is_library(link.span));
        }
        links.reverse();
        // Of `config.a.b`, which is a variable and two selections, the whole is the use.
        links.dedup_by(|next, link| {
            let same = next.owner == link.owner && next.span.file == link.span.file;
            let within =
                |inner: Span, outer: Span| outer.start <= inner.start && inner.end <= outer.end;
            if same && within(link.span, next.span) {
                std::mem::swap(link, next);
                return true;
            }
            same && within(next.span, link.span)
        });
        let Some((first, last)) = links.first().zip(links.last()) else {
            return;
        };
        let start = if first.owner.is_empty() {
            last.needed.clone()
        } else {
            first.owner.clone()
        };
        report.message = format!("infinite recursion: `{start}` is needed to compute itself");
        if links.len() > 1 {
            let mut chain: Vec<String> = vec![format!("`{start}`")];
            for link in links.iter().skip(1) {
                let name = format!("`{}`", link.owner);
                if !link.owner.is_empty() && chain.last() != Some(&name) {
                    chain.push(name);
                }
            }
            chain.push(format!("`{start}`"));
            let omitted = chain.len().saturating_sub(12);
            if omitted > 0 {
                let text = format!("... {omitted} more ...");
                chain.splice(6..6 + omitted, [text]);
            }
            report
                .notes
                .push(format!("the cycle: {}", chain.join(" -> ")));
        }
        let last = links.pop();
        let again = if links.is_empty() { "" } else { " again" };
        report.main = last.map(|link| Place {
            span: link.span,
            text: link.label() + again,
        });
        let marked = links.into_iter().take(MARKED);
        report.places = marked
            .map(|link| Place {
                span: link.span,
                text: link.label(),
            })
            .collect();
        // The excerpt says already how evaluation got into the cycle.
        if report
            .trace
            .first()
            .is_some_and(|step| step.kind == "attribute" && step.is_about(&start))
        {
            report.trace.remove(0);
        }
    }

    /// One use in a cycle. `outer` are the frames around it: the use of an argument is the call's.
    fn link(&mut self, span: Span, name: &str, outer: &[Frame]) -> Option<Link> {
        let owner = self.path_at(span).unwrap_or_default();
        if owner.is_empty()
            && let Some(Frame {
                kind: FrameKind::Call(function),
                span: Some(call),
            }) = outer.first()
            && let Some(owner) = self.path_at(*call)
        {
            let needed = function.as_deref().unwrap_or("a function");
            return Some(Link {
                span: *call,
                owner,
                needed: needed.to_owned(),
                calls: true,
            });
        }
        let selection = self.outline(span.file).selection(span.start..span.end);
        let (range, needed) = selection.unwrap_or_else(|| (span.start..span.end, name.to_owned()));
        Some(Link {
            span: Span {
                start: range.start,
                end: range.end,
                ..span
            },
            owner,
            needed,
            calls: false,
        })
    }
}
