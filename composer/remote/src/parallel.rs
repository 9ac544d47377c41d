//! One piece of work for each of several items, on several threads.
//!
//! Transfers and questions to endpoints go through it; what limits them is the network. Invariant: after the first
//! failure nothing more begins, and that failure is the result.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Does `work` for every item on at most so many threads; the results are in the order of the items.
pub(crate) fn parallel<T: Sync, R: Send, E: Send>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    if items.len() <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    let failure: Mutex<Option<E>> = Mutex::new(None);
    let run = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return };
            match work(item) {
                Ok(result) => {
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    results.push((at, result));
                }
                Err(error) => {
                    next.store(items.len(), Ordering::Relaxed);
                    let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                    failure.get_or_insert(error);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            scope.spawn(run);
        }
    });
    if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_unstable_by_key(|(at, _)| *at);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..1000).collect();
        let doubled = parallel(8, &items, |n| Ok::<_, ()>(n * 2));
        assert_eq!(doubled, Ok((0..1000).map(|n| n * 2).collect()));
        assert_eq!(
            parallel(8, &[] as &[u32], |_| Err::<(), _>(1)),
            Ok(Vec::new())
        );
        assert_eq!(parallel(8, &[7], |n| Ok::<_, ()>(*n)), Ok(vec![7]));
    }

    #[test]
    fn the_first_failure_ends_it() {
        let items: Vec<usize> = (0..10_000).collect();
        let tried = AtomicUsize::new(0);
        let result = parallel(8, &items, |n| {
            tried.fetch_add(1, Ordering::Relaxed);
            match n {
                5 => Err("five"),
                _ => Ok(()),
            }
        });
        assert_eq!(result, Err("five"));
        assert!(tried.into_inner() < items.len());
        assert_eq!(parallel(8, &[1], |_| Err::<(), _>("one")), Err("one"));
    }
}
