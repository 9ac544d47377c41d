//! The client of Remote Execution engines against a double in this process, with both digest
//! functions and every fault of its table; against a real engine in `casd.rs`.

mod caching;
mod double;
mod execution;
mod faults;
mod secured;
mod silence;
mod support;
