#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
mod exchange;
mod reply;
mod server_url;

pub use error::ExchangeError;
pub use exchange::{Body, Exchange, Limits, Settings};
pub use reply::Reply;
pub use server_url::ServerUrl;
