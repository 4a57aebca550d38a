//! The trie against an oracle: a persistent hash map that many have used for years.

use std::collections::BTreeSet;
use std::env;
use std::sync::{Arc, Mutex};

use im::HashMap;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::RngAlgorithm;

use super::Trie;

/// Which values are alive.
#[derive(Clone, Default)]
struct Alive(Arc<Mutex<BTreeSet<usize>>>);

impl Alive {
    fn value(&self, number: usize) -> Arc<Value> {
        assert!(self.0.lock().unwrap().insert(number), "each value has a number of its own");
        Arc::new(Value { number, alive: self.clone() })
    }

    fn numbers(&self) -> BTreeSet<usize> {
        self.0.lock().unwrap().clone()
    }
}

/// A value that is listed while it lives. A trie holds it by a counted handle, as it does the values of contexts.
struct Value {
    number: usize,
    alive: Alive,
}

impl Drop for Value {
    fn drop(&mut self) {
        assert!(self.alive.0.lock().unwrap().remove(&self.number), "value {} was dropped twice", self.number);
    }
}

/// A trie, and what it should hold: the number of the value under each id.
#[derive(Clone)]
struct Pair {
    trie: Trie<Arc<Value>>,
    oracle: HashMap<u32, usize>,
}

impl Pair {
    fn new() -> Self {
        Self { trie: Trie::new(), oracle: HashMap::new() }
    }

    fn insert(&mut self, id: u32, value: Arc<Value>) -> Result<(), TestCaseError> {
        let expected = self.oracle.insert(id, value.number);
        let old = self.trie.insert(id, value);
        prop_assert_eq!(old.map(|old| old.number), expected, "insert({})", id);
        Ok(())
    }

    fn remove(&mut self, id: u32) -> Result<(), TestCaseError> {
        let old = self.trie.remove(id);
        prop_assert_eq!(old.map(|old| old.number), self.oracle.remove(&id), "remove({})", id);
        Ok(())
    }

    fn has(&self, id: u32) -> Result<(), TestCaseError> {
        prop_assert_eq!(self.trie.get(id).map(|value| value.number), self.oracle.get(&id).copied(), "get({})", id);
        Ok(())
    }

    /// All that `other` has not, or has otherwise, is among what the two do not share, in the order of the ids.
    fn tells_what_it_does_not_share_with(&self, other: &Self) -> Result<(), TestCaseError> {
        let unshared: Vec<_> = self.trie.unshared(&other.trie).iter().map(|value| value.number).collect();
        let mut own: Vec<_> = self.oracle.iter().map(|(&id, &number)| (id, number)).collect();
        own.sort_unstable();
        let in_order: Vec<_> = own.iter().map(|(_, number)| *number).filter(|it| unshared.contains(it)).collect();
        prop_assert_eq!(&in_order, &unshared);
        for (id, number) in own {
            prop_assert!(other.oracle.get(&id) == Some(&number) || unshared.contains(&number), "id {}", id);
        }
        Ok(())
    }

    /// The two hold the same, under each id and in the order of the ids.
    fn is_sound(&self) -> Result<(), TestCaseError> {
        let mut expected: Vec<_> = self.oracle.iter().map(|(&id, &number)| (id, number)).collect();
        expected.sort_unstable();
        for &(id, _) in &expected {
            self.has(id)?;
        }
        let listed: Vec<_> = self.trie.iter().map(|value| value.number).collect();
        let expected: Vec<_> = expected.into_iter().map(|(_, number)| number).collect();
        prop_assert_eq!(listed, expected);
        Ok(())
    }
}

/// What may be done to one of several maps, `at` its place among them.
#[derive(Clone, Debug)]
enum Op {
    Insert {
        at: Index,
        id: u32,
    },
    Remove {
        at: Index,
        id: u32,
    },
    /// Removes an id that is there, if any is.
    RemoveOneOf {
        at: Index,
        which: Index,
    },
    Get {
        at: Index,
        id: u32,
    },
    /// Puts a map's own value back under its id.
    PutBack {
        at: Index,
        which: Index,
    },
    Clone {
        at: Index,
    },
    Drop {
        at: Index,
    },
    Empty,
}

/// Ids of every level: neighbours, those about the edges of nodes, and any at all.
fn ids() -> impl Strategy<Value = u32> {
    let edges: Vec<u32> =
        (1..8).flat_map(|level| [(1 << (4 * level)) - 1, 1 << (4 * level)]).chain([u32::MAX]).collect();
    prop_oneof![
        6 => 0_u32..20,
        3 => 0_u32..300,
        2 => 0_u32..5_000,
        2 => select(edges),
        1 => any::<u32>(),
    ]
}

fn ops() -> impl Strategy<Value = Op> {
    let at = any::<Index>;
    prop_oneof![
        8 => (at(), ids()).prop_map(|(at, id)| Op::Insert { at, id }),
        2 => (at(), ids()).prop_map(|(at, id)| Op::Remove { at, id }),
        3 => (at(), at()).prop_map(|(at, which)| Op::RemoveOneOf { at, which }),
        2 => (at(), ids()).prop_map(|(at, id)| Op::Get { at, id }),
        1 => (at(), at()).prop_map(|(at, which)| Op::PutBack { at, which }),
        2 => at().prop_map(|at| Op::Clone { at }),
        1 => at().prop_map(|at| Op::Drop { at }),
        1 => Just(Op::Empty),
    ]
}

fn one_of(pair: &Pair, which: Index) -> Option<u32> {
    let mut there: Vec<u32> = pair.oracle.keys().copied().collect();
    there.sort_unstable();
    (!there.is_empty()).then(|| *which.get(&there))
}

fn apply(pairs: &mut Vec<Pair>, op: &Op, fresh: Arc<Value>) -> Result<(), TestCaseError> {
    let pick = |at: &Index| at.index(pairs.len());
    match op {
        Op::Insert { at, id } => {
            let at = pick(at);
            pairs[at].insert(*id, fresh)?;
            pairs[at].has(*id)?;
        }
        Op::Remove { at, id } => {
            let at = pick(at);
            pairs[at].remove(*id)?;
            pairs[at].has(*id)?;
        }
        Op::RemoveOneOf { at, which } => {
            let at = pick(at);
            if let Some(id) = one_of(&pairs[at], *which) {
                pairs[at].remove(id)?;
                pairs[at].has(id)?;
            }
        }
        Op::Get { at, id } => pairs[pick(at)].has(*id)?,
        Op::PutBack { at, which } => {
            let at = pick(at);
            if let Some(id) = one_of(&pairs[at], *which) {
                let value = pairs[at].trie.get(id).cloned();
                prop_assert!(value.is_some(), "get({})", id);
                pairs[at].insert(id, value.unwrap_or(fresh))?;
            }
        }
        Op::Clone { at } => pairs.push(pairs[pick(at)].clone()),
        Op::Drop { at } if pairs.len() > 1 => drop(pairs.swap_remove(pick(at))),
        Op::Drop { .. } | Op::Empty => pairs.push(Pair::new()),
    }
    Ok(())
}

/// A hundred and more histories, or `PROPTEST_CASES`.
fn config() -> ProptestConfig {
    let config = ProptestConfig::default();
    let cases = if env::var_os("PROPTEST_CASES").is_none() { 128 } else { config.cases };
    // Most of the time goes into random numbers, without optimisation; these need not be hard to guess.
    ProptestConfig { cases, rng_algorithm: RngAlgorithm::XorShift, ..config }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_map_of_any_history_equals_the_oracle(history in vec(ops(), 0..120)) {
        let alive = Alive::default();
        let mut pairs = vec![Pair::new()];
        for (number, op) in history.iter().enumerate() {
            apply(&mut pairs, op, alive.value(number))?;
        }
        for pair in &pairs {
            pair.is_sound()?;
            for other in &pairs {
                pair.tells_what_it_does_not_share_with(other)?;
            }
        }
        // No value is lost, none is kept longer than a map holds it.
        let held: BTreeSet<usize> = pairs.iter().flat_map(|pair| pair.oracle.values().copied()).collect();
        prop_assert_eq!(alive.numbers(), held);
        pairs.clear();
        prop_assert_eq!(alive.numbers(), BTreeSet::new());
    }

    #[test]
    fn a_clone_and_its_original_change_apart(
        before in vec(ids(), 0..60),
        left in vec(ids(), 0..30),
        right in vec(ids(), 0..30),
    ) {
        let alive = Alive::default();
        let mut numbers = 0..;
        let mut value = || alive.value(numbers.next().unwrap_or_default());
        let mut original = Pair::new();
        for id in before {
            original.insert(id, value())?;
        }
        let (untouched, mut clone) = (original.clone(), original.clone());
        for (at, &id) in left.iter().enumerate() {
            if at % 3 == 0 { original.remove(id)? } else { original.insert(id, value())? }
        }
        for (at, &id) in right.iter().enumerate() {
            if at % 3 == 0 { clone.remove(id)? } else { clone.insert(id, value())? }
        }
        for id in left.into_iter().chain(right) {
            for pair in [&untouched, &original, &clone] {
                pair.has(id)?;
            }
        }
        original.tells_what_it_does_not_share_with(&untouched)?;
        untouched.tells_what_it_does_not_share_with(&original)?;
        original.tells_what_it_does_not_share_with(&clone)?;
        for pair in [untouched, original, clone] {
            pair.is_sound()?;
        }
    }

    #[test]
    fn a_copy_shares_all_and_one_changed_in_one_place_all_but_a_node(ids in vec(0_u32..5_000, 1..100), at in any::<Index>()) {
        let mut trie = Trie::new();
        for &id in &ids {
            trie.insert(id, id);
        }
        let copy = trie.clone();
        prop_assert!(trie.unshared(&copy).is_empty());
        let mut changed = trie.clone();
        let id = *at.get(&ids);
        changed.insert(id, 5_000);
        prop_assert!(changed.unshared(&trie).iter().all(|it| **it / 16 == id / 16 || **it == 5_000));
        prop_assert!(trie.unshared(&changed).iter().all(|it| **it / 16 == id / 16));
    }

    #[test]
    fn values_come_in_the_order_of_their_ids(ids in vec(ids(), 0..100)) {
        let mut trie = Trie::new();
        for &id in &ids {
            trie.insert(id, id);
        }
        let in_order: BTreeSet<u32> = ids.into_iter().collect();
        prop_assert!(trie.iter().copied().eq(in_order.iter().copied()));
        let mut half = trie.iter();
        for _ in 0..in_order.len() / 2 {
            half.next();
        }
        prop_assert!(half.clone().copied().eq(half.copied()), "a cloned iterator goes on from the same place");
    }
}

#[test]
fn what_a_map_shares_with_a_higher_or_a_lower_one_is_not_told() {
    // One node, two levels, and three; and what makes two levels, and three or four, of them.
    for (size, above) in [(10, 20), (10, 300), (20, 300), (20, 5_000), (300, 5_000)] {
        let mut low = Trie::new();
        for id in 0..size {
            low.insert(id, id);
        }
        let mut high = low.clone();
        high.insert(above, above);
        assert_eq!(high.unshared(&low), [&above], "{size} values and {above}");
        assert!(low.unshared(&high).is_empty(), "{size} values and {above}");
    }
}

#[test]
fn a_place_is_found_where_all_nodes_on_the_way_are_there_and_not_shared() {
    for size in [10, 200, 5_000] {
        let mut trie = Trie::new();
        for id in (0..size).step_by(2) {
            trie.insert(id, id);
        }
        for id in 0..size {
            assert_eq!(trie.place(id), Some(&mut (id % 2 == 0).then_some(id)));
        }
        assert!([1 << 20, u32::MAX].iter().all(|id| trie.place(*id).is_none()), "they are above the highest node");
        let mut copy = trie.clone();
        assert_eq!((trie.place(0), copy.place(0)), (None, None), "the two share it");
        copy.insert(0, 1);
        assert_eq!(copy.place(0), Some(&mut Some(1)));
        assert_eq!(copy.place(size - 2).is_some(), size < 16, "only the way to the value that was inserted is its own");
        drop(copy);
        assert_eq!(trie.place(0), Some(&mut Some(0)));
    }
}

#[test]
fn every_value_is_dropped_once() {
    let alive = Alive::default();
    let mut original = Trie::new();
    for number in 0..5_000 {
        original.insert(u32::try_from(number).unwrap(), alive.value(number));
    }
    let mut clone = original.clone();
    for id in 0..2_500 {
        assert!(original.remove(id).is_some());
    }
    assert_eq!(alive.numbers().len(), 5_000, "the clone has them all");
    for id in 2_000..4_000 {
        assert!(clone.remove(id).is_some());
    }
    assert_eq!(alive.numbers().len(), 4_500, "those between 2,000 and 2,500 are in neither");
    drop(original);
    assert_eq!(alive.numbers().len(), 3_000);
    drop(clone);
    assert!(alive.numbers().is_empty());
}

#[test]
fn a_hundred_thousand_ids_fit_and_copies_of_them_change_apart() {
    let all = 0..100_000_u32;
    let mut trie = Trie::new();
    for id in all.clone().map(|step| step * 38_891 % 100_000) {
        assert_eq!(trie.insert(id, id), None);
    }
    let copy = trie.clone();
    assert!(all.clone().all(|id| trie.get(id) == Some(&id)));
    assert!(trie.iter().copied().eq(all.clone()));
    for id in all.clone().step_by(2) {
        assert_eq!(trie.remove(id), Some(id));
        assert_eq!(trie.get(id), None);
    }
    assert_eq!((trie.iter().count(), trie.get(100_000), trie.get(u32::MAX)), (50_000, None, None));
    assert!(copy.iter().copied().eq(all));
}

#[test]
fn the_highest_id_has_a_place() {
    let mut trie = Trie::new();
    assert_eq!(trie.insert(0, "lowest"), None);
    assert_eq!(trie.insert(u32::MAX, "highest"), None);
    assert_eq!(trie.insert(u32::MAX - 1, "next"), None);
    assert_eq!((trie.get(0), trie.get(u32::MAX), trie.get(1)), (Some(&"lowest"), Some(&"highest"), None));
    assert!(trie.iter().eq([&"lowest", &"next", &"highest"]));
    let iter = trie.iter();
    assert_eq!(iter.depth, iter.branches.len(), "there is room for the most branches that there can be, and no more");
    assert_eq!(trie.remove(u32::MAX), Some("highest"));
    assert_eq!((trie.get(u32::MAX), trie.get(u32::MAX - 1)), (None, Some(&"next")));
}

#[test]
fn an_empty_map_has_nothing_to_give() {
    let mut trie = Trie::<u8>::new();
    assert_eq!((trie.get(0), trie.get(u32::MAX)), (None, None));
    assert_eq!(trie.remove(7), None);
    assert_eq!(trie.iter().next(), None);
}
