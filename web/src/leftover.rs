//! What is left of a request's body where it was answered without being read: refused for its role, its precondition,
//! its size. It is read and thrown away before the answer goes out, within bounds: a client that is still sending would
//! see a broken connection in place of the answer, and the next request on that connection would be lost.
//!
//! Called by `layers` for every request. What a handler reads it reads as before.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Version, header};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;

/// Most bytes that are read to be thrown away; more is a client that does not listen.
const MOST: usize = 8 * 1024 * 1024;
/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A body that is still there when whoever had it has let it go.
struct Kept(Arc<Mutex<Body>>);

impl HttpBody for Kept {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Pin::new(&mut *body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).size_hint()
    }
}

/// Reads what is left; says whether that was all of it.
async fn drain(mut body: Body) -> bool {
    let mut read = 0;
    let all = async {
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > MOST {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(PATIENCE, all).await.unwrap_or(false)
}

/// The layer.
pub(crate) async fn read_out(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        return next.run(Request::from_parts(parts, body)).await;
    }
    // Who asks first whether to send at all has sent nothing yet.
    let waits = parts.headers.contains_key(header::EXPECT);
    let version = parts.version;
    let kept = Arc::new(Mutex::new(body));
    let given = Body::new(Kept(Arc::clone(&kept)));
    let mut response = next.run(Request::from_parts(parts, given)).await;
    // A handler that answers and goes on reading has the body still; none does.
    let left = Arc::into_inner(kept).map(|body| body.into_inner().unwrap_or_else(PoisonError::into_inner));
    let ended = match left {
        Some(body) if body.is_end_stream() => true,
        Some(body) if !waits => drain(body).await,
        Some(_) | None => false,
    };
    if !ended && version <= Version::HTTP_11 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
