//! [`Body`] for [`InContext`]: every frame is produced in the context.

use std::pin::Pin;
use std::task::{self, Poll};

use http_body::{Body, Frame, SizeHint};

use crate::task::InContext;

impl<B: Body> Body for InContext<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.call_inside(|body| body.poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.call_inside_copy(B::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.call_inside_copy(B::size_hint)
    }
}
