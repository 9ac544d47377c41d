//! The runner as a program of its own. `xsc-build` starts it for a local build, and it travels inside a
//! remote-execution action as a static binary. All of it is `xsc_sandbox::runner_main`.

fn main() {
    xsc_sandbox::runner_main(std::env::args_os().skip(1))
}
