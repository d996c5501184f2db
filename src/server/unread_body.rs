//! Request bodies of HTTP/1.1 that are answered before they have arrived completely.
//!
//! A server that closes a connection while a client still sends makes the client's system discard the response, before the client has
//! read it (RFC 9112, section 9.6). So the rest of the body is read, and discarded, for a limited time.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::EXPECT;
use http::{Request, Version};
use hyper::body::{Body, Bytes, Frame, SizeHint};

/// The time for which the rest of a body is read.
const PATIENCE: Duration = Duration::from_secs(5);

/// The maximum number of bytes of the rest that are read.
const LIMIT: usize = 16 * 1024 * 1024;

/// A body whose rest is discarded when it is dropped.
pub(super) struct DiscardedWhenDropped<B: Body<Data = Bytes> + Send + Unpin + 'static> {
    /// `None` once nothing is to be discarded: the body has ended.
    body: Option<B>,
    /// Whether the client sends the body without being told to.
    is_sent: bool,
}

/// Has the rest of the request's body discarded, if the protocol requires that.
pub(super) fn discard_rest<B: Body<Data = Bytes> + Send + Unpin + 'static>(
    request: Request<B>,
) -> Request<DiscardedWhenDropped<B>> {
    // A stream of HTTP/2 is reset instead. A client that waits for `100 Continue` sends nothing until the body is read.
    let is_sent = request.version() <= Version::HTTP_11 && !request.headers().contains_key(EXPECT);
    request.map(|body| DiscardedWhenDropped { body: Some(body), is_sent })
}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> Body for DiscardedWhenDropped<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> Drop for DiscardedWhenDropped<B> {
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|body| self.is_sent && !body.is_end_stream()) else {
            return;
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(PATIENCE, discard(body)));
        }
    }
}

async fn discard<B: Body<Data = Bytes> + Unpin>(mut body: B) {
    let mut left = LIMIT;
    while let Some(Ok(frame)) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(bytes) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
