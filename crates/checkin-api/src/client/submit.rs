use std::time::Duration;

use http::{Method, StatusCode};
use tokio::task::JoinSet;

use super::{CheckInClient, ClientError, random};
use crate::outbox::between;
use crate::{CheckIn, Refusal};

/// How long the client waits before its second try: the document's 5 s, and a second more or less, so that the bots of a
/// region, which failed together, do not come back together.
///
/// Source: checkin §5. Choice: CI-14.
const RETRY_MIN: Duration = Duration::from_secs(4);
const RETRY_MAX: Duration = Duration::from_secs(6);
/// The longest `Retry-After` that is waited for. Beyond it there is no second try: the caller is told instead.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// The receiver has the check-in, on disk where it keeps its word.
///
/// Source: checkin §5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Accepted {
    /// 201: it was new. The reference receiver says so every time.
    Created,
    /// 200: it was held already, from another bot or an earlier try. So counts any other success.
    AlreadyHeld,
}

impl CheckInClient {
    /// Submits a check-in. When that fails for a reason that may pass (the network, 429, 5xx), it is tried once more about 5 s
    /// later, or when the receiver says (`Retry-After`, up to 60 s): the hash makes it safe to send it twice.
    ///
    /// # Errors
    /// [`ClientError`]; the last one, after two tries.
    pub async fn submit(&self, check_in: &CheckIn) -> Result<Accepted, ClientError> {
        let error = match self.submit_once(check_in).await {
            Err(error) if error.is_retryable() => error,
            result => return result,
        };
        let asked = error.retry_after().unwrap_or_default();
        if asked > MAX_RETRY_AFTER {
            return Err(error);
        }
        let jitter = between(RETRY_MIN, RETRY_MAX, random());
        let wait = if asked.is_zero() { jitter } else { asked + (jitter - RETRY_MIN) };
        tokio::time::sleep(wait).await;
        self.submit_once(check_in).await
    }

    /// Submits a check-in with one try.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn submit_once(&self, check_in: &CheckIn) -> Result<Accepted, ClientError> {
        check_in.validate().map_err(ClientError::Invalid)?;
        let body = Some(("application/json", check_in.encode()));
        let reply = self.call(Method::POST, self.inner.url.submission()?, body).await?;
        Ok(if reply.status == StatusCode::CREATED { Accepted::Created } else { Accepted::AlreadyHeld })
    }

    /// Whether the receiver takes check-ins with this key. It is sent one without any field, which it must refuse for that: nothing is
    /// stored.
    ///
    /// # Errors
    /// [`ClientError`]; with [`is_unauthorized`](ClientError::is_unauthorized) when the key is at fault.
    ///
    /// Choice: CI-17.
    pub async fn check_key(&self) -> Result<(), ClientError> {
        let body = Some(("application/json", b"{}".to_vec()));
        match self.call(Method::POST, self.inner.url.submission()?, body).await {
            Err(ClientError::Refused(Refusal { status: 400 | 422, .. })) => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Err(ClientError::Protocol("a check-in without any field was accepted")),
        }
    }

    /// Submits many, several at once as far as the client's limit allows, each as [`submit`](Self::submit) does. The results
    /// are in the order of the check-ins.
    pub async fn submit_all(
        &self,
        check_ins: impl IntoIterator<Item = CheckIn>,
    ) -> Vec<Result<Accepted, ClientError>> {
        let mut running = JoinSet::new();
        for (index, check_in) in check_ins.into_iter().enumerate() {
            let client = self.clone();
            running.spawn(async move { (index, client.submit(&check_in).await) });
        }
        let mut results: Vec<_> = (0..running.len()).map(|_| None).collect();
        while let Some(done) = running.join_next().await {
            if let Ok((index, result)) = done
                && let Some(place) = results.get_mut(index)
            {
                *place = Some(result);
            }
        }
        // A task without a result was cancelled by a runtime that is shutting down, as this call then is too.
        results.into_iter().map(|result| result.unwrap_or_else(|| Err(ClientError::timed_out()))).collect()
    }
}
