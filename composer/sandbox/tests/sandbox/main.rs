//! Runs real sandboxes and looks at them from inside and outside. Every check runs as the user who runs the tests
//! and, when that is root, as an ordinary user too (through `setpriv`).
//! Needs `ldd`, and the C library's static form to compile the probe; a test that lacks something says so.

mod attach;
mod cgroup;
mod clock;
mod kept;
mod lifetime;
mod network;
mod perturbed;
mod processes;
mod refusals;
mod support;
mod view;
