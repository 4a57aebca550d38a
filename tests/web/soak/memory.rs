//! How much memory is in use.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many bytes the program has allocated and not freed.
static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts the bytes.
struct Counting;

fn count(before: usize, after: usize) {
    // Their difference may be below zero; the sum never is.
    ALLOCATED.fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
}

#[expect(unsafe_code, reason = "an allocator is unsafe to write")]
// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(layout.size(), 0);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(layout.size(), size);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(block, layout, size) }
    }
}

/// By how many bytes the allocated ones may differ from one round to another: the pool for blocking functions has more
/// threads at one time than at another, and each has about 1 KiB.
const ALLOCATED_SLACK: usize = 64 << 10;

/// By how many bytes the resident ones may: the system's allocator keeps free memory in pieces.
const RESIDENT_SLACK: u64 = 32 << 20;

/// What is in use at one moment.
pub(crate) struct Memory {
    /// Bytes that were allocated and not freed.
    allocated: usize,
    /// Bytes of the process that are in memory, where the system is Linux.
    resident: Option<u64>,
    threads: Option<u64>,
}

impl Memory {
    pub(crate) fn now() -> Self {
        Self { allocated: ALLOCATED.load(Ordering::Relaxed), resident: resident(), threads: threads() }
    }

    pub(crate) fn assert_flat_since(&self, before: &Self) {
        assert!(
            self.allocated < before.allocated + ALLOCATED_SLACK,
            "more and more is allocated: {before}, now {self}"
        );
        if let (Some(now), Some(then)) = (self.resident, before.resident) {
            assert!(now < then + RESIDENT_SLACK, "the process grows: {before}, now {self}");
        }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} KiB allocated", self.allocated >> 10)?;
        self.resident.map_or(Ok(()), |resident| write!(f, ", {} KiB resident", resident >> 10))?;
        self.threads.map_or(Ok(()), |threads| write!(f, ", {threads} threads"))
    }
}

fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes << 10)
}

fn threads() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("Threads:"))?.trim().parse().ok()
}
