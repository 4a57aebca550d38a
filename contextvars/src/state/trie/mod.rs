//! A persistent map from a variable's id to a value: a radix trie with 16 children per node, whose copies share nodes.
//!
//! Ids are dense and small, so the id itself is the path: no hash, no comparison. Up to 16 variables are one node.

use std::{mem, slice};

use super::shared::Shared;

/// A node has `1 << BITS` slots.
const BITS: u32 = 4;
const WIDTH: usize = 1 << BITS;
/// How many branches there can be above a leaf.
const MOST_BRANCHES: usize = (u32::BITS / BITS) as usize - 1;

/// A persistent map from ids to values. Cloning is O(1); a change to a clone does not affect the original.
#[derive(Clone)]
pub(super) struct Trie<V> {
    /// The top of the trie; it grows upwards when an id does not fit.
    root: Option<Shared<Node<V>>>,
}

/// `shift` is a multiple of `BITS`, and 0 in leaves alone: so all of a node is initialised and without padding, and the
/// compiler creates it where it stays, instead of moving the slots there.
enum Node<V> {
    /// The values of 16 neighbouring ids.
    Leaf { shift: u32, values: [Option<V>; WIDTH] },
    /// The child nodes, by the id's four bits from `shift` upwards. Each child's `shift` is `BITS` less.
    Branch { shift: u32, children: Children<V> },
}

type Children<V> = [Option<Shared<Node<V>>>; WIDTH];
type ChildrenIter<'a, V> = slice::Iter<'a, Option<Shared<Node<V>>>>;

/// The value under `id` in the trie below a branch.
///
/// The `shift` of each level follows from the one above. Loading it instead would make every step wait for two
/// dependent loads instead of one.
#[expect(clippy::inline_always, reason = "to call it would cost every read a frame, those that do not come here, too")]
#[inline(always)]
fn find<V>(mut children: &Children<V>, mut shift: u32, id: u32) -> Option<&V> {
    if id >> shift >= 1 << BITS {
        return None;
    }
    loop {
        match &**children[slot(id, shift)].as_ref()? {
            Node::Leaf { values, .. } => return values[slot(id, 0)].as_ref(),
            Node::Branch { children: below, .. } => children = below,
        }
        shift -= BITS;
    }
}

/// The part of [`Trie::place`] below a branch.
#[inline(never)]
fn place_below<V>(mut children: &mut Children<V>, mut shift: u32, id: u32) -> Option<&mut Option<V>> {
    if id >> shift >= 1 << BITS {
        return None;
    }
    loop {
        match children[slot(id, shift)].as_mut()?.get_mut()? {
            Node::Leaf { values, .. } => return Some(&mut values[slot(id, 0)]),
            Node::Branch { children: below, .. } => children = below,
        }
        shift -= BITS;
    }
}

/// Marks a branch as unlikely, so that the compiler lays out the other one without a jump.
#[cold]
#[inline]
fn seldom() {}

/// Which slot of a node whose lowest bit is `shift` leads to `id`.
#[inline]
fn slot(id: u32, shift: u32) -> usize {
    (id >> shift) as usize % WIDTH
}

/// Copies the contents of a node's slots to those of a new node, which are empty.
fn copy_slots<T: Clone>(from: &[Option<T>; WIDTH], to: &mut [Option<T>; WIDTH]) {
    for (from, to) in from.iter().zip(to) {
        // Not dropped, since it is `None`.
        mem::forget(mem::replace(to, from.clone()));
    }
}

impl<V> Trie<V> {
    pub(super) const fn new() -> Self {
        Self { root: None }
    }

    /// The value under `id`. O(log16 of the highest id); one node for ids below 16.
    #[inline]
    pub(super) fn get(&self, id: u32) -> Option<&V> {
        match &**self.root.as_ref()? {
            Node::Leaf { values, .. } => values.get(id as usize)?.as_ref(),
            Node::Branch { shift, children } => {
                seldom();
                find(children, *shift, id)
            }
        }
    }

    /// The slot of `id`, if all nodes on the path exist and are not shared: then it can be changed without an
    /// allocation.
    #[inline]
    pub(super) fn place(&mut self, id: u32) -> Option<&mut Option<V>> {
        match self.root.as_mut()?.get_mut()? {
            Node::Leaf { values, .. } => values.get_mut(id as usize),
            Node::Branch { shift, children } => place_below(children, *shift, id),
        }
    }

    /// Whether no value has ever been inserted.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// Drops this copy; if it is the last of a map that is not empty, returns it instead, so that the caller decides
    /// where its values are freed.
    #[inline]
    pub(super) fn into_last(self) -> Option<Self> {
        Some(Self { root: Some(self.root?.into_last()?) })
    }

    /// The values in nodes that `other` does not share at the same position, in the order of the ids: all that can
    /// differ, and their neighbours. O(n) in the nodes that the two do not share.
    pub(super) fn unshared<'a>(&'a self, other: &Self) -> Vec<&'a V> {
        let mut found = Vec::new();
        if let Some(root) = &self.root {
            Node::unshared(root, other.root.as_ref(), &mut found);
        }
        found
    }

    /// Every value, in the order of the ids.
    pub(super) fn iter(&self) -> Iter<'_, V> {
        let mut iter = Iter { leaf: [].iter(), branches: [const { None }; MOST_BRANCHES], depth: 0 };
        if let Some(root) = &self.root {
            iter.descend(root);
        }
        iter
    }
}

impl<V: Clone> Trie<V> {
    /// Stores `value` under `id` and returns the previous value. Copies the nodes on the path that are shared.
    pub(super) fn insert(&mut self, id: u32, value: V) -> Option<V> {
        let root = self.root.get_or_insert_with(|| Node::above(id));
        while root.is_below(id) {
            Node::grow(root);
        }
        Node::insert(root, id, value)
    }

    /// Removes the value under `id` and returns it. Copies the nodes on the path that are shared.
    pub(super) fn remove(&mut self, id: u32) -> Option<V> {
        self.get(id)?;
        Node::remove(self.root.as_mut()?, id)
    }
}

impl<V> Node<V> {
    fn shift(&self) -> u32 {
        match self {
            Node::Leaf { shift, .. } | Node::Branch { shift, .. } => *shift,
        }
    }

    /// Lists the values below `node` that are not in a node shared with `other`, which has the same lowest id.
    fn unshared<'a>(node: &'a Shared<Self>, other: Option<&Shared<Self>>, found: &mut Vec<&'a V>) {
        if other.is_some_and(|other| other.address() == node.address()) {
            return;
        }
        let other = other.map(|other| (other, &**other));
        match (&**node, other) {
            // If the other trie is higher, the counterpart is further down.
            (Node::Leaf { .. }, Some((_, Node::Branch { children, .. }))) => {
                Self::unshared(node, children[0].as_ref(), found);
            }
            (Node::Leaf { values, .. }, _) => found.extend(values.iter().flatten()),
            (Node::Branch { shift, .. }, Some((_, Node::Branch { shift: its, children }))) if its > shift => {
                Self::unshared(node, children[0].as_ref(), found);
            }
            (Node::Branch { shift, children }, other) => {
                for (at, child) in children.iter().enumerate() {
                    let counterpart = match other {
                        Some((_, Node::Branch { shift: its, children })) if its == shift => children[at].as_ref(),
                        // If the other trie is lower, it corresponds to the first child.
                        Some((lower, _)) if at == 0 => Some(lower),
                        _ => None,
                    };
                    if let Some(child) = child {
                        Self::unshared(child, counterpart, found);
                    }
                }
            }
        }
    }

    /// Whether a trie with this node as its root is too low to hold `id`.
    fn is_below(&self, id: u32) -> bool {
        id >> self.shift() >= 1 << BITS
    }

    /// A node of this `shift` without contents.
    fn empty(shift: u32) -> Shared<Self> {
        match shift {
            0 => Shared::new(|| Node::Leaf { shift: 0, values: [const { None }; WIDTH] }),
            _ => Shared::new(|| Node::Branch { shift, children: [const { None }; WIDTH] }),
        }
    }

    /// The root of the lowest trie that can hold `id`.
    fn above(id: u32) -> Shared<Self> {
        let mut shift = 0;
        while id >> shift >= 1 << BITS {
            shift += BITS;
        }
        Self::empty(shift)
    }

    /// Puts a new root above `root`, which becomes its first child.
    fn grow(root: &mut Shared<Self>) {
        let shift = root.shift() + BITS;
        let below = mem::replace(root, Self::empty(shift));
        if let Some(Node::Branch { children, .. }) = root.get_mut() {
            children[0] = Some(below);
        }
    }
}

impl<V: Clone> Node<V> {
    /// A node with the same contents.
    fn copy(&self) -> Shared<Self> {
        let mut copy = Self::empty(self.shift());
        match (self, copy.get_mut()) {
            (Node::Leaf { values: from, .. }, Some(Node::Leaf { values: to, .. })) => copy_slots(from, to),
            (Node::Branch { children: from, .. }, Some(Node::Branch { children: to, .. })) => copy_slots(from, to),
            _ => unreachable!("the copy is of the same kind, and has one owner"),
        }
        copy
    }

    fn insert(node: &mut Shared<Self>, id: u32, value: V) -> Option<V> {
        match node.make_mut(Self::copy) {
            Node::Leaf { values, .. } => values[slot(id, 0)].replace(value),
            Node::Branch { shift, children } => {
                let child = children[slot(id, *shift)].get_or_insert_with(|| Self::empty(*shift - BITS));
                Self::insert(child, id, value)
            }
        }
    }

    fn remove(node: &mut Shared<Self>, id: u32) -> Option<V> {
        match node.make_mut(Self::copy) {
            Node::Leaf { values, .. } => values[slot(id, 0)].take(),
            Node::Branch { shift, children } => Self::remove(children[slot(id, *shift)].as_mut()?, id),
        }
    }
}

impl<V> Default for Trie<V> {
    fn default() -> Self {
        Self::new()
    }
}

/// The values of a [`Trie`], in the order of their ids.
#[derive(Clone)]
pub(super) struct Iter<'a, V> {
    /// The rest of the current leaf.
    leaf: slice::Iter<'a, Option<V>>,
    /// The rest of the branches above it, from the root downwards, of which there are `depth`.
    branches: [Option<ChildrenIter<'a, V>>; MOST_BRANCHES],
    depth: usize,
}

impl<'a, V> Iter<'a, V> {
    /// Goes down to the first leaf of a trie.
    fn descend(&mut self, mut node: &'a Node<V>) {
        loop {
            match node {
                Node::Leaf { values, .. } => {
                    self.leaf = values.iter();
                    return;
                }
                Node::Branch { children, .. } => {
                    let mut children = children.iter();
                    let first = children.by_ref().flatten().next();
                    self.branches[self.depth] = Some(children);
                    self.depth += 1;
                    match first {
                        Some(child) => node = child,
                        None => return,
                    }
                }
            }
        }
    }

    /// Goes on to the next leaf. Returns `false` if there is none.
    #[inline(never)]
    fn next_leaf(&mut self) -> bool {
        while let Some(above) = self.depth.checked_sub(1) {
            let last = self.branches[above].as_mut();
            if let Some(node) = last.and_then(|rest| rest.flatten().next()) {
                self.descend(node);
                return true;
            }
            self.depth = above;
        }
        false
    }
}

impl<'a, V> Iterator for Iter<'a, V> {
    type Item = &'a V;

    #[inline]
    fn next(&mut self) -> Option<&'a V> {
        loop {
            if let Some(value) = self.leaf.by_ref().flatten().next() {
                return Some(value);
            }
            if !self.next_leaf() {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests;
