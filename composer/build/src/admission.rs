//! Which ready build may start beside those that run, by what it needs of the machine.
//!
//! The scheduler asks before it takes one from its queue. Invariant: when nothing runs, the first
//! one starts whatever it needs, so that a need above the limit delays a build and never stops it.

use xsc_model::{Builder, Derivation, Resources};

/// How often others may start before the first of the queue, which does not fit, gets its turn.
const MOST_PASSES: u32 = 8;

/// What runs, and what more may.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    /// Memory for all builds together, in MiB; none for no limit.
    limit: Option<u64>,
    used: u64,
    running: usize,
    exclusive: bool,
    /// How often the first of the queue was passed over.
    passes: u32,
}

impl Admission {
    pub(crate) fn new(limit: Option<u64>) -> Self {
        Admission {
            limit,
            ..Admission::default()
        }
    }

    /// Takes the first of `ready` that fits; it counts as running until [`Admission::end`]. An exclusive one also waits
    /// for the `unfinished`, whose outputs are still taken in.
    pub(crate) fn start<K>(
        &mut self,
        ready: impl Iterator<Item = (K, Resources)>,
        unfinished: usize,
    ) -> Option<(K, Resources)> {
        if self.exclusive {
            return None;
        }
        for (place, (key, need)) in ready.enumerate() {
            if self.fits(need) && !(need.exclusive && unfinished > 0) {
                self.passes = if place == 0 { 0 } else { self.passes + 1 };
                self.running += 1;
                self.used += need.memory;
                self.exclusive = need.exclusive;
                return Some((key, need));
            }
            // A large one would never start if small ones always took what becomes free.
            if self.passes >= MOST_PASSES {
                return None;
            }
        }
        None
    }

    /// One that was started is over.
    pub(crate) fn end(&mut self, need: Resources) {
        self.running -= 1;
        self.used -= need.memory;
        self.exclusive = false;
    }

    fn fits(&self, need: Resources) -> bool {
        if self.running == 0 {
            return true;
        }
        let room = self
            .limit
            .is_none_or(|limit| self.used.saturating_add(need.memory) <= limit);
        !need.exclusive && room
    }
}

/// What a derivation needs; what runs no command needs nothing that would be counted.
pub(crate) fn needs(drv: &Derivation) -> Resources {
    match &drv.builder {
        Builder::Exec(exec) => exec.resources,
        Builder::Fetch(_) | Builder::Builtin { .. } => Resources::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(memory: u64) -> Resources {
        Resources {
            memory,
            exclusive: false,
        }
    }

    const ALONE: Resources = Resources {
        memory: 0,
        exclusive: true,
    };

    fn start(admission: &mut Admission, ready: &[Resources]) -> Option<usize> {
        let ready = ready.iter().copied().enumerate();
        admission.start(ready, 0).map(|(index, _)| index)
    }

    #[test]
    fn memory_is_shared_out_up_to_the_limit() {
        let mut a = Admission::new(Some(1000));
        assert_eq!(start(&mut a, &[memory(600)]), Some(0));
        assert_eq!(start(&mut a, &[memory(600)]), None);
        assert_eq!(start(&mut a, &[memory(600), memory(400)]), Some(1));
        assert_eq!(start(&mut a, &[memory(600), memory(0)]), Some(1));
        a.end(memory(600));
        assert_eq!(start(&mut a, &[memory(600)]), Some(0));
        let mut unlimited = Admission::new(None);
        for _ in 0..3 {
            assert_eq!(start(&mut unlimited, &[memory(u64::MAX / 4)]), Some(0));
        }
    }

    #[test]
    fn what_needs_more_than_there_is_runs_alone() {
        let mut a = Admission::new(Some(1000));
        assert_eq!(start(&mut a, &[memory(5000)]), Some(0));
        assert_eq!(start(&mut a, &[memory(1)]), None);
        assert_eq!(start(&mut a, &[memory(0)]), None);
        a.end(memory(5000));
        assert_eq!(start(&mut a, &[memory(1)]), Some(0));
    }

    #[test]
    fn an_exclusive_one_has_no_other_beside_it() {
        let mut a = Admission::new(None);
        assert_eq!(start(&mut a, &[memory(1)]), Some(0));
        assert_eq!(start(&mut a, &[ALONE]), None);
        assert_eq!(start(&mut a, &[ALONE, memory(1)]), Some(1));
        a.end(memory(1));
        a.end(memory(1));
        assert_eq!(start(&mut a, &[ALONE]), Some(0));
        assert_eq!(start(&mut a, &[memory(0)]), None);
        a.end(ALONE);
        assert_eq!(start(&mut a, &[memory(0)]), Some(0));
    }

    #[test]
    fn an_exclusive_one_waits_for_what_is_taken_in() {
        let mut a = Admission::new(None);
        let mut with = |unfinished| a.start([((), ALONE)].into_iter(), unfinished);
        assert!(with(1).is_none());
        assert!(with(0).is_some());
    }

    #[test]
    fn a_large_one_is_not_passed_over_for_ever() {
        let mut a = Admission::new(Some(1000));
        assert_eq!(start(&mut a, &[memory(500)]), Some(0));
        for _ in 0..MOST_PASSES {
            assert_eq!(start(&mut a, &[memory(900), memory(100)]), Some(1));
            a.end(memory(100));
        }
        assert_eq!(start(&mut a, &[memory(900), memory(100)]), None);
        a.end(memory(500));
        assert_eq!(start(&mut a, &[memory(900), memory(100)]), Some(0));
        assert_eq!(start(&mut a, &[memory(900), memory(100)]), Some(1));
    }
}
