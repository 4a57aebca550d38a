//! [`Reading`]: converts received headers, in any accepted form, to one header in the form in which it is sent.

use std::borrow::Cow;
use std::ops::Range;
use std::str;

use super::list::Baggage;
use super::member::{Parts, split_once};
use super::percent;
use super::settings::Settings;
use crate::propagation::skipped::{Reason, Skipped};
use crate::propagation::text::is_token;

/// Limits the list of reports, however long the headers are.
const MOST_COMPLAINTS: usize = 64;

/// The members that were read so far.
///
/// Accepted leniently: white space around the parts, empty members and properties, and characters that should have been
/// encoded. Only a member without `=`, or whose key could not be forwarded, is not accepted.
pub(super) struct Reading<'a> {
    settings: &'a Settings,
    /// `key=value;property,` for each member, encoded by the specification.
    text: String,
    /// The positions of the keys in it.
    keys: Vec<Range<usize>>,
    skipped: Vec<Skipped>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        Self { settings, text: String::new(), keys: Vec::new(), skipped: Vec::new() }
    }

    /// Reads the value of a header. Bytes that are not UTF-8 become U+FFFD.
    pub(super) fn header(&mut self, value: &[u8]) {
        // Faster than the lossy conversion, which is rarely needed.
        let value = str::from_utf8(value).map_or_else(|_| String::from_utf8_lossy(value), Cow::Borrowed);
        // Including commas; newly encoded characters need more.
        self.text.reserve(value.len().min(self.settings.most_bytes) + 1);
        for member in Parts::of(&value, b',').map(str::trim_ascii).filter(|member| !member.is_empty()) {
            self.member(member);
        }
    }

    fn member(&mut self, member: &str) {
        let (pair, properties) = split_once(member, b';').unwrap_or((member, ""));
        let Some((key, value)) = split_once(pair, b'=') else { return self.skip(pair, Reason::NoEquals) };
        let key = key.trim_ascii();
        if !is_token(key) {
            return self.skip(key, Reason::WrongKey);
        }
        if !self.settings.allows(key) {
            return;
        }
        // An earlier member with this key is discarded, even if this one is left out.
        self.forget(key);
        if self.keys.len() >= self.settings.most_members {
            return self.skip(key, Reason::TooMany(self.settings.most_members));
        }
        let begin = self.text.len();
        self.text.push_str(key);
        self.value(value);
        let all_properties_are_well_formed = properties.is_empty() || self.properties(properties);
        if self.text.len() > self.settings.most_bytes {
            self.text.truncate(begin);
            return self.skip(key, Reason::TooLong(self.settings.most_bytes));
        }
        self.text.push(',');
        self.keys.push(begin..begin + key.len());
        if !all_properties_are_well_formed {
            self.skip(key, Reason::WrongProperty);
        }
    }

    fn value(&mut self, value: &str) {
        self.text.push('=');
        percent::encode_the_rest(value.trim_ascii(), &mut self.text);
    }

    /// Returns whether all could be read; the others are left out.
    fn properties(&mut self, properties: &str) -> bool {
        let mut all_are_well_formed = true;
        for property in Parts::of(properties, b';').map(str::trim_ascii).filter(|property| !property.is_empty()) {
            let (key, value) = split_once(property, b'=').map_or((property, None), |(key, value)| (key, Some(value)));
            let key = key.trim_ascii();
            if !is_token(key) {
                all_are_well_formed = false;
                continue;
            }
            self.text.push(';');
            self.text.push_str(key);
            if let Some(value) = value {
                self.value(value);
            }
        }
        all_are_well_formed
    }

    /// Removes the member with this key, if there is one.
    fn forget(&mut self, key: &str) {
        let Some(number) = self.keys.iter().position(|range| self.text[range.clone()] == *key) else { return };
        let begin = self.keys.remove(number).start;
        let end = self.keys.get(number).map_or(self.text.len(), |next| next.start);
        self.text.replace_range(begin..end, "");
        for range in &mut self.keys[number..] {
            *range = range.start - (end - begin)..range.end - (end - begin);
        }
    }

    fn skip(&mut self, key: &str, reason: Reason) {
        if self.skipped.len() < MOST_COMPLAINTS {
            self.skipped.push(Skipped::member(key.trim_ascii(), reason));
        }
    }

    /// Returns the members that were read, and those that were left out.
    pub(super) fn end(self) -> (Baggage, Vec<Skipped>) {
        (Baggage::from_header(self.text.strip_suffix(',').unwrap_or_default()), self.skipped)
    }
}
