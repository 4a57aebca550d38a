//! Going through all values of a context.

use std::collections::HashMap;

use contextvars_benches::variables::context_of;
use criterion::Criterion;

use crate::peers::cpython;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("iterate");
    for variables in [8_usize, 1000] {
        let context = context_of(variables);
        group.bench_function(format!("iter, {variables} variables"), |b| b.iter(|| context.iter().count()));
        let map: HashMap<usize, usize> = (0..variables).map(|number| (number, number)).collect();
        group.bench_function(format!("std HashMap, {variables} values"), |b| {
            // Not `map.len()` by another name: each entry is looked at.
            b.iter(|| map.iter().filter(|(key, value)| key == value).count());
        });
    }
    cpython::bench(&mut group, "iterate");
}
