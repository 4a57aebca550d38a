//! Programs: what they are made of, and how they are written down for Python and for people.

use std::fmt;

use serde::Serialize;

/// How many variables there are. The second half have defaults.
pub(crate) const VARIABLES: usize = 6;

/// A program, and what it is to run on.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Program {
    /// Whether values are strings rather than numbers.
    pub(crate) text: bool,
    /// Whether tasks are those of asyncio and tokio rather than stepped by hand.
    pub(crate) runtime: bool,
    /// How many threads the runtime has; 0: the one that calls it.
    pub(crate) workers: usize,
    pub(crate) body: Vec<Step>,
}

/// The number of a variable.
pub(crate) type Var = usize;

/// Picks one of the tokens, contexts or tasks made so far, counted from the last, and round again.
pub(crate) type Pick = usize;

/// One of the contexts made so far, or the current one.
pub(crate) type Look = Option<Pick>;

#[derive(Clone, Debug, Serialize)]
pub(crate) enum Step {
    Get(Var),
    GetOr(Var, i64),
    /// Keeps the token.
    Set(Var, i64),
    /// Resets a variable with a token that may be another's.
    Reset(Var, Pick),
    /// Resets the variable that the token is of.
    ResetOwn(Pick),
    /// Resets the variable with whichever token makes it unset here, so that the context is without it again.
    Unset(Var),
    Token(Pick),

    Copy,
    New,
    Clone(Look),
    Contains(Look, Var),
    Item(Look, Var),
    Lookup(Look, Var),
    Len(Look),
    Keys(Look),
    Values(Look),
    Items(Look),
    Equal(Look, Look),
    /// What changed from one context to another.
    Diff(Look, Look),

    /// Runs in a context that was made.
    Run(Pick, Vec<Step>),
    /// Wraps a function in a context and calls it twice.
    Wrapped(Look, Vec<Step>),
    RunCopy(Vec<Step>),
    /// `with_context!`
    Scope(Var, i64, Vec<Step>),
    /// `set_scoped`, or `with var.set(..)`
    Guard(Var, i64, Vec<Step>),
    Try(Vec<Step>),
    /// Takes the second steps whatever becomes of the first.
    Finally(Vec<Step>, Vec<Step>),
    Fail,
    Thread(Vec<Step>),
    InheritingThread(Vec<Step>),
    /// Starts a thread that inherits, takes the first steps, and only then lets the thread take the second ones.
    LateThread(Vec<Step>, Vec<Step>),

    Spawn(Vec<Step>),
    /// Lets a task run to its next `Yield`.
    Resume(Pick),
    Yield,
    /// Cancels a task.
    Drop(Pick),
    /// Looks at a task's context.
    Task(Pick),
    /// Runs on a thread of the runtime's for blocking work.
    Blocking(Vec<Step>),
}

impl Step {
    /// The steps within this one.
    pub(crate) fn bodies(&mut self) -> Vec<&mut Vec<Self>> {
        match self {
            Self::Run(_, body)
            | Self::Wrapped(_, body)
            | Self::RunCopy(body)
            | Self::Scope(_, _, body)
            | Self::Guard(_, _, body)
            | Self::Try(body)
            | Self::Thread(body)
            | Self::InheritingThread(body)
            | Self::Spawn(body)
            | Self::Blocking(body) => vec![body],
            Self::Finally(first, second) | Self::LateThread(first, second) => vec![first, second],
            _ => Vec::new(),
        }
    }

    /// The numbers in this step, which it is simpler without.
    pub(crate) fn numbers(&mut self) -> Vec<&mut usize> {
        match self {
            Self::Reset(a, b) | Self::Contains(Some(a), b) | Self::Item(Some(a), b) | Self::Lookup(Some(a), b) => {
                vec![a, b]
            }
            Self::Get(a)
            | Self::GetOr(a, _)
            | Self::Set(a, _)
            | Self::ResetOwn(a)
            | Self::Unset(a)
            | Self::Token(a)
            | Self::Clone(Some(a))
            | Self::Contains(None, a)
            | Self::Item(None, a)
            | Self::Lookup(None, a)
            | Self::Len(Some(a))
            | Self::Keys(Some(a))
            | Self::Values(Some(a))
            | Self::Items(Some(a))
            | Self::Run(a, _)
            | Self::Wrapped(Some(a), _)
            | Self::Scope(a, _, _)
            | Self::Guard(a, _, _)
            | Self::Resume(a)
            | Self::Drop(a)
            | Self::Task(a) => vec![a],
            Self::Equal(a, b) | Self::Diff(a, b) => a.iter_mut().chain(b).collect(),
            _ => Vec::new(),
        }
    }
}

impl Program {
    /// How much there is to read.
    pub(crate) fn size(&self) -> usize {
        fn of(body: &[Step]) -> usize {
            body.iter().map(|step| 1 + step.clone().bodies().into_iter().map(|body| of(body)).sum::<usize>()).sum()
        }
        of(&self.body)
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn block(f: &mut fmt::Formatter<'_>, body: &[Step], depth: usize) -> fmt::Result {
            for step in body {
                let mut head = step.clone();
                let bodies: Vec<Vec<Step>> = head.bodies().into_iter().map(std::mem::take).collect();
                writeln!(f, "{:depth$}{head:?}", "", depth = 4 * depth)?;
                for (number, body) in bodies.iter().enumerate() {
                    if number > 0 {
                        writeln!(f, "{:depth$}and then", "", depth = 4 * depth)?;
                    }
                    block(f, body, depth + 1)?;
                }
            }
            Ok(())
        }
        let Self { text, runtime, workers, body } = self;
        writeln!(f, "    (text: {text}, runtime: {runtime}, workers: {workers})")?;
        block(f, body, 1)
    }
}
