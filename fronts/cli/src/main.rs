//! The `nelder` command: models of files, printed as R prints them.

mod anova;
mod arguments;
mod augment;
mod boot;
mod collate;
mod data;
mod device;
mod devices;
mod failure;
mod fit_file;
mod glm;
mod glmnet;
mod glmnet_multi;
mod interrupt;
mod lm;
mod output;
mod outputs;
mod prcomp;
mod predict;
mod predict_path;
mod progress;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Command, Nelder};

fn main() -> ExitCode {
    let arguments = match Nelder::try_parse() {
        Ok(arguments) => arguments,
        Err(asked) => {
            let lost = |e: std::io::Error| e.kind() != std::io::ErrorKind::BrokenPipe;
            let lost = asked.print().is_err_and(lost) && !asked.use_stderr();
            return ExitCode::from(if lost { 1 } else { asked.exit_code() as u8 });
        }
    };
    interrupt::watch();
    nelder_wgpu::silence_drivers();
    nelder_data::silence_decoders();
    let done = match arguments.command {
        Command::Lm(options) => lm::run(&options),
        Command::Glm(options) => glm::run(&options),
        Command::Prcomp(options) => prcomp::run(&options),
        Command::Glmnet(options) => glmnet::run(&options),
        Command::CvGlmnet(options) => glmnet::run_cross_validated(&options),
        Command::Boot(options) => boot::run(&options),
        Command::Predict(options) => predict::run(&options),
        Command::Anova(options) => anova::run(&options),
        Command::Devices(options) => devices::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::note(&format!("nelder: {failure}"));
            ExitCode::from(failure.code())
        }
    }
}
