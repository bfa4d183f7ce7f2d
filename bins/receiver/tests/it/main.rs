//! The receiver through `run()`, and the demo.

mod demo;
