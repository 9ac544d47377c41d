//! An audit as text for people, as JSON, and as SARIF for tools that show findings.
//!
//! The verb prints one of them, the build step writes all. Invariant: equal audits give equal bytes.

mod json;
mod sarif;
mod text;

pub use json::json;
pub use sarif::sarif;
pub use text::text;
