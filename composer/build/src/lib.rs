//! Realises derivations: scheduler, executors, builtin builders, logs
