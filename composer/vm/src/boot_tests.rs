//! Tests that boot real guests under QEMU: boot sectors of a few instructions with known manners.
//!
//! Run where qemu-system-x86_64 is installed; elsewhere each prints why it was skipped. Invariant: no test
//! asserts how long something takes, only how it ended.
