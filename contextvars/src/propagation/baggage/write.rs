//! [`written`]: makes a header of the variables of a context and the received members without a variable.

use std::fmt::{Display, Write as _};

use super::list::{Baggage, RECEIVED_BAGGAGE};
use super::member::Member;
use super::percent::Encoder;
use super::settings::Settings;
use crate::context::Context;
use crate::propagation::by_key::{BAGGAGE, Entry, Propagated};
use crate::propagation::skipped::{Reason, Skipped};

/// Returns the value of the header for `context`, empty if there is nothing to send.
///
/// Runs in a copy of `context`, so that neither the `Display` nor the `FromStr` of a value changes a context.
pub(super) fn written(context: &Context, settings: &Settings) -> (String, Vec<Skipped>) {
    context.run_copy(|| written_in_copy(context, settings))
}

fn written_in_copy(context: &Context, settings: &Settings) -> (String, Vec<Skipped>) {
    let received = context.get(&RECEIVED_BAGGAGE);
    let mut header = Header { text: String::with_capacity(received.map_or(0, |it| it.bytes() + 1)), members: 0 };
    let mut done = Vec::new();
    for member in received.into_iter().flatten().filter(|member| settings.allows(member.key())) {
        match BAGGAGE.of(member.key()) {
            [] => header.push(member),
            vars @ [first, ..] => {
                done.push(first.key);
                header.push_variable(vars, context, Some(member));
            }
        }
    }
    for vars in BAGGAGE.all() {
        if !done.contains(&vars[0].key) && settings.allows(vars[0].key) {
            header.push_variable(vars, context, None);
        }
    }
    header.text.pop();
    if header.members <= settings.most_members && header.text.len() <= settings.most_bytes {
        (header.text, Vec::new())
    } else {
        within_limits(&header.text, settings)
    }
}

/// The length of most headers.
const USUAL: usize = 128;

fn encode(shown: &dyn Display, header: &mut String) {
    write!(Encoder(header), "{shown}").expect("a `Display` returned an error unexpectedly");
}

/// Whether `text`, parsed and written again, is equal to this encoded value of the variable.
fn is_written(var: &dyn Propagated, text: &str, encoded: &str) -> bool {
    let mut again = None;
    var.shown_again(text, &mut |shown| encode(shown, again.insert(String::with_capacity(encoded.len()))));
    again.is_some_and(|again| again == encoded)
}

/// A header that is being written, with a comma behind each member.
struct Header {
    text: String,
    members: usize,
}

impl Header {
    fn push(&mut self, member: Member<'_>) {
        self.text.push_str(member.as_str());
        self.end_member();
    }

    /// Writes the first of the variables that has a value to send: the received member if its value is unchanged,
    /// otherwise a new one.
    fn push_variable(&mut self, vars: &[Entry], context: &Context, received: Option<Member<'_>>) {
        let begin = self.text.len();
        for Entry { key, var } in vars {
            if let Some(shown) = var.shown(context) {
                if self.text.is_empty() {
                    self.text.reserve(USUAL);
                }
                self.text.push_str(key);
                self.text.push('=');
                encode(shown, &mut self.text);
                let value = begin + key.len() + 1;
                let is_unchanged = |received: &Member<'_>| {
                    let value = &self.text[value..];
                    received.encoded_value() == value || is_written(*var, &received.value(), value)
                };
                if let Some(received) = received.filter(is_unchanged) {
                    self.text.truncate(begin);
                    self.text.push_str(received.as_str());
                }
                self.end_member();
                return;
            }
        }
    }

    fn end_member(&mut self) {
        self.text.push(',');
        self.members += 1;
    }
}

/// Leaves out members over the limits: first those without a variable, then those of variables.
#[cold]
fn within_limits(header: &str, settings: &Settings) -> (String, Vec<Skipped>) {
    let all: Vec<_> = Baggage::members_of(header).map(|it| (it, !BAGGAGE.of(it.key()).is_empty())).collect();
    let mut kept = vec![false; all.len()];
    let mut skipped = Vec::new();
    let (mut members, mut bytes) = (0, 0);
    for of_variables in [true, false] {
        for ((member, is_variable), is_kept) in all.iter().zip(&mut kept) {
            if *is_variable != of_variables {
                continue;
            }
            let with_it = bytes + usize::from(members > 0) + member.as_str().len();
            if members >= settings.most_members {
                skipped.push(Skipped::member(member.key(), Reason::TooMany(settings.most_members)));
            } else if with_it > settings.most_bytes {
                skipped.push(Skipped::member(member.key(), Reason::TooLong(settings.most_bytes)));
            } else {
                (members, bytes) = (members + 1, with_it);
                *is_kept = true;
            }
        }
    }
    let kept: Vec<_> = all.iter().zip(kept).filter(|(_, is_kept)| *is_kept).map(|((it, _), _)| it.as_str()).collect();
    (kept.join(","), skipped)
}
