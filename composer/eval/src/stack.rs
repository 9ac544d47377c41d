//! The native stack: whether enough of it is left, and moving on to a new segment when it is not.
//!
//! Every recursion of the crate, evaluation and dropping alike, asks here once a level. Invariant: `enough`
//! costs a comparison, and is true only for addresses within the stack that was measured last.

use std::cell::Cell;

/// Stack left when a new segment is made, and the size of a segment, in bytes.
const RED_ZONE: usize = 128 << 10;
const SEGMENT: usize = 8 << 20;

thread_local! {
    /// The lowest address that may still be used without asking, and how many above it are known.
    static KNOWN: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

#[inline(always)]
fn here() -> usize {
    let marker = 0_u8;
    std::ptr::from_ref(&marker).addr()
}

/// Whether the current stack is known to have room for one more level.
#[inline(always)]
pub(crate) fn enough() -> bool {
    let (low, length) = KNOWN.get();
    here().wrapping_sub(low) < length
}

/// Runs one level of a recursion, on a new segment if the current one is nearly full.
#[inline]
pub(crate) fn deeper<T>(run: impl FnOnce() -> T) -> T {
    if enough() { run() } else { measured(run) }
}

/// What `deeper` does when `enough` says no: most often nobody has measured this stack yet.
#[cold]
#[inline(never)]
pub(crate) fn measured<T>(run: impl FnOnce() -> T) -> T {
    let left = stacker::remaining_stack().unwrap_or(0);
    if left > RED_ZONE {
        let usable = left - RED_ZONE;
        KNOWN.set((here() - usable, usable + 1));
        return run();
    }
    let _outer = Restore(KNOWN.replace((0, 0)));
    stacker::grow(SEGMENT, run)
}

/// Puts back what was known of the outer segment, also when a panic passes.
struct Restore((usize, usize));

impl Drop for Restore {
    fn drop(&mut self) {
        KNOWN.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(levels: u32) -> u32 {
        let padding = [levels; 64];
        if levels == 0 {
            return 0;
        }
        deeper(|| count(std::hint::black_box(&padding)[0] - 1) + 1)
    }

    #[test]
    fn recursion_goes_on_beyond_one_segment() {
        assert_eq!(count(200_000), 200_000);
        assert_eq!(count(10), 10, "and the first stack is known again");
    }

    #[test]
    fn another_stack_is_measured_anew() {
        assert!(deeper(enough));
        let inner = stacker::grow(1 << 20, || {
            let known = enough();
            (known, deeper(enough), count(50_000))
        });
        assert_eq!(inner, (false, true, 50_000));
        assert!(deeper(enough));
    }
}
