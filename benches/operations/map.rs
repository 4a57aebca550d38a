//! The library's map alone, against other maps that could keep a context's values.

use std::hash::{BuildHasherDefault, Hasher};
use std::hint::black_box;
use std::sync::Arc;

use contextvars_benches::map::Trie;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use imbl::shared_ptr::DefaultSharedPtr;

/// What each map holds: one pointer to a shared value.
type Value = Arc<u64>;

/// A map from small, dense ids whose copies change apart.
trait Map: Clone {
    fn new() -> Self;
    fn insert(&mut self, id: u32, value: Value);
    fn get(&self, id: u32) -> Option<&Value>;
}

pub(crate) fn bench(criterion: &mut Criterion) {
    for size in [8, 32, 1000] {
        let mut group = criterion.benchmark_group(format!("map get, {size} values"));
        each(&mut group, size, &Get);
        group.finish();
        let mut group = criterion.benchmark_group(format!("map clone + set, {size} values"));
        each(&mut group, size, &CloneAndSet);
        group.finish();
        let mut group = criterion.benchmark_group(format!("map clone, {size} values"));
        each(&mut group, size, &Clones);
        group.finish();
    }
}

fn each(group: &mut BenchmarkGroup<'_, WallTime>, size: u32, operation: &impl Operation) {
    operation.bench::<Trie<Value>>(group, "the library's trie", size);
    operation.bench::<ImblHashMap>(group, "imbl HashMap", size);
    operation.bench::<ImblVector>(group, "imbl Vector", size);
    operation.bench::<RpdsMap>(group, "rpds HashTrieMap", size);
    operation.bench::<Dense>(group, "dense array", size);
    operation.bench::<Sorted>(group, "sorted array", size);
}

trait Operation {
    fn bench<M: Map>(&self, group: &mut BenchmarkGroup<'_, WallTime>, name: &str, size: u32);
}

fn filled<M: Map>(size: u32) -> M {
    let mut map = M::new();
    for id in 0..size {
        map.insert(id, Arc::new(u64::from(id)));
    }
    map
}

/// Ids in an order that no prefetcher guesses; the same for each map.
fn next(id: u32, size: u32) -> u32 {
    (id * 5 + 3) % size
}

struct Get;

impl Operation for Get {
    fn bench<M: Map>(&self, group: &mut BenchmarkGroup<'_, WallTime>, name: &str, size: u32) {
        let map = filled::<M>(size);
        let mut id = 0;
        group.bench_function(name, |b| {
            b.iter(|| {
                id = next(id, size);
                black_box(&map).get(id).map(|value| **value)
            });
        });
    }
}

struct CloneAndSet;

impl Operation for CloneAndSet {
    fn bench<M: Map>(&self, group: &mut BenchmarkGroup<'_, WallTime>, name: &str, size: u32) {
        let map = filled::<M>(size);
        let value = Arc::new(1);
        let mut id = 0;
        group.bench_function(name, |b| {
            b.iter(|| {
                id = next(id, size);
                let mut copy = black_box(&map).clone();
                copy.insert(id, Arc::clone(&value));
                copy
            });
        });
    }
}

struct Clones;

impl Operation for Clones {
    fn bench<M: Map>(&self, group: &mut BenchmarkGroup<'_, WallTime>, name: &str, size: u32) {
        let map = filled::<M>(size);
        group.bench_function(name, |b| b.iter(|| black_box(&map).clone()));
    }
}

/// Ids are their own hashes.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("ids are hashed as numbers");
    }

    fn write_u32(&mut self, id: u32) {
        self.0 = u64::from(id);
    }
}

type Hash = BuildHasherDefault<Identity>;
type ImblHashMap = imbl::GenericHashMap<u32, Value, Hash, DefaultSharedPtr>;
type ImblVector = imbl::Vector<Option<Value>>;
type RpdsMap = rpds::HashTrieMapSync<u32, Value, Hash>;

/// The simplest map of all, copied as a whole.
#[derive(Clone)]
struct Dense(Arc<Vec<Option<Value>>>);

/// Keys and values in order, copied as a whole.
#[derive(Clone)]
struct Sorted(Arc<Vec<(u32, Value)>>);

impl Map for Trie<Value> {
    fn new() -> Self {
        Self::new()
    }

    fn insert(&mut self, id: u32, value: Value) {
        Self::insert(self, id, value);
    }

    fn get(&self, id: u32) -> Option<&Value> {
        Self::get(self, id)
    }
}

impl Map for ImblHashMap {
    fn new() -> Self {
        Self::default()
    }

    fn insert(&mut self, id: u32, value: Value) {
        Self::insert(self, id, value);
    }

    fn get(&self, id: u32) -> Option<&Value> {
        Self::get(self, &id)
    }
}

impl Map for ImblVector {
    fn new() -> Self {
        Self::new()
    }

    fn insert(&mut self, id: u32, value: Value) {
        while self.len() <= id as usize {
            self.push_back(None);
        }
        self.set(id as usize, Some(value));
    }

    fn get(&self, id: u32) -> Option<&Value> {
        Self::get(self, id as usize)?.as_ref()
    }
}

impl Map for RpdsMap {
    fn new() -> Self {
        Self::new_with_hasher_and_ptr_kind(Hash::default())
    }

    fn insert(&mut self, id: u32, value: Value) {
        self.insert_mut(id, value);
    }

    fn get(&self, id: u32) -> Option<&Value> {
        Self::get(self, &id)
    }
}

impl Map for Dense {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn insert(&mut self, id: u32, value: Value) {
        let values = Arc::make_mut(&mut self.0);
        if values.len() <= id as usize {
            values.resize(id as usize + 1, None);
        }
        values[id as usize] = Some(value);
    }

    fn get(&self, id: u32) -> Option<&Value> {
        self.0.get(id as usize)?.as_ref()
    }
}

impl Map for Sorted {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn insert(&mut self, id: u32, value: Value) {
        let values = Arc::make_mut(&mut self.0);
        match values.binary_search_by_key(&id, |(key, _)| *key) {
            Ok(at) => values[at].1 = value,
            Err(at) => values.insert(at, (id, value)),
        }
    }

    fn get(&self, id: u32) -> Option<&Value> {
        let at = self.0.binary_search_by_key(&id, |(key, _)| *key).ok()?;
        Some(&self.0[at].1)
    }
}
