//! `http::HeaderMap` as a carrier of baggage.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::travelling::{Extractor, Injector};

impl Extractor for HeaderMap {
    fn each_value(&self, name: &str, f: &mut dyn FnMut(&[u8])) {
        self.get_all(name).iter().for_each(|value| f(value.as_bytes()));
    }
}

impl Injector for HeaderMap {
    fn set(&mut self, name: &str, value: Option<String>) {
        self.remove(name);
        // Baggage has nothing but ASCII in it, so there is no other case.
        if let (Ok(name), Some(Ok(value))) = (HeaderName::try_from(name), value.map(HeaderValue::try_from)) {
            self.insert(name, value);
        }
    }
}
