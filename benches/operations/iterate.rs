//! Going through all values of a context.

use std::collections::HashMap;

use contextvars_benches::variables::{context_of, variables};
use criterion::Criterion;

use crate::peers::cpython;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("iterate");
    for count in [8_usize, 1000] {
        let context = context_of(count);
        group.bench_function(format!("iter, {}", variables(count)), |b| b.iter(|| context.iter().count()));
        let map: HashMap<usize, usize> = (0..count).map(|number| (number, number)).collect();
        group.bench_function(format!("std HashMap, {count} values"), |b| {
            // Not `map.len()` by another name: each entry is looked at.
            b.iter(|| map.iter().filter(|(key, value)| key == value).count());
        });
    }
    cpython::bench(&mut group, "iterate");
}
