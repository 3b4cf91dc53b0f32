//! The tests of reading, as one program; those that look at the memory of their process have their own.

#[path = "../common/mod.rs"]
mod common;

mod changed;
mod dialects;
mod dictionaries;
mod examples;
mod formats;
mod printing_glm;
mod several;
mod text;
mod whole_numbers;
