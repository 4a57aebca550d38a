//! Contexts in rayon's parallel iterators: every closure behind `with_context` sees them, whatever stands between.

use std::collections::HashMap;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread::{self, ThreadId};

use contextvars::rayon::iter::repeat_n;
use contextvars::rayon::prelude::*;
use contextvars::rayon::{ThreadPool, ThreadPoolBuilder};
use contextvars::{Context, context_var, copy_context, with_context};

#[context_var(default = 0)]
static REQUEST: u32;

#[context_var(default = 0, inherit = false)]
static TRANSACTION: u32;

fn pool() -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(3).build().expect("a pool")
}

/// The context that the iterators below are given.
fn request_seven() -> Context {
    Context::new().with(&REQUEST, 7)
}

/// Passes `value` on, from where request 7 must be current.
#[track_caller]
fn in_seven<T>(value: T) -> T {
    assert_eq!(REQUEST.get(), 7, "outside of the context");
    value
}

/// Items enough for many jobs, each of one item.
fn many() -> impl IndexedParallelIterator<Item = u32> {
    (0..200_u32).into_par_iter().with_max_len(1)
}

/// A value whose every operation must happen in request 7.
#[derive(Debug)]
struct Strict(u32);

impl Clone for Strict {
    fn clone(&self) -> Self {
        in_seven(Self(self.0))
    }
}

/// Runs a test's chain on a pool, in no context; afterwards no thread has anything left over.
fn run<R: Send>(chain: impl FnOnce() -> R + Send) -> R {
    let pool = pool();
    let result = pool.install(chain);
    assert!(pool.into_inner().broadcast(|_| copy_context().is_empty()).into_iter().all(|empty| empty));
    result
}

#[test]
fn closures_run_on_several_threads_all_in_the_context() {
    // Each thread waits in its first item until another has one, too.
    let met: Mutex<HashMap<ThreadId, u32>> = Mutex::default();
    let barrier = std::sync::Barrier::new(3);
    run(|| {
        many().with_context(request_seven()).for_each(|_| {
            let first = {
                let mut met = met.lock().unwrap();
                let count = met.entry(thread::current().id()).or_default();
                *count += 1;
                *count == 1
            };
            if first {
                barrier.wait();
            }
            in_seven(());
        });
    });
    let met = met.into_inner().unwrap();
    assert_eq!(met.len(), 3);
    assert_eq!(met.values().sum::<u32>(), 200);
}

#[test]
fn inherit_context_takes_the_callers_but_what_must_stay_behind() {
    let seen: Vec<_> = with_context!(REQUEST = 7, TRANSACTION = 8, {
        let chain = many().inherit_context();
        with_context!(REQUEST = 9, { run(|| chain.map(|_| (REQUEST.get(), TRANSACTION.get())).collect()) })
    });
    assert_eq!(seen, [(7, 0); 200]);
}

#[test]
fn with_context_takes_all_of_the_context_that_it_is_given() {
    let ctx = request_seven().with(&TRANSACTION, 8);
    let seen: Vec<_> = run(|| many().with_context(ctx).map(|_| TRANSACTION.get()).collect());
    assert_eq!(seen, [8; 200]);
}

#[test]
fn a_job_has_one_copy_and_no_job_sees_anothers() {
    let count = |_| {
        REQUEST.set(REQUEST.get() + 1);
        REQUEST.get()
    };
    let ctx = Context::new().with(&REQUEST, 7);
    // Jobs of one item each.
    let apart: Vec<_> = run(|| many().with_context(ctx.clone()).map(count).collect());
    assert_eq!(apart, [8; 200]);
    // One job for all items: the context is entered once, not for each.
    let together: Vec<_> =
        run(|| (0..200_u32).into_par_iter().with_min_len(200).with_context(ctx.clone()).map(count).collect());
    assert_eq!(together, (8..208).collect::<Vec<_>>());
    assert_eq!(ctx[&REQUEST], 7);
}

#[test]
fn adaptors_of_any_parallel_iterator_call_their_closures_in_the_context() {
    let sum = run(|| {
        many()
            .with_context(request_seven())
            .filter(|_| in_seven(true))
            .map(in_seven)
            .map_with(Strict(0), |_, n| in_seven(n))
            .map_init(|| in_seven(()), |(), n| in_seven(n))
            .inspect(|_| in_seven(()))
            .update(|n| *in_seven(n) += 1)
            .filter_map(|n| in_seven(Some(n)))
            .flat_map_iter(|n| std::iter::once_with(move || in_seven(n)))
            .map(|n| std::iter::once_with(move || in_seven(n)))
            .flatten_iter()
            .take_any_while(|_| in_seven(true))
            .skip_any_while(|_| in_seven(false))
            .skip_any(0)
            .take_any(200)
            .panic_fuse()
            .fold(|| in_seven(0), |sum, n| in_seven(sum + n))
            .fold_with(Strict(0), |sum, n| in_seven(Strict(sum.0 + n)))
            .map(|sum| Some(in_seven(sum.0)))
            .while_some()
            .reduce(|| in_seven(0), |a, b| in_seven(a + b))
    });
    assert_eq!(sum, (1..=200).sum::<u32>());
}

#[test]
fn what_comes_after_nested_iterators_is_in_the_context() {
    let pairs = AtomicUsize::new(0);
    run(|| {
        many()
            .with_context(request_seven())
            .filter(|_| true)
            .flat_map(|n| {
                in_seven(());
                repeat_n(n, 3).with_max_len(1)
            })
            .filter(|_| in_seven(true))
            .map(|n| repeat_n(in_seven(n), 2).with_max_len(1))
            .flatten()
            .map(in_seven)
            .for_each(|_| {
                pairs.fetch_add(in_seven(1), Ordering::Relaxed);
            });
    });
    assert_eq!(pairs.into_inner(), 200 * 3 * 2);
}

#[test]
fn what_comes_after_a_chain_is_in_the_context_for_both_sides() {
    let all: Vec<_> = run(|| many().with_context(request_seven()).chain(many()).map(in_seven).collect());
    assert_eq!(all.len(), 400);
    let sum = run(|| {
        let other = many().filter(|_| true);
        let chain = many().with_context(request_seven()).filter(|_| true).chain(other).map(in_seven);
        chain.reduce(|| in_seven(0), |a, b| in_seven(a + b))
    });
    assert_eq!(sum, all.into_iter().sum::<u32>());
}

#[test]
fn indexed_adaptors_keep_the_closures_before_and_after_them_in_the_context() {
    let expected: Vec<_> = (0..200_usize).rev().map(|n| (n, n)).collect();
    let result: Vec<_> = run(|| {
        many()
            .with_context(request_seven())
            .map(in_seven)
            .enumerate()
            .map(in_seven)
            .rev()
            .map_init(|| in_seven(()), |(), n| in_seven(n))
            .map(|(n, m)| (n, m as usize))
            .collect()
    });
    assert_eq!(result, expected);
}

#[test]
fn every_indexed_adaptor_does_what_rayons_does() {
    let ours = || many().with_context(request_seven()).map(in_seven);
    let plain = || many().map(|n| n);
    run(|| {
        assert_eq!(ours().zip(many()).map(in_seven).collect::<Vec<_>>(), plain().zip(many()).collect::<Vec<_>>());
        assert_eq!(ours().zip_eq(many()).map(in_seven).collect::<Vec<_>>(), plain().zip_eq(many()).collect::<Vec<_>>());
        assert_eq!(
            ours().interleave(many().rev()).map(in_seven).collect::<Vec<_>>(),
            plain().interleave(many().rev()).collect::<Vec<_>>()
        );
        assert_eq!(
            ours().interleave_shortest(many().take(9)).map(in_seven).collect::<Vec<_>>(),
            plain().interleave_shortest(many().take(9)).collect::<Vec<_>>()
        );
        assert_eq!(ours().chunks(7).map(in_seven).collect::<Vec<_>>(), plain().chunks(7).collect::<Vec<_>>());
        assert_eq!(
            ours().fold_chunks(7, || in_seven(0), |a, b| in_seven(a + b)).map(in_seven).collect::<Vec<_>>(),
            plain().fold_chunks(7, || 0, |a, b| a + b).collect::<Vec<_>>()
        );
        assert_eq!(
            ours().fold_chunks_with(7, Strict(1), |a, b| in_seven(Strict(a.0 + b))).map(|s| s.0).collect::<Vec<_>>(),
            plain().fold_chunks_with(7, 1, |a, b| a + b).collect::<Vec<_>>()
        );
        assert_eq!(
            ours().step_by(3).skip(2).take(50).map(in_seven).collect::<Vec<_>>(),
            plain().step_by(3).skip(2).take(50).collect::<Vec<_>>()
        );
        assert_eq!(
            ours().with_min_len(2).with_max_len(5).rev().map(in_seven).collect::<Vec<_>>(),
            plain().rev().collect::<Vec<_>>()
        );
        assert_eq!(
            ours().intersperse(1).enumerate().map(in_seven).collect::<Vec<_>>(),
            plain().intersperse(1).enumerate().collect::<Vec<_>>()
        );
        assert_eq!(
            ours().positions(|n| in_seven(n % 3 == 0)).map(in_seven).collect::<Vec<_>>(),
            plain().positions(|n| n % 3 == 0).collect::<Vec<_>>()
        );
        assert_eq!(ours().by_uniform_blocks(30).map(in_seven).sum::<u32>(), plain().sum::<u32>());
        assert_eq!(ours().by_exponential_blocks().map(in_seven).sum::<u32>(), plain().sum::<u32>());
        assert_eq!(ours().len(), 200);
        assert_eq!(ours().position_any(|n| in_seven(n == 5)), Some(5));
        assert_eq!(ours().position_first(|n| in_seven(n % 10 == 5)), Some(5));
        assert_eq!(ours().position_last(|n| in_seven(n % 10 == 5)), Some(195));
        let mut vec = vec![1];
        ours().rev().collect_into_vec(&mut vec);
        assert_eq!(vec, (0..200).rev().collect::<Vec<_>>());
        let (mut left, mut right) = (vec![], vec![]);
        ours().map(|n| in_seven((n, n + 1))).unzip_into_vecs(&mut left, &mut right);
        assert_eq!((left.len(), right[199]), (200, 200));
    });
}

#[test]
fn what_is_known_of_the_length_is_known_in_a_context_too() {
    let plain = || (0..200_u32).into_par_iter();
    let ours = || plain().with_context(request_seven());
    assert_eq!((ours().opt_len(), ours().zip(many()).opt_len()), (Some(200), Some(200)));
    assert_eq!(ours().filter(|n| n % 2 == 0).opt_len(), None);
    // As an inner iterator, of which rayon asks for the length itself.
    assert_eq!(rayon::iter::once(7_u32).chain(ours().map(|n| n)).opt_len(), Some(201));
}

#[test]
fn the_work_is_split_in_a_context_as_it_is_outside_of_one() {
    /// How many jobs there are of the items of an iterator.
    macro_rules! jobs {
        ($iter:expr) => {{
            let jobs = AtomicUsize::new(0);
            let first = || jobs.fetch_add(1, Ordering::Relaxed);
            let folded = $iter.fold(first, |number, _| number).collect::<Vec<_>>();
            (jobs.load(Ordering::Relaxed), folded.len())
        }};
    }
    // A single thread steals nothing, so the number of jobs does not depend on time.
    let pool = ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    pool.install(|| {
        let plain = || (0..200_u32).into_par_iter();
        assert_eq!(jobs!(plain().with_context(request_seven()).rev()), jobs!(plain().rev()));
        let at_least = |len| plain().with_min_len(len);
        assert_eq!(jobs!(at_least(200).with_context(request_seven()).rev()), jobs!(at_least(200).rev()));
        assert_eq!(jobs!(at_least(200).rev()).0, 1);
        let at_most = |len| plain().with_max_len(len);
        assert_eq!(jobs!(at_most(10).with_context(request_seven()).rev()), jobs!(at_most(10).rev()));
    });
}

#[test]
fn a_search_that_is_over_looks_at_no_more_items() {
    let pool = ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    pool.install(|| {
        let seen = AtomicUsize::new(0);
        let look = |_: &u32| seen.fetch_add(1, Ordering::Relaxed) < usize::MAX;
        assert!(many().with_context(request_seven()).find_any(look).is_some());
        assert_eq!(seen.swap(0, Ordering::Relaxed), 1);
        assert!((0..200_u32).par_bridge().with_context(request_seven()).find_any(look).is_some());
        assert_eq!(seen.swap(0, Ordering::Relaxed), 1);
    });
}

#[test]
fn values_are_cloned_in_the_context() {
    let values: Vec<_> = (0..200).map(Strict).collect();
    let refs = run(|| {
        let cloned: Vec<_> = values.par_iter().with_max_len(1).with_context(request_seven()).cloned().collect();
        let copied: u32 = (vec![1_u32; 200]).par_iter().with_context(request_seven()).copied().map(in_seven).sum();
        (cloned.len(), copied)
    });
    assert_eq!(refs, (200, 200));
    let interspersed: Vec<_> = run(|| {
        let values = many().with_context(request_seven()).map(Strict);
        values.intersperse(Strict(1)).enumerate().map(|(_, strict)| strict.0).collect()
    });
    assert_eq!(interspersed.len(), 399);
}

#[test]
fn what_ends_a_chain_runs_in_the_context() {
    let ours = || many().with_context(request_seven());
    run(|| {
        assert_eq!(ours().min_by_key(|n| in_seven(*n)), Some(0));
        assert_eq!(ours().max_by(|a, b| in_seven(a.cmp(b))), Some(199));
        assert_eq!(ours().find_first(|n| in_seven(*n > 9)), Some(10));
        assert_eq!(ours().find_map_last(|n| in_seven((n < 9).then_some(n))), Some(8));
        assert!(ours().all(|n| in_seven(n < 200)));
        assert!(ours().any(|n| in_seven(n == 7)));
        let (even, odd): (Vec<_>, Vec<_>) = ours().partition(|n| in_seven(n % 2 == 0));
        assert_eq!((even.len(), odd.len()), (100, 100));
        let failed: Result<(), u32> = ours().try_for_each(|n| if in_seven(n) == 50 { Err(n) } else { Ok(()) });
        assert_eq!(failed, Err(50));
        assert_eq!(ours().try_reduce_with_sum(), Some(19_900));
        let map: HashMap<u32, u32> = ours().map(|n| in_seven((n, n))).collect();
        assert_eq!(map.len(), 200);
    });
}

/// A chain in code that knows no more than that it is given a parallel iterator.
trait TryReduceWithSum: ParallelIterator<Item = u32> {
    fn try_reduce_with_sum(self) -> Option<u32> {
        self.map(in_seven)
            .try_fold(|| in_seven(0), |sum: u32, n| in_seven(sum.checked_add(n)))
            .try_reduce(|| in_seven(0), |a, b| in_seven(a.checked_add(b)))
    }
}

impl<I: ParallelIterator<Item = u32>> TryReduceWithSum for I {}

/// A number that is compared in request 7 only.
#[derive(Clone, Copy)]
struct Compared(f32);

impl PartialEq for Compared {
    fn eq(&self, other: &Self) -> bool {
        in_seven(self.0 == other.0)
    }
}

impl PartialOrd for Compared {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        in_seven(self.0.partial_cmp(&other.0))
    }
}

#[test]
fn comparisons_are_those_of_slices_and_happen_in_the_context() {
    let lists: [&[f32]; 7] = [&[], &[1.0], &[1.0, 2.0], &[1.0, 2.0, 3.0], &[1.0, 3.0], &[2.0], &[1.0, f32::NAN]];
    run(|| {
        for (left, right) in lists.iter().flat_map(|left| lists.iter().map(move |right| (*left, *right))) {
            let ours = || left.par_iter().with_max_len(1).with_context(request_seven()).map(|n| in_seven(Compared(*n)));
            let other = || right.par_iter().map(|n| Compared(*n));
            assert_eq!(ours().partial_cmp(other()), left.partial_cmp(right), "{left:?} {right:?}");
            assert_eq!(ours().eq(other()), left == right, "{left:?} {right:?}");
            assert_eq!(ours().ne(other()), left != right, "{left:?} {right:?}");
            assert_eq!(ours().lt(other()), left < right, "{left:?} {right:?}");
            assert_eq!(ours().le(other()), left <= right, "{left:?} {right:?}");
            assert_eq!(ours().gt(other()), left > right, "{left:?} {right:?}");
            assert_eq!(ours().ge(other()), left >= right, "{left:?} {right:?}");
            let whole = || left.par_iter().with_context(request_seven()).map(|n| in_seven(n.to_bits()));
            let bits = |list: &[f32]| list.iter().map(|n| n.to_bits()).collect::<Vec<_>>();
            assert_eq!(whole().cmp(bits(right)), bits(left).cmp(&bits(right)), "{left:?} {right:?}");
        }
    });
}

#[test]
fn iterators_without_indices_carry_the_context_too() {
    let words = "one two three four five six seven";
    let longest =
        run(|| words.par_split_whitespace().with_context(request_seven()).map(in_seven).max_by_key(|w| w.len()));
    assert_eq!(longest.map(str::len), Some(5));
    let bridged: u32 = run(|| (0..200).par_bridge().with_context(request_seven()).map(in_seven).sum());
    assert_eq!(bridged, 19_900);
    let map: HashMap<u32, u32> = (0..200).map(|n| (n, n)).collect();
    let sum: u32 = run(|| map.par_iter().with_context(request_seven()).map(|(n, _)| in_seven(*n)).sum());
    assert_eq!(sum, 19_900);
}

#[test]
fn the_later_of_two_contexts_holds_for_what_comes_after_it() {
    let seen: Vec<_> = run(|| {
        many()
            .with_context(request_seven())
            .with_context(Context::new().with(&REQUEST, 8))
            .map(|_| REQUEST.get())
            .collect()
    });
    assert_eq!(seen, [8; 200]);
}

/// Runs a chain of one hundred closures, each of which starts a job past this crate, on a pool of one thread, and
/// returns how many of those jobs have seen a request. A worker that waits runs them.
fn jobs_that_saw_a_request<R: Send>(chain: impl FnOnce(&(dyn Fn() + Sync)) -> R + Send) -> usize {
    let pool = ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let (sender, receiver) = mpsc::channel();
    pool.install(|| {
        chain(&|| {
            let sender = sender.clone();
            ::rayon::spawn(move || sender.send(REQUEST.is_set()).expect("the test receives"));
        })
    });
    drop(sender);
    let seen: Vec<_> = receiver.iter().collect();
    assert_eq!(seen.len(), 100);
    seen.into_iter().filter(|seen| *seen).count()
}

#[test]
fn a_worker_that_waits_within_an_iterator_shows_its_context_to_no_other_job() {
    let items = || (0..100_u32).into_par_iter().with_max_len(1).with_context(request_seven());
    let counts = [
        jobs_that_saw_a_request(|start| items().map(in_seven).for_each(|_| start())),
        jobs_that_saw_a_request(|start| {
            items().flat_map(|n| in_seven((start(), [n; 4])).1).map(in_seven).collect::<Vec<_>>()
        }),
        jobs_that_saw_a_request(|start| items().map(|n| (start(), [n; 4]).1).flatten().map(in_seven).sum::<u32>()),
        jobs_that_saw_a_request(|start| items().chain([]).map(|n| (start(), in_seven(n))).count()),
    ];
    assert_eq!(counts, [0; 4]);
}

/// Sets a variable when it is dropped.
struct SetsOnDrop;

impl Drop for SetsOnDrop {
    fn drop(&mut self) {
        drop(REQUEST.set(9));
    }
}

#[context_var]
static SETS: SetsOnDrop;

#[test]
fn a_value_set_by_a_destructor_of_an_iterator_s_context_is_not_seen() {
    run(|| many().with_context(request_seven()).for_each(|_| drop(SETS.set(SetsOnDrop))));
    run(|| many().with_context(request_seven().with(&SETS, SetsOnDrop)).map(in_seven).sum::<u32>());
}

#[test]
fn an_iterator_that_a_closure_makes_is_given_the_context_where_it_is_made() {
    let seen = run(|| {
        let outer = many().with_context(request_seven());
        let nested = outer.flat_map(|_| (0..2_u32).into_par_iter().inherit_context().filter_map(|n| Some(in_seven(n))));
        nested.map(in_seven).count()
    });
    assert_eq!(seen, 400);
    let chained = run(|| {
        let context = request_seven();
        let other = (0..3_u32).into_par_iter().with_context(context.clone()).filter(|_| in_seven(true));
        many().with_context(context).chain(other).map(in_seven).count()
    });
    assert_eq!(chained, 203);
}

#[test]
fn a_panic_in_an_iterator_leaves_the_callers_context_and_the_workers_as_they_were() {
    let pool = pool();
    let outside = pool.install(|| {
        with_context!(REQUEST = 8, {
            let panicked = panic::catch_unwind(|| {
                many().with_context(request_seven()).for_each(|n| assert!(in_seven(n) != 100, "the hundredth"));
            });
            assert!(panicked.is_err());
            REQUEST.get()
        })
    });
    assert_eq!(outside, 8);
    assert!(pool.into_inner().broadcast(|_| copy_context().is_empty()).into_iter().all(|empty| empty));
}
