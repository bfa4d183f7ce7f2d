//! The server through its service, without sockets, on a clock of the tests' own.

mod devices;
mod support;
