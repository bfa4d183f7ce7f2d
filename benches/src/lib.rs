//! Holds no code: the benches are the `[[bench]]` targets beside this folder, one file a question.
