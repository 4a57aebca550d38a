//! Contexts in what rayon's prelude hands out: every source inherits by itself, every sort compares in the context, and
//! no job sees the context of a worker that waits.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, mpsc};

use contextvars::rayon::iter::{self, IndexedParallelIterator};
use contextvars::rayon::prelude::*;
use contextvars::rayon::{self, ThreadPool, ThreadPoolBuilder};
use contextvars::{Context, context_var, copy_context, inherit_context, with_context};

#[context_var(default = 0)]
static REQUEST: usize;

#[context_var]
static HELD: Arc<()>;

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool")
}

/// Passes `value` on, from where request 7 must be current.
#[track_caller]
fn in_seven<T>(value: T) -> T {
    assert_eq!(REQUEST.get(), 7, "outside of the request");
    value
}

/// Runs `f` in request 7 on a pool; afterwards no thread has anything left over.
fn run<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    let pool = pool(3);
    let result = with_context!(REQUEST = 7, { pool.install(f) });
    assert!(pool.into_inner().broadcast(|_| copy_context().is_empty()).into_iter().all(|empty| empty));
    result
}

/// How many items there are, each seen from within request 7.
fn count(items: impl ParallelIterator) -> usize {
    items.map(in_seven).count()
}

#[test]
fn every_iterator_over_a_collection_inherits_by_itself() {
    run(|| {
        let numbers: Vec<u32> = (0..100).collect();
        let pairs = || numbers.iter().map(|n| (*n, *n));
        let of = || numbers.iter().copied();
        let mut changed = numbers.clone();
        changed.par_iter_mut().for_each(|n| *n += in_seven(1));
        assert_eq!(count(changed.par_iter().map(in_seven).map(in_seven)), 100);
        assert_eq!(count(changed.par_drain(..60)) + count(changed.into_par_iter()), 100);
        assert_eq!(count((0..100_u32).into_par_iter()) + count((0..=99_u64).into_par_iter()), 200);
        assert_eq!(count(['a'; 100].into_par_iter()) + count(Some(1).into_par_iter()), 101);
        assert_eq!(count(Some(1).par_iter()) + count(Ok::<_, ()>(1).par_iter()), 2);
        let mut map: HashMap<_, _> = pairs().collect();
        assert_eq!(count(map.par_iter()) + count(map.par_iter_mut()) + count(map.par_drain()), 300);
        let mut tree: BTreeMap<_, _> = pairs().collect();
        assert_eq!(count(tree.par_iter()) + count(tree.par_iter_mut()) + count(tree.into_par_iter()), 300);
        assert_eq!(count(of().collect::<HashSet<_>>().par_drain()), 100);
        assert_eq!(count(of().collect::<BTreeSet<_>>().into_par_iter()), 100);
        assert_eq!(count(of().collect::<BinaryHeap<_>>().into_par_iter()), 100);
        assert_eq!(count(of().collect::<LinkedList<_>>().into_par_iter()), 100);
        assert_eq!(count(of().collect::<VecDeque<_>>().par_iter()), 100);
        assert_eq!(count("spam".to_owned().par_drain(..)), 4);
        assert_eq!(count((numbers.par_iter(), vec![0; 100]).into_par_iter()), 100);
    });
}

#[test]
fn every_iterator_over_a_slice_or_a_text_inherits_by_itself() {
    run(|| {
        let mut numbers = [1_u32; 64];
        assert_eq!(count(numbers.par_windows(2)) + count(numbers.par_array_windows::<2>()), 126);
        assert_eq!(count(numbers.par_chunks(2)) + count(numbers.par_chunks_exact(3)), 32 + 21);
        assert_eq!(count(numbers.par_rchunks(2)) + count(numbers.par_rchunks_exact(3)), 32 + 21);
        assert_eq!(count(numbers.par_chunks_mut(2)) + count(numbers.par_chunks_exact_mut(3)), 32 + 21);
        assert_eq!(count(numbers.par_rchunks_mut(2)) + count(numbers.par_rchunks_exact_mut(3)), 32 + 21);
        assert_eq!(numbers.par_chunks_exact(3).remainder().len(), 1);
        assert_eq!(numbers.par_rchunks_exact_mut(3).into_remainder().len(), 1);
        let text = "spam ham\neggs";
        assert_eq!(count(text.par_chars()) + count(text.par_char_indices()) + count(text.par_bytes()), 39);
        assert_eq!(count(text.par_encode_utf16()) + count(text.par_lines()), 15);
        assert_eq!(count(text.par_split_whitespace()) + count(text.par_split_ascii_whitespace()), 6);
        assert_eq!(count(text.par_split(' ')) + count(text.par_split([' ', '\n'])), 5);
        assert_eq!(count(text.par_split_inclusive(&[' ', '\n'])) + count(text.par_split_terminator('s')), 5);
        assert_eq!(count(text.par_matches(&['m'][..])) + count(text.par_match_indices('m')), 4);
    });
}

#[test]
fn every_function_that_makes_an_iterator_inherits_by_itself() {
    run(|| {
        assert_eq!(count(iter::once(1).chain(iter::empty()).chain([2])), 2);
        assert_eq!(count(iter::repeat_n(1, 50)) + count(iter::repeat(1).take(50)), 100);
        assert_eq!(count(iter::repeat(1).zip(0..50)), 50);
        assert!(iter::repeat(1).any(|n| in_seven(n) == 1));
        assert_eq!(count((0..100).map(in_seven).par_bridge()), 100);
    });
}

#[test]
fn closures_that_divide_a_slice_or_a_text_see_the_context() {
    run(|| {
        let mut bits: Vec<bool> = (0..4096).map(|n| n % 3 == 0).collect();
        let is_set = |bit: &bool| in_seven(*bit);
        let is_alike = |left: &bool, right: &bool| in_seven(left == right);
        assert_eq!(count(bits.par_split(is_set)) + count(bits.par_split_inclusive(is_set)), 1367 + 1366);
        assert_eq!(count(bits.par_chunk_by(is_alike)), 2731);
        assert_eq!(count(bits.par_split_mut(is_set)) + count(bits.par_split_inclusive_mut(is_set)), 1367 + 1366);
        assert_eq!(count(bits.par_chunk_by_mut(is_alike)), 2731);
        let text = "ab ".repeat(1000);
        let is_space = |c: char| in_seven(c == ' ');
        assert_eq!(count(text.par_split(is_space)) + count(text.par_split_terminator(is_space)), 2001);
        assert_eq!(count(text.par_split_inclusive(is_space)) + count(text.par_matches(is_space)), 2000);
        assert_eq!(count(text.par_match_indices(is_space)), 1000);
    });
}

#[test]
fn closures_that_make_the_items_run_in_an_empty_context() {
    let halves = |range: std::ops::Range<u32>| {
        assert!(copy_context().is_empty());
        let middle = range.start + (range.end - range.start) / 2;
        if range.len() < 8 { (range, None) } else { (range.start..middle, Some(middle..range.end)) }
    };
    let below = |node: &u32| {
        assert!(copy_context().is_empty());
        [node * 2, node * 2 + 1].into_iter().filter(|child| *child < 64)
    };
    run(|| {
        assert_eq!(count(iter::split(0..1024, halves).flat_map(|range| range)), 1024);
        assert_eq!(count(iter::walk_tree_prefix(1, below)) + count(iter::walk_tree_postfix(1, below)), 126);
        assert_eq!(count(iter::walk_tree(1, |node| below(node).collect::<Vec<_>>())), 63);
    });
}

/// Compared in request 7 only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Compared(u32);

impl Ord for Compared {
    fn cmp(&self, other: &Self) -> Ordering {
        in_seven(self.0.cmp(&other.0))
    }
}

impl PartialOrd for Compared {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[test]
fn every_sort_compares_in_the_context() {
    let shuffled: Vec<_> = (0..20_000_u32).map(|n| Compared(n.wrapping_mul(2_654_435_761) % 20_011)).collect();
    let sorts: [fn(&mut [Compared]); 7] = [
        |items| items.par_sort(),
        |items| items.par_sort_by(|a, b| in_seven(a.cmp(b))),
        |items| items.par_sort_by_key(|item| in_seven(*item)),
        |items| items.par_sort_by_cached_key(|item| in_seven(*item)),
        |items| items.par_sort_unstable(),
        |items| items.par_sort_unstable_by(|a, b| in_seven(a.cmp(b))),
        |items| items.par_sort_unstable_by_key(|item| in_seven(*item)),
    ];
    for sort in sorts {
        let mut sorted = shuffled.clone();
        run(|| sort(&mut sorted));
        assert!(sorted.is_sorted_by_key(|item| item.0));
    }
    // On a thread of no pool, too.
    with_context!(REQUEST = 7, {
        let mut few = [Compared(2), Compared(1)];
        few.par_sort();
        assert_eq!(few, [Compared(1), Compared(2)]);
    });
}

#[test]
fn a_comparison_that_waits_does_not_keep_others_from_their_context() {
    run(|| {
        let mut numbers: Vec<u32> = (0..2000).rev().collect();
        numbers.par_sort_by(|a, b| in_seven(rayon::join(|| in_seven(*a), || in_seven(*b))).0.cmp(b));
        assert!(numbers.is_sorted());
    });
}

#[test]
fn a_comparison_that_panics_leaves_the_context_of_the_sort_behind() {
    run(|| {
        let panicked =
            panic::catch_unwind(|| [1, 2, 3].par_sort_by(|_, _| panic::resume_unwind(Box::new(in_seven("boom")))));
        assert!(panicked.is_err());
        in_seven(());
    });
}

/// What code does that knows an iterator by rayon's trait only: it calls rayon's own adaptors.
fn beside_itself<I: IndexedParallelIterator<Item = usize> + Clone>(items: I) -> usize {
    let items = items.map(in_seven);
    let zipped = items.clone().zip(items.clone().rev()).map(in_seven);
    let chained = items.clone().chain(items.clone()).enumerate().map(in_seven).map(|(_, n)| n);
    let every_other = items.clone().interleave(items).step_by(2).map(in_seven);
    zipped.zip(chained.zip(every_other)).map(in_seven).count()
}

#[test]
fn indexed_adaptors_in_code_that_knows_rayons_trait_only_keep_the_context() {
    assert_eq!(run(|| beside_itself((0..500_usize).into_par_iter().with_max_len(1))), 500);
    let collected = run(|| {
        fn squares(items: impl IndexedParallelIterator<Item = usize>, squares: &mut Vec<usize>) {
            items.enumerate().map(|(at, n)| in_seven(at * n)).collect_into_vec(squares);
        }
        let mut collected = Vec::new();
        squares((0..500_usize).into_par_iter().with_max_len(1).map(in_seven), &mut collected);
        collected
    });
    assert_eq!(collected, (0..500).map(|n| n * n).collect::<Vec<_>>());
}

#[test]
fn of_two_iterators_with_contexts_of_their_own_each_calls_its_closures_in_its_own() {
    let of = |request: usize, items: std::ops::Range<usize>| {
        let items = items.into_par_iter().with_max_len(1).with_context(Context::new().with(&REQUEST, request));
        items.map(move |_| assert_eq!(REQUEST.get(), request))
    };
    run(|| {
        of(8, 0..100).zip(of(9, 0..100)).for_each(|_| assert_eq!(REQUEST.get(), 8));
        of(8, 0..100).chain(of(9, 0..100)).for_each(|()| assert_eq!(REQUEST.get(), 8));
        // In rayon's own adaptors.
        let zip = |a, b| IndexedParallelIterator::zip(a, b);
        zip(of(8, 0..100), of(9, 0..100)).for_each(drop);
    });
}

#[test]
fn closures_between_two_contexts_run_in_the_first() {
    let given = |request| Context::new().with(&REQUEST, request);
    let is = |request| move |_: &usize| assert_eq!(REQUEST.get(), request);
    run(|| {
        let items = (0..100_usize).into_par_iter().with_max_len(1).inspect(is(7)).with_context(given(8));
        let items = items.inspect(is(8)).filter(|_| REQUEST.get() == 8).with_context(given(9)).inspect(is(9));
        assert_eq!(items.chain(iter::once(1).inspect(is(7))).inspect(is(9)).count(), 101);
    });
}

#[test]
fn an_iterator_of_rayons_own_leaves_the_context_as_it_was_when_it_panics() {
    run(|| {
        let panicked = panic::catch_unwind(|| {
            let items = || (0..100_usize).into_par_iter().with_max_len(1);
            IndexedParallelIterator::zip(items(), items().map(|n| assert!(n != 50))).for_each(drop);
        });
        assert!(panicked.is_err());
        in_seven(());
    });
}

#[test]
fn what_an_iterator_of_rayons_own_sets_is_freed_with_its_job() {
    let held = Arc::new(());
    run(|| {
        let items = (0..100_usize).into_par_iter().with_max_len(1);
        IndexedParallelIterator::enumerate(items).for_each(|_| drop(HELD.set(Arc::clone(&held))));
    });
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn an_iterator_that_is_told_twice_to_inherit_does() {
    run(|| {
        let twice = (0..100_u32).into_par_iter().inherit_context().inherit_context();
        assert_eq!(count(twice.map(in_seven).enumerate()), 100);
    });
}

#[test]
fn every_source_may_be_used_across_a_panic_as_rayons_may() {
    fn check(_: impl panic::UnwindSafe + panic::RefUnwindSafe) {}
    let numbers = [1, 2, 3];
    check(numbers.par_iter().enumerate().chain([]).flat_map(|n| [n]).map(|(n, _)| [n]).flatten());
    check((numbers.par_split(|n| *n == 2), numbers.par_chunk_by(i32::eq), numbers.into_iter().par_bridge()));
    check(("spam".par_split('p'), "spam".par_matches(char::is_alphabetic)));
}

/// As a program may whose images share one pool: every way to wait, one within the other, and other requests' jobs run
/// meanwhile. Returns how many reads found the request, and how many another or none.
fn optimise(request: usize, reads: &[AtomicUsize; 2]) {
    let read = |_: usize| {
        reads[usize::from(REQUEST.get() != request)].fetch_add(1, Relaxed);
        // Runs any job that waits, on top of this one.
        rayon::yield_now();
        reads[usize::from(REQUEST.get() != request)].fetch_add(1, Relaxed);
    };
    let items = || (0..4_usize).into_par_iter().with_max_len(1);
    items().for_each(read);
    items().zip(items()).enumerate().for_each(|(n, _)| read(n));
    items().flat_map(|n| vec![n; 2]).chain(items()).for_each(read);
    (0..4).par_bridge().for_each(read);
    [0; 8].par_chunks(2).for_each(|chunk| read(chunk.len()));
    [3, 1, 2].par_sort_by(|a, b| {
        read(*a);
        a.cmp(b)
    });
    rayon::join(|| items().for_each(read), || rayon::scope(|s| s.spawn(|_| items().for_each(read))));
    IndexedParallelIterator::enumerate(items()).for_each(|(n, _)| read(n));
}

#[test]
fn twenty_four_images_in_one_pool_never_see_each_others_values() {
    let pool = pool(4);
    let reads = Arc::new([const { AtomicUsize::new(0) }; 2]);
    let (done, all_done) = mpsc::channel();
    for request in 1..=24 {
        let (done, reads) = (done.clone(), Arc::clone(&reads));
        with_context!(REQUEST = request, {
            pool.spawn(move || {
                optimise(request, &reads);
                done.send(()).expect("the test waits");
            });
        });
    }
    drop(done);
    assert_eq!(all_done.iter().count(), 24);
    let [right, wrong] = [0, 1].map(|at| reads[at].load(Relaxed));
    assert_eq!(wrong, 0, "of {} reads", right + wrong);
    assert!(right > 24 * 80);
    assert!(pool.into_inner().broadcast(|_| copy_context().is_empty()).into_iter().all(|empty| empty));
}

/// What plain jobs see, or the one that sees most of them, that are run by a worker of request 7 while it waits within
/// `foreign`, which starts them.
fn seen_by_plain_jobs(foreign: impl FnOnce(&(dyn Fn() + Sync)) + Send) -> usize {
    let (tell, told) = mpsc::channel();
    let pool = pool(1);
    with_context!(REQUEST = 7, {
        pool.install(|| {
            foreign(&|| {
                let tell = tell.clone();
                ::rayon::spawn(move || tell.send(REQUEST.get()).expect("the test waits"));
            });
        });
    });
    drop(tell);
    told.iter().max().expect("the jobs are run")
}

#[test]
fn code_that_waits_in_rayon_itself_shows_its_context_to_plain_jobs_unless_it_runs_in_an_empty_one() {
    let third_party = |start: &(dyn Fn() + Sync)| {
        ::rayon::join(start, || ());
        ::rayon::yield_now();
    };
    assert_eq!(seen_by_plain_jobs(third_party), 7);
    assert_eq!(seen_by_plain_jobs(|start| Context::new().run(|| third_party(start))), 0);
    // A closure that needs the context takes it along.
    let seen = AtomicUsize::new(0);
    run(|| {
        let here = inherit_context();
        let callback = || here.run_copy(|| seen.store(REQUEST.get(), Relaxed));
        Context::new().run(|| ::rayon::join(callback, || ()));
    });
    assert_eq!(seen.into_inner(), 7);
}

#[test]
fn in_code_that_knows_rayons_trait_only_some_adaptors_lose_the_context_until_it_is_given_again() {
    fn seen(items: impl IndexedParallelIterator<Item = usize>, again: bool) -> Vec<usize> {
        let chunks = items.chunks(2);
        if again {
            chunks.inherit_context().map(|_| REQUEST.get()).collect()
        } else {
            chunks.map(|_| REQUEST.get()).collect()
        }
    }
    fn nested(items: impl ParallelIterator<Item = usize>, wait: impl Fn() + Sync) -> usize {
        items.flat_map(|n| vec![n; 4]).map(|_| wait()).count()
    }
    let items = || (0..4_usize).into_par_iter().with_max_len(1);
    // The worker that waits for the lists is in the context.
    assert_eq!(seen_by_plain_jobs(|start| assert_eq!(nested(items(), start), 16)), 7);
    let mended = |start: &(dyn Fn() + Sync)| assert_eq!(items().flat_map(|n| vec![n; 4]).map(|_| start()).count(), 16);
    assert_eq!(seen_by_plain_jobs(mended), 0);

    // No iterator is under way when what comes after `chunks` runs.
    assert_eq!(run(|| seen(items(), false)), [0, 0]);
    assert_eq!(run(|| seen(items(), true)), [7, 7]);
}

/// A type that is made parallel as rayon has it, for users of rayon and of this crate alike.
struct Deck(Vec<u32>);

impl<'a> ::rayon::iter::IntoParallelIterator for &'a Deck {
    type Iter = ::rayon::slice::Iter<'a, u32>;
    type Item = &'a u32;

    fn into_par_iter(self) -> Self::Iter {
        ::rayon::iter::IntoParallelRefIterator::par_iter(&self.0)
    }
}

#[test]
fn a_type_that_implements_rayons_traits_inherits_like_any_other() {
    fn sum<C>(cards: &C) -> u32
    where
        for<'a> &'a C: IntoParallelIterator<Item = &'a u32, Iter: IndexedParallelIterator>,
    {
        cards.par_iter().zip(cards.into_par_iter()).map(|(a, b)| in_seven(a * b)).sum()
    }
    let deck = Deck(vec![1, 2, 3]);
    assert_eq!(run(|| sum(&deck) + sum(&deck.0) + deck.par_iter().map(|card| in_seven(*card)).sum::<u32>()), 34);
}
