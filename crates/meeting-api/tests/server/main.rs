//! The server through its service, without sockets, on a clock of the tests' own.

mod access;
mod devices;
mod sqlite_store;
mod store_suite;
mod support;
