//! Metrics that have context variables for labels: counters say whose they are, and no call that counts says so.
//!
//! Run it with `cargo run --example metrics_labels`, and its tests with `cargo test --example metrics_labels`. The
//! layer is yours to copy. It goes around any recorder of `metrics`, such as a Prometheus exporter, and takes the
//! variables in a list: each combination of their values is a time series of its own, which is stored, sent and paid
//! for. Plans, regions and methods have few values. Tenants may have too many, and the numbers of requests certainly
//! have.

use std::fmt;
use std::ptr;

use contextvars::{Context, Variable, context_var, copy_context, rayon, tokio, with_context};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Metadata, Recorder, SharedString, Unit, counter};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use metrics_util::layers::Layer;

/// What the customer pays for. Three values make three series of each counter.
#[context_var(log = "plan")]
static PLAN: Plan;

/// Where the request came in.
#[context_var(log = "region")]
static REGION: &'static str;

/// Tells requests apart, so it is for log lines, and never a label.
#[context_var(log = "request")]
static REQUEST_ID: u64;

#[derive(Clone, Copy)]
enum Plan {
    Free,
    Pro,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Free => "free",
            Self::Pro => "pro",
        })
    }
}

/// Adds the values of these variables to the labels of every metric.
struct ContextLabels {
    variables: Vec<&'static Variable>,
}

impl ContextLabels {
    fn new(variables: impl IntoIterator<Item = &'static Variable>) -> Self {
        Self { variables: variables.into_iter().collect() }
    }
}

impl<R> Layer<R> for ContextLabels {
    type Output = WithContextLabels<R>;

    fn layer(&self, inner: R) -> WithContextLabels<R> {
        WithContextLabels { variables: self.variables.clone(), inner }
    }
}

/// What [`ContextLabels`] makes of a recorder.
struct WithContextLabels<R> {
    variables: Vec<&'static Variable>,
    inner: R,
}

impl<R> WithContextLabels<R> {
    /// The key with the values that are set now. A label that the call gives itself stands.
    fn labelled(&self, key: &Key) -> Key {
        let context = copy_context();
        let labels = self.variables.iter().filter_map(|variable| label(variable, &context));
        key.with_extra_labels(labels.filter(|label| key.labels().all(|own| own.key() != label.key())).collect())
    }
}

/// The variable and its value, under the name that it has in log lines.
fn label(variable: &Variable, context: &Context) -> Option<Label> {
    let (_, value) = context.iter().find(|(it, _)| ptr::eq(*it, variable))?;
    Some(Label::new(variable.log_key().unwrap_or(variable.name()), value.to_string()))
}

/// The macros of `metrics` ask for the counter at each call, and so the labels are those of the call.
impl<R: Recorder> Recorder for WithContextLabels<R> {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.inner.describe_counter(key, unit, description);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.inner.describe_gauge(key, unit, description);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.inner.describe_histogram(key, unit, description);
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.inner.register_counter(&self.labelled(key), metadata)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.inner.register_gauge(&self.labelled(key), metadata)
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        self.inner.register_histogram(&self.labelled(key), metadata)
    }
}

/// Serves a request. Nothing in here knows of plans or regions.
async fn serve() {
    counter!("requests").increment(1);
    let stored = tokio::spawn(async { counter!("writes", "table" => "orders").increment(1) });
    rayon::join(|| counter!("prices").increment(1), || counter!("prices").increment(1));
    // A panic would have been reported by the task itself.
    let _ = stored.await;
}

/// All counters, as `name{label="value",..} count`, in the order of the alphabet.
fn lines(snapshotter: &Snapshotter) -> Vec<String> {
    let metrics = snapshotter.snapshot().into_vec().into_iter();
    let line = |key: &Key, value: &DebugValue| {
        let mut labels: Vec<_> = key.labels().map(|it| format!("{}={:?}", it.key(), it.value())).collect();
        labels.sort_unstable();
        let DebugValue::Counter(count) = value else { return None };
        Some(format!("{}{{{}}} {count}", key.name(), labels.join(",")))
    };
    let mut lines: Vec<_> = metrics.filter_map(|(key, _, _, value)| line(key.key(), &value)).collect();
    lines.sort_unstable();
    lines
}

#[tokio::main]
async fn main() {
    // In the place of an exporter, a recorder that can be looked into.
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let recorder = ContextLabels::new([PLAN.variable(), REGION.variable()]).layer(recorder);
    if metrics::set_global_recorder(recorder).is_err() {
        eprintln!("there is a recorder already");
        return;
    }
    for (number, plan) in (1..).zip([Plan::Free, Plan::Pro, Plan::Pro]) {
        with_context!(REQUEST_ID = number, PLAN = plan, REGION = "eu", async { serve().await }).await;
    }
    counter!("requests").increment(1);
    for line in lines(&snapshotter) {
        println!("{line}");
    }
}

#[cfg(test)]
mod tests {
    use metrics::{histogram, with_local_recorder};

    use super::*;

    /// The counters of `f`, whose metrics have the variables that are given for labels.
    fn counted(variables: &[&'static Variable], f: impl FnOnce()) -> Vec<String> {
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        with_local_recorder(&ContextLabels::new(variables.iter().copied()).layer(recorder), f);
        lines(&snapshotter)
    }

    #[contextvars::test]
    fn a_counter_has_the_values_of_the_call_and_only_of_what_is_listed() {
        let lines = counted(&[PLAN.variable(), REGION.variable()], || {
            REQUEST_ID.set(7);
            counter!("calls").increment(1);
            with_context!(PLAN = Plan::Free, REGION = "eu", { counter!("calls").increment(2) });
            with_context!(PLAN = Plan::Pro, { counter!("calls").increment(3) });
        });
        assert_eq!(lines, ["calls{plan=\"free\",region=\"eu\"} 2", "calls{plan=\"pro\"} 3", "calls{} 1"]);
    }

    #[contextvars::test]
    fn a_label_that_the_call_gives_stands() {
        let lines = counted(&[REGION.variable()], || {
            REGION.set("eu");
            counter!("calls", "region" => "us").increment(1);
        });
        assert_eq!(lines, ["calls{region=\"us\"} 1"]);
    }

    #[contextvars::test]
    fn a_counter_that_is_kept_keeps_the_labels_of_when_it_was_made() {
        let lines = counted(&[PLAN.variable()], || {
            let kept = with_context!(PLAN = Plan::Free, { counter!("calls") });
            with_context!(PLAN = Plan::Pro, { kept.increment(1) });
        });
        assert_eq!(lines, ["calls{plan=\"free\"} 1"]);
    }

    #[contextvars::test]
    fn histograms_have_labels_too() {
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        with_local_recorder(&ContextLabels::new([PLAN.variable()]).layer(recorder), || {
            with_context!(PLAN = Plan::Pro, { histogram!("seconds").record(0.5) });
        });
        let metrics = snapshotter.snapshot().into_vec();
        let labels: Vec<_> = metrics[0].0.key().labels().map(|it| (it.key(), it.value())).collect();
        assert_eq!((metrics.len(), labels), (1, vec![("plan", "pro")]));
    }
}
