//! Random steps against a model: what each context holds, which one is current, and which values are alive.

use std::any::Any;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;

use contextvars::context_var;

use super::super::super::{Bound, ContextVar, Entered, Scope, State, replace, restore, set, snapshot};
use super::super::with_current;
use super::expect_scopes_elsewhere;
use crate::worker;

/// A value that can be told from all others. `alive` counts the values that the model knows.
struct Numbered {
    number: u64,
    _alive: Option<Arc<()>>,
    /// What its destructor does.
    acts: Acts,
}

#[derive(Clone, Copy, PartialEq)]
enum Acts {
    No,
    Changes(usize),
    Panics,
}

thread_local! {
    static IN_ACTION: Cell<bool> = const { Cell::new(false) };
}

impl Drop for Numbered {
    fn drop(&mut self) {
        match self.acts {
            Acts::No => {}
            Acts::Changes(at) => change_and_restore(at),
            Acts::Panics if thread::panicking() => {}
            Acts::Panics => panic::resume_unwind(Box::new("a destructor's panic")),
        }
    }
}

macro_rules! variables {
    ($($name:ident)*) => {
        $(#[context_var] static $name: Numbered;)*
        static VARS: &[&ContextVar<Numbered>] = &[$(&$name),*];
    };
}
variables! { V0 V1 V2 V3 V4 V5 V6 V7 V8 V9 V10 V11 V12 V13 V14 V15 V16 V17 V18 V19 V20 V21 }

fn plain(number: u64) -> Numbered {
    Numbered { number, _alive: None, acts: Acts::No }
}

fn number(at: usize) -> Option<u64> {
    VARS[at].try_with(|value| value.number).ok()
}

/// Begins and ends a scope, and sets and restores, as destructors may.
fn change_and_restore(at: usize) {
    if IN_ACTION.replace(true) {
        return;
    }
    let at = at % VARS.len();
    let (other, before) = ((at + 5) % VARS.len(), number(at));
    let before_other = number(other);
    {
        let open = Scope::new([Bound::new(VARS[at], plain(u64::MAX))]);
        assert_eq!((number(at), number(other)), (Some(u64::MAX), before_other));
        if at % 3 == 0 {
            drop(set(VARS[other], plain(u64::MAX - 1)).ok());
        }
        if at % 4 == 0 {
            drop(snapshot());
        }
        drop(open);
    }
    assert_eq!((number(at), number(other)), (before, before_other));
    if !super::super::base::will_be_cleaned_up() {
        // A set stores nothing then.
        IN_ACTION.set(false);
        return;
    }
    if let Ok(mut replaced) = set(VARS[other], plain(u64::MAX - 2)) {
        let open = Scope::new([Bound::new(VARS[at], plain(u64::MAX))]);
        assert_eq!((number(at), number(other)), (Some(u64::MAX), Some(u64::MAX - 2)));
        drop(open);
        restore(VARS[other], &mut replaced.old, replaced.identity).expect("it is the same context");
    }
    assert_eq!((number(at), number(other)), (before, before_other));
    IN_ACTION.set(false);
}

/// A sequence of numbers that looks random and is always the same.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }
}

type Map = BTreeMap<usize, u64>;

#[derive(Clone, Debug, Default)]
struct Model {
    map: Map,
    is_base: bool,
    is_outermost: bool,
    scope: Option<u64>,
}

struct OpenScope {
    open: Box<dyn Any>,
    id: u64,
    outer: Model,
    bound: Vec<u64>,
}

struct Place {
    state: *mut State,
    entered: Entered<'static>,
    outer: Model,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct World {
    numbers: Numbers,
    alive: Arc<()>,
    next: u64,
    current: Model,
    base: Map,
    is_worker: bool,
    places: Vec<Place>,
    scopes: Vec<OpenScope>,
    kept: Vec<(State, Model)>,
    /// Read now, by a closure further out on the stack.
    read: Vec<u64>,
    /// Whether everything has ended in the reverse order so far.
    in_order: bool,
    /// What may be open: a list of places and scopes in the order in which they began, by address or id.
    stack: Vec<(bool, u64)>,
    disorder: bool,
    panics: bool,
    /// Saved for a scope that has ended elsewhere.
    orphans: BTreeSet<u64>,
}

impl World {
    fn note_orphans(&mut self) {
        if self.current.scope.is_some_and(|id| self.scopes.iter().all(|scope| scope.id != id)) {
            self.orphans.extend(self.current.map.values());
        }
    }

    fn visible(&self) -> &Map {
        static EMPTY: Map = Map::new();
        match (self.current.is_base, self.is_worker) {
            (true, true) => &EMPTY,
            (true, false) => &self.base,
            (false, _) => &self.current.map,
        }
    }

    fn new_value(&mut self) -> (u64, Numbered) {
        self.next += 1;
        let acts = match self.numbers.below(8) {
            0..4 => Acts::No,
            7 if self.panics => Acts::Panics,
            _ => Acts::Changes(self.numbers.below(VARS.len())),
        };
        (self.next, Numbered { number: self.next, _alive: Some(Arc::clone(&self.alive)), acts })
    }

    fn var(&mut self) -> usize {
        // Mostly a few, in two nodes.
        [0, 1, 17, 18, self.numbers.below(VARS.len())][self.numbers.below(5)]
    }

    fn check(&self, seed: u64) {
        let visible = self.visible();
        for at in 0..VARS.len() {
            assert_eq!(number(at), visible.get(&at).copied(), "seed {seed}, variable {at}");
        }
        let shown: Vec<u64> = VARS.iter().filter_map(|var| snapshot().get(*var).map(|value| value.number)).collect();
        assert_eq!(shown, visible.values().copied().collect::<Vec<_>>(), "seed {seed}: copies");
        let mut alive: BTreeSet<&u64> = BTreeSet::new();
        alive.extend(self.base.values());
        alive.extend(self.current.map.values());
        alive.extend(self.places.iter().flat_map(|place| place.outer.map.values()));
        alive.extend(self.kept.iter().flat_map(|kept| kept.1.map.values()));
        alive.extend(self.scopes.iter().flat_map(|scope| scope.outer.map.values().chain(&scope.bound)));
        alive.extend(&self.read);
        alive.extend(&self.orphans);
        let count = Arc::strong_count(&self.alive) - 3;
        if self.in_order {
            assert_eq!(count, alive.len(), "seed {seed}: values alive");
        } else {
            assert!(count <= alive.len(), "seed {seed}: values alive: {count} > {}", alive.len());
        }
    }

    fn enter(&mut self, state: State, model: Model) {
        let state = Box::into_raw(Box::new(state));
        // SAFETY: the place stays until the guard is used up.
        let entered = Entered::new(unsafe { &mut *state });
        let outer = mem::replace(&mut self.current, model);
        self.stack.push((false, state.addr() as u64));
        self.places.push(Place { state, entered, outer });
    }

    fn popped(&mut self, which: (bool, u64)) {
        let at = self.stack.iter().rposition(|it| *it == which).expect("it is open");
        if at + 1 != self.stack.len() {
            self.in_order = false;
        }
        self.stack.remove(at);
    }

    fn leave(&mut self, at: usize) -> (State, Model) {
        self.note_orphans();
        let Place { state, entered, outer } = self.places.remove(at);
        self.popped((false, state.addr() as u64));
        if self.numbers.below(4) == 0 {
            drop(entered);
        } else {
            entered.leave();
        }
        let mut model = mem::replace(&mut self.current, outer);
        if model.is_base {
            model = Model::default();
        }
        // SAFETY: it came from a box, and no borrow of it is alive.
        (*unsafe { Box::from_raw(state) }, model)
    }

    fn begin_scope(&mut self) {
        let count = 1 + self.numbers.below(3);
        let mut bound: Vec<(usize, u64, Numbered)> = (0..count)
            .map(|_| {
                let at = self.var();
                let (number, value) = self.new_value();
                (at, number, value)
            })
            .collect();
        let mut map = self.visible().clone();
        map.extend(bound.iter().map(|(at, number, _)| (*at, *number)));
        let numbers = bound.iter().map(|it| it.1).collect();
        let mut next = || {
            let (at, _, value) = bound.remove(0);
            Bound::new(VARS[at], value)
        };
        let open: Box<dyn Any> = match count {
            1 => Box::new(Scope::new([next()])),
            2 => Box::new(Scope::new([next(), next()])),
            _ => Box::new(Scope::new([next(), next(), next()])),
        };
        self.next += 1;
        let id = self.next;
        let is_outermost = self.current.is_base || self.current.is_outermost;
        let model = Model { map, is_base: false, is_outermost, scope: Some(id) };
        let mut outer = mem::replace(&mut self.current, model);
        if outer.is_base {
            outer.map.clear();
        }
        self.stack.push((true, id));
        self.scopes.push(OpenScope { open, id, outer, bound: numbers });
    }

    fn end_scope(&mut self, at: usize) {
        self.note_orphans();
        let OpenScope { open, id, outer, .. } = self.scopes.remove(at);
        self.popped((true, id));
        let ended = panic::catch_unwind(AssertUnwindSafe(|| drop(open)));
        if self.current.scope == Some(id) {
            self.current = outer;
            assert!(ended.is_ok() || self.panics);
            return;
        }
        assert!(ended.is_err());
        if outer.is_base && self.current.is_outermost && !self.current.is_base {
            self.current = outer;
        }
    }

    fn quietly<R>(f: impl FnOnce() -> R) -> Option<R> {
        panic::catch_unwind(AssertUnwindSafe(f)).ok()
    }

    fn pick(&mut self, len: usize) -> usize {
        if self.disorder { self.numbers.below(len) } else { len - 1 }
    }

    fn step(&mut self, seed: u64, depth: usize) {
        self.note_orphans();
        let what = self.numbers.below(20);
        match what {
            0..5 => {
                let at = self.var();
                self.note_orphans();
                let (number, value) = self.new_value();
                match set(VARS[at], value) {
                    Ok(replaced) => {
                        assert!(!(self.current.is_base && self.is_worker));
                        let map = if self.current.is_base { &mut self.base } else { &mut self.current.map };
                        map.insert(at, number);
                        Self::quietly(|| drop(replaced.old));
                    }
                    Err(value) => {
                        assert!(self.current.is_base && self.is_worker);
                        Self::quietly(|| drop(value));
                    }
                }
            }
            5 | 6 => {
                let at = self.var();
                if !(self.current.is_base && self.is_worker) {
                    self.note_orphans();
                    let old = replace(VARS[at], None);
                    let map = if self.current.is_base { &mut self.base } else { &mut self.current.map };
                    assert_eq!(map.remove(&at).is_some(), old.is_some());
                    Self::quietly(|| drop(old));
                }
            }
            7..11 => self.begin_scope(),
            11..15 => {
                // In order, only what began last may end.
                match self.stack.last() {
                    Some((is_scope, _)) if !self.disorder && !is_scope => {}
                    None => {}
                    _ if self.scopes.is_empty() => {}
                    _ => {
                        let at = self.pick(self.scopes.len());
                        self.end_scope(at);
                    }
                }
            }
            15 => {
                let model = Model { map: self.visible().clone(), ..Model::default() };
                let copy = snapshot();
                if self.numbers.below(2) == 0 { self.enter(copy, model) } else { self.kept.push((copy, model)) }
            }
            16 if !self.kept.is_empty() => {
                let at = self.numbers.below(self.kept.len());
                let (state, model) = self.kept.swap_remove(at);
                match self.numbers.below(3) {
                    0 => {
                        Self::quietly(|| drop(state));
                    }
                    1 => {
                        let copy = state.copy();
                        let of_copy = Model { map: model.map.clone(), ..Model::default() };
                        self.enter(state, model);
                        self.kept.push((copy, of_copy));
                    }
                    _ => self.enter(state, model),
                }
            }
            17 => match self.stack.last() {
                Some((is_scope, _)) if !self.disorder && *is_scope => {}
                None => {}
                _ if self.places.is_empty() => {}
                _ => {
                    let at = self.pick(self.places.len());
                    let left = self.leave(at);
                    if self.numbers.below(2) == 0 {
                        self.kept.push(left);
                    } else {
                        Self::quietly(|| drop(left.0));
                    }
                }
            },
            18 if depth < 3 => {
                let at = self.var();
                if let Some(expected) = self.visible().get(&at).copied() {
                    self.read.push(expected);
                    let steps = self.numbers.below(8);
                    Self::quietly(|| {
                        VARS[at].with(|value| {
                            for _ in 0..steps {
                                self.step(seed, depth + 1);
                                assert_eq!(value.number, expected);
                            }
                        });
                    });
                    self.read.pop();
                }
            }
            19 if self.numbers.below(60) == 0 => {
                worker::mark();
                self.is_worker = true;
            }
            _ => {}
        }
        self.check(seed);
    }
}

fn wander(seed: u64, steps: usize, alive: &Arc<()>) {
    let mut numbers = Numbers(seed);
    let disorder = numbers.below(2) == 0;
    let panics = numbers.below(2) == 0;
    let mut world = World {
        numbers,
        alive: Arc::clone(alive),
        next: 0,
        current: Model { is_base: true, ..Model::default() },
        base: Map::new(),
        is_worker: false,
        places: vec![],
        scopes: vec![],
        kept: vec![],
        read: vec![],
        in_order: true,
        stack: vec![],
        disorder,
        panics,
        orphans: BTreeSet::new(),
    };
    for _ in 0..steps {
        world.step(seed, 0);
    }
    while let Some((is_scope, _)) = world.stack.last() {
        if (*is_scope || world.places.is_empty()) && !world.scopes.is_empty() {
            let at = world.pick(world.scopes.len());
            world.end_scope(at);
        } else {
            let at = world.pick(world.places.len());
            let (state, _) = world.leave(at);
            World::quietly(|| drop(state));
        }
        world.check(seed);
    }
    for (state, _) in mem::take(&mut world.kept) {
        World::quietly(|| drop(state));
    }
    world.check(seed);
    if world.in_order {
        with_current(|current| assert!(current.mark.get().is_base()));
    }
    with_current(|current| {
        let saved = current.saved.take();
        assert!(saved.is_none() || !world.in_order, "seed {seed}: saved values of no scope");
        current.saved.set(saved);
    });
}

#[test]
fn whatever_happens_contexts_hold_what_the_model_holds() {
    let (seeds, steps) = if cfg!(miri) { (0..16, 70) } else { (0..200, 150) };
    expect_scopes_elsewhere();
    for seed in seeds {
        let alive = Arc::new(());
        let counting = Arc::clone(&alive);
        assert!(thread::spawn(move || wander(seed, steps, &counting)).join().is_ok(), "seed {seed}");
        assert_eq!(Arc::strong_count(&alive), 1, "seed {seed}");
    }
}
