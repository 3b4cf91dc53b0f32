//! The `nelder` command: models of files, printed as R prints them.

mod anova;
mod arguments;
mod augment;
mod data;
mod device;
mod devices;
mod failure;
mod fit_file;
mod glm;
mod lm;
mod output;
mod prcomp;
mod predict;
mod progress;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Command, Nelder};

fn main() -> ExitCode {
    let arguments = Nelder::parse();
    let done = match arguments.command {
        Command::Lm(options) => lm::run(&options),
        Command::Glm(options) => glm::run(&options),
        Command::Prcomp(options) => prcomp::run(&options),
        Command::Predict(options) => predict::run(&options),
        Command::Anova(options) => anova::run(&options),
        Command::Devices(options) => devices::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("nelder: {failure}");
            ExitCode::from(failure.code())
        }
    }
}
