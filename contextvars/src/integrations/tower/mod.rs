//! Tower layers that give each request a context of its own: for axum, hyper, tonic and everything else built on tower.
//!
//! The context is current in the synchronous part of `call`, in every poll of the response's future, for every frame of
//! the response's body, and while either is dropped, also when the client disconnects. It is the same context
//! throughout: values that a handler sets are visible when its body is streamed.
//!
//! # Examples
//!
//! ```
//! use std::convert::Infallible;
//!
//! use contextvars::context_var;
//! use contextvars::tower::ContextLayer;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use tower::{Service, ServiceBuilder, ServiceExt};
//!
//! #[context_var]
//! static USER: String;
//!
//! type Body = Full<&'static [u8]>;
//!
//! async fn hello(_: Request<Body>) -> Result<Response<String>, Infallible> {
//!     Ok(Response::new(format!("hello {}", USER.get())))
//! }
//!
//! # fn main() {
//! # fn block_on<F: Future>(future: F) -> F::Output { pollster::block_on(future) }
//! let user = |request: &Request<Body>| {
//!     if let Some(Ok(user)) = request.headers().get("x-user").map(|name| name.to_str()) {
//!         USER.set(user.to_owned());
//!     }
//! };
//! let service = ServiceBuilder::new().layer(ContextLayer::new().init(user)).service_fn(hello);
//!
//! let request = Request::builder().header("x-user", "ada").body(Body::default()).unwrap();
//! let response = block_on(service.oneshot(request)).unwrap();
//! let body = block_on(response.into_body().collect()).unwrap().to_bytes();
//! assert_eq!(body, "hello ada");
//! assert!(!USER.is_set());
//! # }
//! ```
//!
//! # Tasks in between
//! `tower::buffer::Buffer` calls the services inside it in a task of its own, where the context is not current; their
//! futures are polled by the task that awaits the response, where it is. To have the context in that `call`, too, pass
//! it with the request: [`carry`](ContextLayer::carry) outside of the buffer, [`carried`](ContextLayer::carried)
//! inside.
//!
//! # Other requests
//! For services with other requests than those of HTTP there is [`AnyContextLayer`].

mod any;
mod body;
mod future;
mod layer;
mod service;

pub use self::any::{AnyContextLayer, AnyContextService};
pub use self::future::ResponseFuture;
pub use self::layer::ContextLayer;
pub use self::service::{ContextService, Init};
