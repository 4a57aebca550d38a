//! [`Format`]: a format of values in headers.

use super::carrier::{Extractor, Injector};
use super::skipped::Skipped;
use crate::context::Context;

/// A format of values in headers, for the layers of [`headers`](crate::headers).
///
/// [`headers::Settings`](crate::headers::Settings) is one, `baggage::Settings` of the feature `baggage` another, and
/// `deadline::GrpcTimeout` of the feature `deadline` a third. A pair of formats is a format, too: the first is applied
/// before the second. There is none for `traceparent`: instrumentation for OpenTelemetry reads and writes it, and
/// starts the spans.
///
/// # Examples
///
/// ```
/// use contextvars::headers::{ExtractLayer, Extractor, Format, Injector, Skipped};
/// use contextvars::{Context, context_var};
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// #[context_var]
/// static LANGUAGES: Vec<String>;
///
/// /// `accept-language: de, en;q=0.5`.
/// #[derive(Clone)]
/// struct Languages;
///
/// impl Format for Languages {
///     fn extract(&self, headers: &dyn Extractor, context: Context) -> (Context, Vec<Skipped>) {
///         let mut languages = Vec::new();
///         headers.each_value("accept-language", &mut |value| {
///             let text = String::from_utf8_lossy(value);
///             languages.extend(text.split(',').filter_map(|it| Some(it.split(';').next()?.trim().to_owned())));
///         });
///         (context.with(&LANGUAGES, languages), Vec::new())
///     }
///
///     fn inject(&self, headers: &mut dyn Injector) -> Vec<Skipped> {
///         headers.set("accept-language", LANGUAGES.try_get().ok().map(|it| it.join(", ")));
///         Vec::new()
///     }
///
///     fn remove(&self, headers: &mut dyn Injector) {
///         headers.set("accept-language", None);
///     }
/// }
///
/// # fn main() {
/// # pollster::block_on(async {
/// let service = service_fn(async |_: Request<()>| Ok::<_, std::io::Error>(Response::new(LANGUAGES.get())));
/// let request = Request::builder().header("accept-language", "de, en;q=0.5").body(()).unwrap();
/// let response = ExtractLayer::of(Languages).layer(service).oneshot(request).await.unwrap();
/// assert_eq!(response.into_body(), ["de", "en"]);
/// # });
/// # }
/// ```
pub trait Format {
    /// Sets the variables from the headers of a request in `context`, and returns it with the headers that were left
    /// out.
    ///
    /// The layer calls this in a copy of `context`: variables that are set there and not in `context` are lost.
    fn extract(&self, headers: &dyn Extractor, context: Context) -> (Context, Vec<Skipped>);

    /// Writes the headers for the current context, and returns the ones that were left out. Existing headers of this
    /// format are replaced or removed.
    fn inject(&self, headers: &mut dyn Injector) -> Vec<Skipped>;

    /// Removes the headers of this format, for a destination to which nothing is sent.
    fn remove(&self, headers: &mut dyn Injector);
}

impl<A: Format, B: Format> Format for (A, B) {
    fn extract(&self, headers: &dyn Extractor, context: Context) -> (Context, Vec<Skipped>) {
        let (context, mut skipped) = self.0.extract(headers, context);
        let (context, more) = self.1.extract(headers, context);
        skipped.extend(more);
        (context, skipped)
    }

    fn inject(&self, headers: &mut dyn Injector) -> Vec<Skipped> {
        let mut skipped = self.0.inject(headers);
        skipped.extend(self.1.inject(headers));
        skipped
    }

    fn remove(&self, headers: &mut dyn Injector) {
        self.0.remove(headers);
        self.1.remove(headers);
    }
}
