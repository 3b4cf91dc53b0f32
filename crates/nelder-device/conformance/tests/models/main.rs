//! The conformance suite, and models on the device that `NELDER_TEST_DEVICE` names: one program for every device.

#[path = "../../../../nelder/tests/draws/mod.rs"]
mod draws;
#[path = "../../../../nelder/tests/sources/mod.rs"]
mod sources;

mod conformance;
mod designs;
mod devices;
mod digits;
mod exact;
mod nist;
mod processes;
mod rational;
