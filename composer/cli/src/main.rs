//! `xsc-compose`: parses the command line, runs one verb, prints its failure, exits with its code.
//!
//! Started by people, and by itself as the sandbox's runner (`__runner`). Invariant: standard
//! output holds the result and nothing else; everything for people goes to standard error.

mod args;
mod caches;
mod commands;
mod context;
mod engines;
mod error;
mod ui;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;

/// Evaluation makes and drops millions of small values, which is what this allocator is for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything else: the runner must stay single-threaded and read nothing of the user's.
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == "__runner") {
        xsc_sandbox::runner_main(words);
    }
    let cli = args::Cli::parse();
    let cancel = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&cancel);
    let handler = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::SeqCst) {
            // The second signal: builds die with this process, the store stays usable.
            std::process::exit(i32::from(error::exit::INTERRUPTED));
        }
        ui::say("stopping; a second interrupt stops at once");
    });
    if let Err(failure) = handler {
        eprintln!("error: cannot handle signals: {failure}");
        return ExitCode::from(error::exit::OTHER);
    }
    let dispatched = AssertUnwindSafe(|| commands::dispatch(&cli, &cancel));
    match std::panic::catch_unwind(dispatched) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => {
            eprint!("{}", failure.render(cli.json));
            ExitCode::from(failure.code)
        }
        // The panic said where; its own exit code, 101, would read as a build that timed out.
        Err(_) => ExitCode::from(error::exit::OTHER),
    }
}
