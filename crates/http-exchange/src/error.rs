use std::io;

/// Why an exchange gave no reply.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The server broke the rules: no HTTP, a reply that is too long.
    #[error("{0}")]
    Protocol(&'static str),
    /// The caller asked for what is not possible.
    #[error("{0}")]
    Usage(&'static str),
    /// The network failed, TLS included; an exchange that took too long is [`io::ErrorKind::TimedOut`].
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl ExchangeError {
    pub(crate) fn timed_out() -> Self {
        Self::Io(io::Error::new(io::ErrorKind::TimedOut, "the server did not answer in time"))
    }

    /// An error of the layers underneath, of which the cause that a person can act on is kept.
    pub(crate) fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut cause = Some(error);
        let mut last = error;
        while let Some(error) = cause {
            if let Some(io) = error.downcast_ref::<io::Error>() {
                return Self::Io(io::Error::new(io.kind(), io.to_string()));
            }
            if let Some(hyper) = error.downcast_ref::<hyper::Error>() {
                if hyper.is_parse() {
                    return Self::Protocol("the answer is not HTTP");
                }
                if hyper.is_incomplete_message() {
                    return Self::Io(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the connection was closed before the answer",
                    ));
                }
            }
            last = error;
            cause = error.source();
        }
        Self::Io(io::Error::other(last.to_string()))
    }
}
