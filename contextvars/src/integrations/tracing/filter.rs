//! [`ContextFilter`]: lets a variable raise the log level, for the work at hand alone.

use tracing_core::subscriber::Interest;
use tracing_core::{Event, LevelFilter, Metadata, span};
use tracing_subscriber::layer::{Context, Filter};

use crate::state::ContextVar;

/// A filter that lets through what another does, and besides that what a variable asks for.
///
/// The variable holds a level. Where it is set, events and spans up to that level are enabled, whatever the other
/// filter says; where it is not, the other decides alone. A declared default does not come into it.
///
/// `LevelFilter` can be written and parsed, so the variable can be declared with `baggage = "log-level"`: then one
/// request is seen in detail in every service that it goes through.
///
/// What the other filter lets through anyway costs no more than it did. For anything more verbose the variable is read,
/// in a few nanoseconds; [`at_most`](Self::at_most) limits that to the levels that are ever asked for.
///
/// `tracing::enabled!` does not know: as with every filter of a layer that may change its mind, it answers `true` for
/// what might be enabled.
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
    /// Returns a filter that lets through what `usual` does, and besides that what `level` asks for.
    #[must_use]
    pub fn new(usual: F, level: &'static ContextVar<LevelFilter>) -> Self {
        Self { usual, level, most: LevelFilter::TRACE }
    }

    /// Lets the variable ask for no more than `most`: the rest stays as cheap as it was.
    #[must_use]
    pub fn at_most(mut self, most: LevelFilter) -> Self {
        self.most = most;
        self
    }

    /// Whether the variable could ever ask for this.
    fn may_raise(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.most
    }

    /// Whether the variable asks for this, here and now.
    fn raises(&self, metadata: &Metadata<'_>) -> bool {
        // Not the default: evaluating it might log, and so come back here.
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
        // The answer is kept for good, and the variable's value is not.
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
