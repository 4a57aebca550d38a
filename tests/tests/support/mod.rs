//! What several tests need: values that count themselves, a context of one's own, and the message and place of a panic.

#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod capture;
pub(crate) mod distinct;
pub(crate) mod many;
pub(crate) mod process;

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::pin::Pin;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::task::{self, Poll, Waker};
use std::thread;

use contextvars::{Context, Variable};

/// Runs a test in a context of its own: under `--test-threads=1`, tests share a thread.
pub(crate) fn isolated<R>(f: impl FnOnce() -> R) -> R {
    Context::new().run(f)
}

/// Runs a test on a thread of its own, with a stack for deep recursion and an empty base context.
pub(crate) fn on_a_thread<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    // Several tests run at once, and have to share the addresses that a processor of 32 bits has.
    let stack = if cfg!(target_pointer_width = "32") { 1 << 26 } else { 1 << 30 };
    let thread = thread::Builder::new().stack_size(stack).spawn(f).expect("a thread");
    thread.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked))
}

/// Counts how many of its citizens are alive.
#[derive(Clone, Default)]
pub(crate) struct Census(Arc<Counts>);

#[derive(Default)]
struct Counts {
    alive: AtomicUsize,
    born: AtomicUsize,
}

impl Census {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn alive(&self) -> usize {
        self.0.alive.load(Ordering::SeqCst)
    }

    /// How many there have ever been, clones included.
    pub(crate) fn born(&self) -> usize {
        self.0.born.load(Ordering::SeqCst)
    }

    pub(crate) fn citizen(&self) -> Citizen {
        self.0.alive.fetch_add(1, Ordering::SeqCst);
        self.0.born.fetch_add(1, Ordering::SeqCst);
        Citizen(self.clone())
    }
}

/// Something that a [`Census`] counts while it lives.
pub(crate) struct Citizen(Census);

impl Clone for Citizen {
    fn clone(&self) -> Self {
        self.0.citizen()
    }
}

impl Drop for Citizen {
    fn drop(&mut self) {
        self.0.0.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Calls a function when it is dropped.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Sees to it that the value is never dropped, as [`std::mem::forget`] does, but keeps it where leak checkers find it:
/// what they report are leaks that were not meant.
pub(crate) fn forget<T>(value: T) {
    static FORGOTTEN: Mutex<Vec<AtomicPtr<()>>> = Mutex::new(Vec::new());
    let place = ptr::from_mut(Box::leak(Box::new(value))).cast();
    // An atomic pointer may go where it likes, and is still a pointer, for checkers that know what is one.
    FORGOTTEN.lock().expect("pushing does not panic").push(AtomicPtr::new(place));
}

/// Polls once, with a waker that does nothing.
pub(crate) fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut task::Context::from_waker(Waker::noop()))
}

/// A future that is pending once, and has woken its waker by then.
#[derive(Default)]
pub(crate) struct Yield {
    is_done: bool,
}

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        if self.is_done {
            return Poll::Ready(());
        }
        self.is_done = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

pub(crate) fn yielding() -> Yield {
    Yield::default()
}

/// A panic's message and the place it was reported at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panicked {
    pub(crate) message: String,
    pub(crate) file: String,
    pub(crate) line: u32,
}

impl Panicked {
    fn new(info: &PanicHookInfo<'_>) -> Self {
        let message = match (info.payload().downcast_ref::<&str>(), info.payload().downcast_ref::<String>()) {
            (Some(message), _) => (*message).to_owned(),
            (_, Some(message)) => message.clone(),
            _ => "not a string".to_owned(),
        };
        let place = info.location().expect("panics have places");
        Self { message, file: place.file().to_owned(), line: place.line() }
    }
}

/// What is called for a panic: whether it has noted it, so that it is not printed.
type Note = fn(&PanicHookInfo<'_>) -> bool;

thread_local! {
    static NOTE: Cell<Option<Note>> = const { Cell::new(None) };
    static LAST: RefCell<Panicked> = RefCell::default();
}

/// Runs `f`; `note` is called by the panic hook for each panic of this thread meanwhile.
///
/// The hook is the process's: it is installed once, and minds only threads that are in here. No test sets another.
pub(crate) fn hooked<R>(note: Note, f: impl FnOnce() -> R) -> thread::Result<R> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let note = NOTE.try_with(Cell::get).ok().flatten();
            if !note.is_some_and(|note| note(info)) {
                others(info);
            }
        }));
    });
    let before = NOTE.replace(Some(note));
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    NOTE.set(before);
    result
}

/// Runs `f`; if it panics, returns what was reported, which is then not printed.
pub(crate) fn caught<R>(f: impl FnOnce() -> R) -> Result<R, Panicked> {
    let note: Note = |info| LAST.try_with(|last| last.replace(Panicked::new(info))).is_ok();
    hooked(note, f).map_err(|_| LAST.with_borrow(Panicked::clone))
}

/// Runs `f`, which must panic, and returns what was reported. Nothing is printed.
#[track_caller]
pub(crate) fn panic_of<R>(f: impl FnOnce() -> R) -> Panicked {
    match caught(f) {
        Ok(_) => panic!("it must panic"),
        Err(panicked) => panicked,
    }
}

/// How messages name a variable: with the place of its declaration.
pub(crate) fn named(variable: &Variable) -> String {
    format!("context variable `{}` (declared at {}:{})", variable.name(), variable.file(), variable.line())
}
