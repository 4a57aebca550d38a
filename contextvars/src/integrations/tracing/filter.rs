//! [`ContextFilter`]: lets a variable raise the log level for the current work only.

use tracing_core::subscriber::Interest;
use tracing_core::{Event, LevelFilter, Metadata, span};
use tracing_subscriber::layer::{Context, Filter};

use crate::state::ContextVar;

/// A filter that enables what another filter enables, and also the events and spans up to the level in a variable.
///
/// The variable holds a level. If it is set, events and spans up to that level are enabled, regardless of the other
/// filter; if it is not set, only the other filter decides. A declared default is ignored.
///
/// `LevelFilter` can be written and parsed, so the variable can be declared with `baggage = "log-level"`: then one
/// request is logged in detail in every service that it passes.
///
/// Events that the other filter enables cost nothing more. For more verbose ones the variable is read, in a few
/// nanoseconds; [`at_most`](Self::at_most) limits that to a level.
///
/// `tracing::enabled!` may return `true` for an event that this filter then drops, as with any per-layer filter that
/// decides per event.
///
/// # Examples
///
/// ```
/// use contextvars::tracing::ContextFilter;
/// use contextvars::{context_var, with_context};
/// use tracing::{debug, info, level_filters::LevelFilter};
/// use tracing_subscriber::{fmt, prelude::*};
///
/// #[context_var]
/// static VERBOSITY: LevelFilter;
///
/// # #[derive(Clone, Default)]
/// # struct Output(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
/// # impl Output {
/// #     fn text(&self) -> String { String::from_utf8(self.0.lock().unwrap().clone()).unwrap() }
/// # }
/// # impl std::io::Write for Output {
/// #     fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> { self.0.lock().unwrap().write(bytes) }
/// #     fn flush(&mut self) -> std::io::Result<()> { Ok(()) }
/// # }
/// # fn main() {
/// # let output = Output::default();
/// # let writer = output.clone();
/// let lines = fmt::layer().without_time().with_ansi(false).with_target(false);
/// # let lines = lines.with_writer(move || writer.clone());
/// let filter = ContextFilter::new(LevelFilter::INFO, &VERBOSITY).at_most(LevelFilter::DEBUG);
/// let _default = tracing_subscriber::registry().with(lines.with_filter(filter)).set_default();
///
/// debug!("not of interest");
/// info!("accepted");
/// with_context!(VERBOSITY = LevelFilter::DEBUG, { debug!("looked up") });
/// assert_eq!(output.text(), " INFO accepted\nDEBUG looked up\n");
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ContextFilter<F> {
    usual: F,
    level: &'static ContextVar<LevelFilter>,
    most: LevelFilter,
}

impl<F> ContextFilter<F> {
    /// Returns a filter that enables what `usual` enables, and also the events and spans up to the value of `level`.
    #[must_use]
    pub fn new(usual: F, level: &'static ContextVar<LevelFilter>) -> Self {
        Self { usual, level, most: LevelFilter::TRACE }
    }

    /// Limits the variable to `most`: more verbose events cost nothing more.
    #[must_use]
    pub fn at_most(mut self, most: LevelFilter) -> Self {
        self.most = most;
        self
    }

    /// Whether the variable could enable this.
    fn may_raise(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.most
    }

    /// Whether the variable enables this now.
    fn raises(&self, metadata: &Metadata<'_>) -> bool {
        // Not the default: evaluating it might log, which would call this filter again.
        self.may_raise(metadata) && *metadata.level() <= self.level.get_or(LevelFilter::OFF)
    }
}

impl<S, F: Filter<S>> Filter<S> for ContextFilter<F> {
    fn enabled(&self, metadata: &Metadata<'_>, cx: &Context<'_, S>) -> bool {
        self.usual.enabled(metadata, cx) || self.raises(metadata)
    }

    fn event_enabled(&self, event: &Event<'_>, cx: &Context<'_, S>) -> bool {
        self.usual.event_enabled(event, cx) || self.raises(event.metadata())
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        let interest = self.usual.callsite_enabled(metadata);
        // The result is cached permanently, but the variable's value changes.
        if interest.is_never() && self.may_raise(metadata) { Interest::sometimes() } else { interest }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.usual.max_level_hint().map(|usual| usual.max(self.most))
    }

    fn on_new_span(&self, attrs: &span::Attributes<'_>, id: &span::Id, cx: Context<'_, S>) {
        self.usual.on_new_span(attrs, id, cx);
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, cx: Context<'_, S>) {
        self.usual.on_record(id, values, cx);
    }

    fn on_enter(&self, id: &span::Id, cx: Context<'_, S>) {
        self.usual.on_enter(id, cx);
    }

    fn on_exit(&self, id: &span::Id, cx: Context<'_, S>) {
        self.usual.on_exit(id, cx);
    }

    fn on_close(&self, id: span::Id, cx: Context<'_, S>) {
        self.usual.on_close(id, cx);
    }
}
