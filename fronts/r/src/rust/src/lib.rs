//! The R package's side of nelder: R's columns in place as a source of rows, fits behind external pointers, and one
//! conversion for each record.

mod background;
mod describe;
mod fingerprint;
mod fit;
mod glmnet;
mod glmnet_multi;
mod kept;
mod lazy;
mod lists;
mod place;
mod plain;
mod principal;
mod record;
mod resampling;
mod source;
