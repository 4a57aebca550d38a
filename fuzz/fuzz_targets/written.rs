//! Programs made of bytes: a few for each line, so that a fuzzer can exchange, leave out and repeat lines.

use arbitrary::{Arbitrary, Result, Unstructured};

use super::program::{Act, Index, Line, Made, Op, Place, Reactions, VARS, nested};

/// Enough for anything to happen; more would only be slower.
const MOST_LINES: usize = 200;

/// A program that stood in some bytes.
#[derive(Debug)]
pub(crate) struct Written(pub(crate) Vec<Op>);

impl<'a> Arbitrary<'a> for Written {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let mut lines = Vec::new();
        while !bytes.is_empty() && lines.len() < MOST_LINES {
            lines.push(line(bytes)?);
        }
        Ok(Self(nested(lines)))
    }
}

fn line(bytes: &mut Unstructured<'_>) -> Result<Line> {
    Ok(match bytes.int_in_range(0..=7)? {
        0 => Line::End,
        1 | 2 => Line::Begin(place(bytes)?),
        _ => Line::Step(step(bytes)?),
    })
}

fn place(bytes: &mut Unstructured<'_>) -> Result<Place> {
    Ok(match bytes.int_in_range(0..=15)? {
        0..=3 => Place::With(var(bytes)?),
        4..=7 => Place::Run(index(bytes)?),
        8 | 9 => Place::OwnCopy,
        10 | 11 => Place::Scope(made(bytes)?, made(bytes)?),
        12 | 13 => Place::Guard(var(bytes)?, made(bytes)?),
        14 => Place::Catch,
        _ => Place::Thread,
    })
}

fn step(bytes: &mut Unstructured<'_>) -> Result<Op> {
    Ok(match bytes.int_in_range(0..=18)? {
        0 => Op::Get(var(bytes)?),
        1 => Op::GetOr(var(bytes)?),
        2 => Op::Set(var(bytes)?, made(bytes)?),
        3 => Op::SetAndForget(var(bytes)?, made(bytes)?),
        4 => Op::Reset(index(bytes)?, None),
        5 => Op::Reset(index(bytes)?, Some(var(bytes)?)),
        6 => Op::OldValue(index(bytes)?),
        7 => Op::DropToken(index(bytes)?),
        8 => Op::CopyContext,
        9 => Op::NewContext,
        10 => Op::CloneContext(index(bytes)?),
        11 => Op::DropContext(index(bytes)?),
        12 => Op::Look,
        13 => Op::LookAt(index(bytes)?),
        14 => Op::Compare(index(bytes)?),
        15 => Op::InheritContext,
        16 => Op::SetState(bytes.int_in_range(0..=3)?),
        17 => Op::LookAtState,
        _ => Op::Fail,
    })
}

fn made(bytes: &mut Unstructured<'_>) -> Result<Made> {
    let number = number(bytes)?;
    // Which of the four it reacts to.
    let which = bytes.int_in_range(0..=31)?;
    let mut reaction = |bit: u8| if which & 1 << bit == 0 { Ok(Vec::new()) } else { acts(bytes) };
    let reactions = Reactions { drop: reaction(0)?, clone: reaction(1)?, debug: reaction(2)?, eq: reaction(3)? };
    Ok(Made { number, reactions })
}

fn acts(bytes: &mut Unstructured<'_>) -> Result<Vec<Act>> {
    (0..bytes.int_in_range(1..=3)?).map(|_| act(bytes)).collect()
}

fn act(bytes: &mut Unstructured<'_>) -> Result<Act> {
    Ok(match bytes.int_in_range(0..=6)? {
        0 => Act::Get(var(bytes)?),
        1 => Act::Set(var(bytes)?, number(bytes)?),
        2 => Act::SetAndReset(var(bytes)?, number(bytes)?),
        3 => Act::SetWhileReading(var(bytes)?, number(bytes)?),
        4 => Act::SetInCopy(var(bytes)?, number(bytes)?),
        5 => Act::SetInNew(var(bytes)?, number(bytes)?),
        _ => Act::Look,
    })
}

fn var(bytes: &mut Unstructured<'_>) -> Result<usize> {
    bytes.choose_index(VARS)
}

fn number(bytes: &mut Unstructured<'_>) -> Result<u32> {
    Ok(u32::from(u8::arbitrary(bytes)?))
}

fn index(bytes: &mut Unstructured<'_>) -> Result<Index> {
    Ok(Index(usize::from(u8::arbitrary(bytes)?)))
}
